"""The next round: the stage it belongs to, the branches a policy chooses for it, and what they are forecast to cost."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evidentia.graph.budget import REPAIR, Ledger
from evidentia.graph.frontier import Candidate, Frontier
from evidentia.graph.policies import Policy
from evidentia.graph.stages import FEASIBILITY, Standing


@dataclass(frozen=True)
class Round:
    """The branches of a round, each with the reason it was chosen; empty when the budget allows none.

    `rate` is what an experiment on the best of the rest is worth: a branch whose next looks promise less is put off.
    """

    stage: str
    names: tuple[str, ...]
    reasons: dict[str, str]
    forecast: dict[str, Any]
    rate: float = 0.0


def choose(
    frontier: Frontier,
    standing: Standing,
    policy: Policy,
    ledger: Ledger,
    *,
    size: int,
    seed: str,
    ended: int,
    first: Mapping[str, str] | None = None,
) -> Round:
    """As many branches as fit the experiment budget in their worst case, at least one while any may run. Those in
    `first`, each with its reason, are taken before the policy chooses.

    The frontier is left as if they were taken. The same frontier and `seed` give the same choice.
    """
    chosen: list[str] = []
    reasons: dict[str, str] = {}
    left, worst, rate = ledger.experiments_left, 0, 0.0
    if not ledger.exhausted():
        chance = random.Random(seed)
        for candidate, reason in _candidates(frontier, standing, policy, size, chance, first or {}):
            cost = candidate.cost + REPAIR
            if chosen and worst + cost > left:
                break
            frontier.take(candidate.id)
            chosen.append(candidate.id)
            reasons[candidate.id] = reason
            worst += cost
            if worst >= left:
                break
        after = policy.choose(frontier, standing.buckets, chance)
        rate = after.worth if after else 0.0
    return Round(standing.stage, tuple(chosen), reasons, ledger.forecast(len(chosen), min(worst, left), ended), rate)


def _candidates(
    frontier: Frontier, standing: Standing, policy: Policy, size: int, chance: random.Random, first: Mapping[str, str]
) -> Sequence[tuple[Candidate, str]] | Any:
    for name, reason in first.items():
        if name in frontier.open:
            yield frontier.open[name], reason
            size -= 1
    if standing.stage == FEASIBILITY:
        for family in standing.families[: max(0, size)]:
            found = frontier.of_family(family)
            if found:
                yield found, f"the first of {family}, to see whether it can be measured here"
        return
    for _ in range(size):
        choice = policy.choose(frontier, standing.buckets, chance)
        if choice is None:
            return
        yield choice.candidate, choice.reason
