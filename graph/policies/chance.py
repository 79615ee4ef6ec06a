"""Random selection: the control that every other policy is measured against."""

from __future__ import annotations

import random
from collections.abc import Sequence

from evidentia.graph.frontier import Frontier
from evidentia.graph.policies import Choice


class AtRandom:
    """Each open candidate is as likely as the other."""

    name = "random"

    def choose(self, frontier: Frontier, stages: Sequence[str], chance: random.Random) -> Choice | None:
        """Any one."""
        found = frontier.any(stages, chance)
        return Choice(found, f"drawn among {frontier.left(stages)}") if found else None
