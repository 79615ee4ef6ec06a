"""What the next looks at a hypothesis are likely to bring, forecast from the claims as a look left them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evidentia.workspace.estimators.intervals import critical
from evidentia.workspace.records import Check, Claim, Expectation

ATTACK = 1
"""Experiments that a decided claim costs beside its looks."""


@dataclass(frozen=True)
class Outlook:
    """The share of its claims that a hypothesis is forecast to decide, and the experiments this takes."""

    decided: float
    experiments: float

    @property
    def rate(self) -> float:
        """Decided per experiment."""
        return self.decided / self.experiments


def outlook(claims: Sequence[Claim], looks: Sequence[int], look: int) -> Outlook | None:
    """The best that going on for one or more looks after `look` promises; None where nothing can be forecast.

    The forecast of a claim is its predictive power under a flat prior: given its mean and standard error over n seeds,
    the mean over m will be distributed as Student's t about it, with the standard error times sqrt((m - n) / m); its
    interval will be as much narrower as the seeds are more, and decides where it lies clear of the registered bounds.
    Source: D. J. Spiegelhalter, L. S. Freedman and P. R. Blackburn, Monitoring clinical trials: conditional or
    predictive power?, Controlled Clinical Trials 7, 1986.
    """
    found = [_chances(claim, looks[look + 1 :]) for claim in claims if claim.status == "inconclusive"]
    if not found or look + 1 >= len(looks):
        return None
    by_look = [sum(p[i] for p in found if p is not None) / len(claims) for i in range(len(looks) - look - 1)]
    if any(p is None for p in found):
        return None
    best, decided, spent = Outlook(0.0, 1.0), 0.0, 0.0
    for chance in by_look:
        spent += 1 - decided
        decided = max(decided, chance)
        further = Outlook(decided, spent + ATTACK * decided)
        if further.rate > best.rate:
            best = further
    return best


def _chances(claim: Claim, later: Sequence[int]) -> list[float] | None:
    """How likely an undecided claim is decided at each later number of seeds, as if that were the only look."""
    if claim.value is None or claim.ci is None or claim.check is None or claim.n < 2:
        return None
    return [_chance(claim.value, claim.ci, claim.n, claim.check, m) for m in later]


def _chance(value: float, ci: tuple[float, float], n: int, check: Check, m: int) -> float:
    from scipy.special import stdtr

    now = critical(n, check.confidence)
    errors = [max(value - ci[0], 0.0) / now, max(ci[1] - value, 0.0) / now]
    shrink, half = math.sqrt(n / m), critical(m, check.confidence)
    low, high = (half * shrink * error for error in errors)

    def below(bound: float) -> float:
        """The chance that the mean over m seeds lies below a bound."""
        error = errors[0] if bound < value else errors[1]
        if math.isinf(bound) or error == 0:
            return float(bound > value)
        return float(stdtr(n - 1, (bound - value) / (error * math.sqrt((m - n) / m))))

    return _decided(check.expect, below, low, high)


def _decided(expect: Expectation, below: Callable[[float], float], low: float, high: float) -> float:
    """The chance that the interval from `low` under the mean to `high` over it lies clear of what was registered."""
    floor = -math.inf if expect.low is None else expect.low
    ceiling = math.inf if expect.high is None else expect.high
    if expect.relation in ("above", "below"):
        bound = floor if expect.relation == "above" else ceiling
        return 1 - below(bound + low) + below(bound - high)
    if expect.relation in ("inside", "outside"):
        return max(0.0, below(ceiling - high) - below(floor + low)) + 1 - below(ceiling + low) + below(floor - high)
    return float((low + high) / 2 <= ceiling)
