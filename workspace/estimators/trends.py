"""How a metric moves along a parameter: laws of growth, robust change, isotonic change, the largest fall."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from evidentia.workspace.estimators.cells import UNPAIRED, curves, exp_of, log_of, positions, series, swept
from evidentia.workspace.estimators.estimate import Estimate, MissingRowsError
from evidentia.workspace.estimators.intervals import largest, summary
from evidentia.workspace.records import Check, Row


def least_squares_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The slope of the straight line of least squares."""
    mx, my = math.fsum(x) / len(x), math.fsum(y) / len(y)
    sxx = math.fsum((a - mx) ** 2 for a in x)
    return math.fsum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sxx


def theil_sen(x: Sequence[float], y: Sequence[float]) -> float:
    """The median of the slopes of all pairs of points."""
    slopes = sorted((y[j] - y[i]) / (x[j] - x[i]) for i in range(len(x)) for j in range(i + 1, len(x)) if x[j] != x[i])
    middle = len(slopes) // 2
    return slopes[middle] if len(slopes) % 2 else (slopes[middle - 1] + slopes[middle]) / 2


def power_exponent(check: Check, rows: Sequence[Row]) -> Estimate:
    """The exponent of a power law, fitted within each seed."""
    return _growth(check, rows, [log_of(float(v)) for v in check.levels], 1.0)


def exponential_rate(check: Check, rows: Sequence[Row]) -> Estimate:
    """The doublings per unit of the parameter, fitted within each seed."""
    return _growth(check, rows, [float(v) for v in check.levels], math.log(2.0))


def _growth(check: Check, rows: Sequence[Row], x: Sequence[float], scale: float) -> Estimate:
    found = curves(check, lambda at: series(check, rows, check.system, at))
    return summary(check, [least_squares_slope(x, [log_of(v) / scale for v in curve]) for curve in found.values()])


def change(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    """Theil–Sen slope times the range of the parameter: the robust change from the first level to the last."""
    x = positions(check)
    found = [theil_sen(x, y) * (x[-1] - x[0]) for y in swept(check, rows, log).values()]
    return summary(check, found, exponentiate=log)


def isotonic_change(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    """The rise, over the range, of the rising step curve nearest to the mean curve (isotonic regression).

    It is the largest, over i and j, of the mean of the levels from i on minus that of the first j levels, and never
    negative. The lower limit is made of those with i and j equally far from their ends. The interval holds more often
    than it says. Source: R. E. Barlow et al., Statistical inference under order restrictions, 1972, section 1.2.
    """
    found = _complete(swept(check, rows, log))
    k = len(check.levels)
    starts = [[math.fsum(y[:j]) / j for y in found] for j in range(1, k + 1)]
    ends = [[math.fsum(y[-j:]) / j for y in found] for j in range(1, k + 1)]
    rises = [[e - s for s, e in zip(start, end, strict=True)] for start, end in itertools.product(starts, ends)]
    opposite = [[e - s for s, e in zip(starts[j], ends[j], strict=True)] for j in range(k // 2)]
    value, low, high, sd, _ = largest(rises, check.confidence, below=opposite)
    return _on_scale(value, max(low, 0.0), high, len(found), sd, "", log)


def largest_fall(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    """The most the mean curve falls from one level to any later one; zero or less, if it rises throughout.

    Below the smallest effect of interest, the metric rises monotonically for all that matters.
    """
    found = _complete(swept(check, rows, log))
    pairs = list(itertools.combinations(range(len(check.levels)), 2))
    falls = [[y[i] - y[j] for y in found] for i, j in pairs]
    value, low, high, sd, winner = largest(falls, check.confidence)
    first, last = (check.levels[i] for i in pairs[winner])
    return _on_scale(value, low, high, len(found), sd, f"most from {check.parameter}={first} to {last}", log)


def _complete(found: dict[int, list[float]]) -> list[list[float]]:
    if not found:
        raise MissingRowsError(UNPAIRED)
    return list(found.values())


def _on_scale(value: float, low: float, high: float, n: int, sd: float | None, note: str, log: bool) -> Estimate:
    if log:
        value, low, high = exp_of(value), exp_of(low), exp_of(high)
    return Estimate(value, low, high, n, sd, note)
