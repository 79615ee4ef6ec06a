"""Which two packages to show next: those whose comparison would tell the most."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from evidentia.hub.arena.strengths import PRIOR_DEVIATION, fit
from evidentia.hub.arena.votes import Vote

POOL = 60
"""At most so many packages are weighed against each other; those with the fewest votes come first."""


def choose(packages: Sequence[str], votes: Sequence[Vote], voter: str, seed: str) -> tuple[str, str] | None:
    """The pair whose outcome is least certain and whose strengths are least known, in a random order: the largest
    ``p(1 − p) · Var(difference)`` among pairs that this voter has not judged. None where no pair is left.

    `seed` breaks ties and draws the order, so the same call gives the same pair.
    """
    draw = random.Random(seed)
    counts = dict.fromkeys(packages, 0)
    for vote in votes:
        for name in (vote.left, vote.right):
            if name in counts:
                counts[name] += 1
    pool = sorted(sorted(counts, key=lambda name: (counts[name], draw.random()))[:POOL])
    fitted = fit(votes) if votes else None
    place = {name: index for index, name in enumerate(fitted.names)} if fitted else {}
    judged = {frozenset((v.left, v.right)) for v in votes if v.voter == voter}

    def told(one: str, other: str) -> float:
        strength, variance = [0.0, 0.0], [PRIOR_DEVIATION**2] * 2
        shared = 0.0
        if fitted:
            for side, name in enumerate((one, other)):
                if name in place:
                    strength[side] = float(fitted.mode[place[name]])
                    variance[side] = float(fitted.covariance[place[name], place[name]])
            if one in place and other in place:
                shared = float(fitted.covariance[place[one], place[other]])
        chance = 1 / (1 + math.exp(strength[1] - strength[0]))
        return chance * (1 - chance) * (sum(variance) - 2 * shared)

    pairs = [(a, b) for i, a in enumerate(pool) for b in pool[i + 1 :] if frozenset((a, b)) not in judged]
    if not pairs:
        return None
    best = max(pairs, key=lambda pair: (round(told(*pair), 9), draw.random()))
    return best if draw.random() < 0.5 else (best[1], best[0])
