"""Monte Carlo tree search with progressive widening: UCB1 down the tree of findings (Auer et al. 2002; Kocsis and
Szepesvári 2006), where a branch may have a new child only while their number is below C · visits^α (Couëtoux et al.
2011). So width is traded against depth by what the branches gave."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from evidentia.graph.frontier import ROOT, Frontier, Place
from evidentia.graph.policies import Choice

EXPLORATION = 0.7
WIDENING, EXPONENT = 2.0, 0.5
FULL = 2.0
"""Experiments of a branch that is decided at its first look and attacked: the reward is 1 for a claim in so many."""


class TreeSearch:
    """Descends from the root by UCB, and widens where the tree may be widened."""

    name = "tree-search"

    def choose(self, frontier: Frontier, stages: Sequence[str], chance: random.Random) -> Choice | None:
        """The best open child of the place that UCB leads to."""
        at, trail = ROOT, 0
        while True:
            place = frontier.places[at]
            new = frontier.below(at, stages)
            children = place.taken_children
            allowed = WIDENING * max(1, place.tally.taken) ** EXPONENT
            if new and len(children) < allowed:
                return Choice(new, f"widened at depth {trail}: {len(children)} of {allowed:.1f} children")
            # As many as may be looked at: the bound on width is also the bound on this step's cost.
            looked = [c for c in children[-math.ceil(allowed) - 1 :] if frontier.waits_below(c, stages)]
            if not looked:
                break
            at = max(looked, key=lambda c: (_bound(frontier.places[c], place), c))
            trail += 1
        found = new or frontier.top(stages)
        return Choice(found, f"nothing left to widen at depth {trail}") if found else None


def _bound(place: Place, parent: Place) -> float:
    visits, tally = max(1, place.tally.taken), place.tally
    reward = min(1.0, FULL * tally.share * tally.ended / max(1, tally.experiments))
    return reward + EXPLORATION * math.sqrt(math.log(max(2, parent.tally.taken)) / visits)
