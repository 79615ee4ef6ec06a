"""Selection policies: which open hypothesis next. One file each with a class that answers `Policy`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from evidentia.errors import BadInputError
from evidentia.graph.frontier import Candidate, Frontier


@dataclass(frozen=True)
class Choice:
    """A candidate and why it was chosen, in a few words for the log; for a policy that weighs, what an experiment on it
    is `worth`."""

    candidate: Candidate
    reason: str
    worth: float = 0.0


class Policy(Protocol):
    """Chooses among what is open. It keeps no state: all it knows is the frontier, so that a resumed run chooses alike.

    `choose` is asked again for each place in a round; what it named is taken from the frontier before the next time.
    """

    name: str

    def choose(self, frontier: Frontier, stages: Sequence[str], chance: random.Random) -> Choice | None:
        """One open candidate of these stages, or None when there is none."""


def _best_first() -> Policy:
    from evidentia.graph.policies.best_first import BestFirst

    return BestFirst()


def _tree_search() -> Policy:
    from evidentia.graph.policies.tree_search import TreeSearch

    return TreeSearch()


def _value() -> Policy:
    from evidentia.graph.policies.value import ValueOfInformation

    return ValueOfInformation()


def _islands() -> Policy:
    from evidentia.graph.policies.islands import Islands

    return Islands()


def _random() -> Policy:
    from evidentia.graph.policies.chance import AtRandom

    return AtRandom()


POLICIES: dict[str, Callable[[], Policy]] = {
    "value": _value,
    "best-first": _best_first,
    "tree-search": _tree_search,
    "islands": _islands,
    "random": _random,
}
DEFAULT = "value"


def open_policy(name: str) -> Policy:
    """The policy of this name. Raises BadInputError naming those there are."""
    if name not in POLICIES:
        raise BadInputError(f"search.policy: no policy {name!r}; there are {', '.join(POLICIES)}")
    return POLICIES[name]()
