"""Best-first with a debug probability, as AIDE (arXiv:2502.13138) and The AI Scientist-v2 (arXiv:2504.08066) search:
a few drafts first, then improve the best result so far, and now and then turn to what crashed.

AIDE has one metric to raise; here a branch's score is its largest supported effect in smallest effects of interest.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from evidentia.graph.frontier import ROOT, Candidate, Frontier
from evidentia.graph.policies import Choice

DRAFTS = 5
DEBUG_PROBABILITY = 0.5


class BestFirst:
    """Drafts, then greedy improvement, with debugging by chance."""

    name = "best-first"

    def choose(self, frontier: Frontier, stages: Sequence[str], chance: random.Random) -> Choice | None:
        """A draft until there are five, else below a crashed branch by chance, else below the best one, else the draft
        of the highest priority."""
        draft = frontier.below(ROOT, stages)
        drafted = len(frontier.places[ROOT].taken_children)
        if draft and drafted < DRAFTS:
            return Choice(draft, f"draft {drafted + 1} of {DRAFTS}")
        if chance.random() < DEBUG_PROBABILITY and (parent := frontier.leader(stages, crashed=True)):
            return _chosen(frontier.below(parent, stages), "below a branch that crashed")
        if parent := frontier.leader(stages):
            best = frontier.places[parent].best
            return _chosen(frontier.below(parent, stages), f"below the best finding ({best:.3g} smallest effects)")
        return _chosen(draft or frontier.top(stages), "the next draft by priority")


def _chosen(candidate: Candidate | None, reason: str) -> Choice | None:
    return Choice(candidate, reason) if candidate else None
