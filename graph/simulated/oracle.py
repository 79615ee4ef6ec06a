"""An oracle: chooses by the planted truth, which no policy can know. It says how much a search could decide at best."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from evidentia.graph.frontier import Candidate, Frontier
from evidentia.graph.policies import Choice
from evidentia.graph.simulated.planted import SMALLEST, Item


class Oracle:
    """The open item whose gap lies furthest from the line, in deviations of its noise; one that crashes comes last."""

    name = "oracle"

    def __init__(self, items: Mapping[str, Item]) -> None:
        self.items = items

    def choose(self, frontier: Frontier, stages: Sequence[str], chance: random.Random) -> Choice | None:
        """The clearest item."""
        found = max((c for c in frontier.open.values() if c.stage in stages), key=self._clear, default=None)
        return Choice(found, "by the planted truth") if found else None

    def _clear(self, candidate: Candidate) -> tuple[float, str]:
        item = self.items[candidate.id]
        return (-1.0 if item.crashes else abs(item.gap - SMALLEST) / item.noise), candidate.id
