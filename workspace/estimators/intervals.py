"""Intervals over seeds: Student's t, the studentised bootstrap, the wider of both; the largest of several contrasts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from evidentia.workspace.estimators.cells import UNPAIRED, exp_of
from evidentia.workspace.estimators.estimate import Estimate, MissingRowsError
from evidentia.workspace.records import Check

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LEAST_RESAMPLES, MOST_RESAMPLES = 1999, 49_999
BEYOND = 40
"""How many resamples at least lie beyond both ends of a bootstrap interval, up to the most that are drawn."""
BOOTSTRAP_SEED = 20


def interval(samples: Sequence[float], confidence: float) -> tuple[float, float, float, float | None]:
    """Mean, lower and upper t limit and standard deviation of at least two samples.

    One sample, or none, has an infinite interval: nothing is known of its spread.
    """
    n = len(samples)
    mean = math.fsum(samples) / n
    if n < 2:
        return mean, -math.inf, math.inf, None
    sd = math.sqrt(math.fsum((x - mean) ** 2 for x in samples) / (n - 1))
    half = critical(n, confidence) * sd / math.sqrt(n)
    return mean, mean - half, mean + half, sd


def critical(n: int, confidence: float) -> float:
    """The two-sided critical value of Student's t over `n` samples."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 0.5 + confidence / 2))


def studentised(samples: Sequence[float], confidence: float) -> tuple[float, float, float, float | None]:
    """As `interval`, with the quantiles of t taken from resamples of the samples: an interval that leans as they do.

    A resample without spread has an infinite t, so that an end is infinite where too many of them have none: with
    few seeds and a high confidence it decides nothing. Seeded, so the same samples always give the same interval.
    Source: B. Efron and R. J. Tibshirani, An introduction to the bootstrap, 1993, section 12.5.
    """
    import numpy as np

    mean, low, high, sd = interval(samples, confidence)
    if sd is None or sd == 0:
        return mean, low, high, sd
    n = len(samples)
    count = min(max(LEAST_RESAMPLES, math.ceil(BEYOND / (1 - confidence)) - 1), MOST_RESAMPLES)
    off, square = np.zeros(count), np.zeros(count)
    for times, sample in zip(_resamples(n, count), samples, strict=True):  # in this order on every processor
        off += times * (sample - mean)
        square += times * (sample - mean) ** 2
    off /= n
    spread = np.sqrt(np.maximum(square - n * off**2, 0.0) / (n - 1))
    flat = spread <= 1e-7 * sd  # what rounding leaves of a resample of one value
    t = np.where(flat, np.copysign(np.inf, off), off / np.where(flat, 1.0, spread / math.sqrt(n)))
    cut = max(1, math.floor((count + 1) * (1 - confidence) / 2))
    t.partition((cut - 1, count - cut))
    error = sd / math.sqrt(n)
    return mean, mean - float(t[count - cut]) * error, mean - float(t[cut - 1]) * error, sd


@lru_cache(maxsize=8)
def _resamples(n: int, count: int) -> npt.NDArray[np.float64]:
    """How often each of n samples is drawn in each of so many resamples, ``(n, count)``."""
    import numpy as np

    drawn = np.random.default_rng(BOOTSTRAP_SEED).integers(0, n, (count, n))
    return np.stack([(drawn == sample).sum(axis=1) for sample in range(n)]).astype(np.float64)


def wider(samples: Sequence[float], confidence: float) -> tuple[float, float, float, float | None]:
    """At each end, the limit of `interval` or of `studentised` that lies further out.

    Where the numbers lean to one side, Student's interval misses on that side; where they have heavy tails, the
    bootstrap's is too short. This one holds what both of them hold, at the price of being as wide as the worse one.
    """
    mean, low, high, sd = interval(samples, confidence)
    _, lower, higher, _ = studentised(samples, confidence)
    return mean, min(low, lower), max(high, higher), sd


MADE = {"bootstrap": studentised, "wider": wider}


def summary(check: Check, samples: Sequence[float], exponentiate: bool = False) -> Estimate:
    """The mean of one number per seed with the interval the check asks for; back from logarithms if asked."""
    if not samples:
        raise MissingRowsError(UNPAIRED)
    mean, low, high, sd = MADE.get(check.interval, interval)(samples, check.confidence)
    if exponentiate:
        mean, low, high = exp_of(mean), exp_of(low), exp_of(high)
    return Estimate(mean, low, high, len(samples), sd)


def largest(
    contrasts: Sequence[Sequence[float]], confidence: float, below: Sequence[Sequence[float]] | None = None
) -> tuple[float, float, float, float | None, int]:
    """The largest of several means over the same seeds: value, lower and upper limit, the winner's sd, its index.

    The upper limit is the largest single upper limit: the contrast that is truly largest is held by its own, so the
    others cost nothing. The lower limit is the largest single lower limit, corrected for their number (Bonferroni);
    where `below` is given it is made of those alone, each of which must truly be no larger than the largest.
    Source: R. L. Berger, Multiparameter hypothesis testing and acceptance sampling, Technometrics 24, 1982.
    """
    single = [interval(samples, confidence) for samples in contrasts]
    winner = max(range(len(single)), key=lambda i: single[i][0])
    rivals = contrasts if below is None else below
    corrected = 1 - (1 - confidence) / len(rivals)
    low = max(interval(samples, corrected)[1] for samples in rivals)
    return single[winner][0], low, max(high for _, _, high, _ in single), single[winner][3], winner
