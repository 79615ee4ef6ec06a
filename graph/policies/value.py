"""Value of information per cost, the default: what a candidate is expected to decide, by what it is expected to cost.

How likely it is that a branch decides its claims is learned from the branches like it, and trusted the more the more
there are: all branches, those of its kind of work and form and systems (its arm), those at and below the same finding.
Expected cost is learned in the same way. A candidate's worth is

    priority · p / cost

with the posterior's mean, whose prior is optimistic: an arm that nobody has tried looks better than one that failed. To
spend where information is cheap is MARCO's idea. What is running counts a little as undecided within its arm until it
ends, so that a round does not put all its places on one arm.

A branch that was begun and put off is weighed by the forecast of its next looks instead (`evidentia.agents.outlook`).
The worth of the best candidate that a round leaves is the rate that branches of the round are put off by.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from evidentia.graph.frontier import ROOT, Candidate, Frontier, Tally
from evidentia.graph.policies import Choice

PRIOR_DECIDED, PRIOR_COUNT = 0.7, 1.0
"""Before anything has ended: most registered questions are decided; worth one branch of experience at each level."""
WAITING = 0.25
"""How much of a failure a branch that is still running counts as, within its arm and below its parent."""
FADING = 0.99
"""What one more branch of a form is worth beside the one before: a reader gains less from the tenth trend."""


class ValueOfInformation:
    """The best of each arm is weighed; the priority orders within an arm."""

    name = "value"

    def choose(self, frontier: Frontier, stages: Sequence[str], chance: random.Random) -> Choice | None:
        """The candidate of the highest worth; ties by the greater id."""
        best: tuple[float, str, Candidate, float, float] | None = None
        whole = frontier.places[ROOT].tally
        for candidate in frontier.tops(stages):
            if candidate.outlook:
                p, cost, faded = candidate.outlook.decided, candidate.outlook.experiments, candidate.priority
            else:
                p, cost = _expected(candidate, frontier, whole)
                faded = candidate.priority * FADING ** frontier.forms.get(candidate.form, 0)
            worth = faded * p / cost
            if best is None or (worth, candidate.id) > best[:2]:
                best = (worth, candidate.id, candidate, p, cost)
        if best is None:
            return None
        reason = f"worth {best[0]:.3f}: decided with {best[3]:.2f}, cost {best[4]:.1f} experiments"
        return Choice(best[2], f"gone on with, {reason}" if best[2].outlook else reason, best[0])


def _expected(candidate: Candidate, frontier: Frontier, whole: Tally) -> tuple[float, float]:
    """Probability that a claim is decided, and the experiments it takes."""
    p, cost = _shrunk(whole, PRIOR_DECIDED, 1 + PRIOR_DECIDED, 0)
    levels = [frontier.tallies[candidate.arm]]
    if candidate.parent != ROOT:
        levels.append(frontier.places[candidate.parent].tally)
    for tally in levels:
        p, cost = _shrunk(tally, p, cost, WAITING * tally.running)
    return p, max(1.0, cost)


def _shrunk(tally: Tally, p: float, cost: float, waiting: float) -> tuple[float, float]:
    """The tally's share of decided branches and mean cost, drawn towards the wider level's. `waiting` is how many of
    those that are running count as undecided."""
    n = tally.ended + waiting
    decided = (tally.ended * tally.share + PRIOR_COUNT * p) / (n + PRIOR_COUNT)
    spent = (tally.experiments + waiting * cost + PRIOR_COUNT * cost) / (n + PRIOR_COUNT)
    return decided, spent
