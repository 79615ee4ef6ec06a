"""Estimators over result rows: from rows to a value with its interval, paired by seed.

Intervals are Student t intervals over seeds at the check's corrected confidence. Ratios are estimated on the
log scale and reported as ratios (geometric mean). Every estimator reduces the rows to one number per seed
first, so that what a workload shares within a seed cancels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evidentia.workspace.records import Check, Row, Value
from evidentia.workspace.shapley import corners, shapley

RATIO_ESTIMATORS = (
    "paired_ratio",
    "ratio_over_range",
    "ratio_of_ratios",
    "regret_ratio",
    "corner_ratio",
    "shapley_ratio",
)
"""Those estimated on the log scale: their standard deviation is one of logarithms."""


class MissingRowsError(ValueError):
    """The rows do not hold what the check needs; the message names the first missing cell."""


@dataclass(frozen=True)
class Estimate:
    """A value with its interval. `sd` is over seeds, on the scale the interval was made on (log for ratios).

    `value` is None where the quantity does not exist (two curves that do not cross); `decided` then says
    what the ends of the range show, and `note` says it in words.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    sd: float | None
    note: str = ""
    decided: bool | None = None


def interval(samples: Sequence[float], confidence: float) -> tuple[float, float, float, float | None]:
    """Mean, lower and upper t limit and standard deviation of at least two samples.

    One sample, or none, has an infinite interval: nothing is known of its spread.
    """
    n = len(samples)
    mean = math.fsum(samples) / n
    if n < 2:
        return mean, -math.inf, math.inf, None
    sd = math.sqrt(math.fsum((x - mean) ** 2 for x in samples) / (n - 1))
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.5 + confidence / 2)) * sd / math.sqrt(n)
    return mean, mean - half, mean + half, sd


def estimate(check: Check, rows: Sequence[Row]) -> Estimate:
    """Evaluate the check's estimator. Raises MissingRowsError when a cell it needs has no rows."""
    return ESTIMATORS[check.estimator](check, rows)


def _series(check: Check, rows: Sequence[Row], system: str, extra: dict[str, Value]) -> dict[int, float]:
    """``{seed: metric}`` of one system in one cell. Raises MissingRowsError when there is none."""
    wanted = {**check.where, **extra}
    found: dict[int, float] = {}
    for row in rows:
        if row.get("system") != system or any(row.get(k, v) != v for k, v in wanted.items()):
            continue
        if check.metric in row:
            found[int(row["seed"])] = float(row[check.metric])
    if not found:
        at = ", ".join(f"{k}={v}" for k, v in wanted.items())
        raise MissingRowsError(f"no row has {check.metric} for {system} at {at or 'any condition'}")
    return found


def _paired(check: Check, rows: Sequence[Row], extra: dict[str, Value], log: bool) -> dict[int, float]:
    """``{seed: system - versus}`` (of logarithms if `log`)."""
    a = _series(check, rows, check.system, {**extra, **check.at})
    b = _series(check, rows, check.versus, {**extra, **check.versus_at})
    return {s: (_log(a[s]) - _log(b[s])) if log else a[s] - b[s] for s in sorted(a.keys() & b.keys())}


def _log(value: float) -> float:
    if value <= 0:
        raise MissingRowsError(f"a ratio needs positive values, a row has {value:g}")
    return math.log(value)


def _summary(samples: Sequence[float], confidence: float, exponentiate: bool = False) -> Estimate:
    if not samples:
        raise MissingRowsError("no seed has rows for both sides of the comparison")
    mean, low, high, sd = interval(samples, confidence)
    if exponentiate:
        mean, low, high = _exp(mean), _exp(low), _exp(high)
    return Estimate(mean, low, high, len(samples), sd)


def _exp(value: float) -> float:
    return math.inf if value > 700 else math.exp(value)


def _mean(check: Check, rows: Sequence[Row]) -> Estimate:
    return _summary(list(_series(check, rows, check.system, {}).values()), check.confidence)


def _paired_difference(check: Check, rows: Sequence[Row]) -> Estimate:
    return _summary(list(_paired(check, rows, {}, log=False).values()), check.confidence)


def _paired_ratio(check: Check, rows: Sequence[Row]) -> Estimate:
    return _summary(list(_paired(check, rows, {}, log=True).values()), check.confidence, exponentiate=True)


def _per_seed_curves(
    check: Check, rows: Sequence[Row], curve: Callable[[dict[str, Value]], dict[int, float]]
) -> dict[int, list[float]]:
    """``{seed: [value at each level]}`` for the seeds that have every level."""
    columns = [curve({check.parameter: level}) for level in check.levels]
    seeds = set(columns[0]).intersection(*columns[1:])
    return {seed: [column[seed] for column in columns] for seed in sorted(seeds)}


def _least_squares_slope(x: Sequence[float], y: Sequence[float]) -> float:
    mx, my = math.fsum(x) / len(x), math.fsum(y) / len(y)
    sxx = math.fsum((a - mx) ** 2 for a in x)
    return math.fsum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sxx


def _growth(check: Check, rows: Sequence[Row], x: Sequence[float], scale: float) -> Estimate:
    curves = _per_seed_curves(check, rows, lambda at: _series(check, rows, check.system, at))
    slopes = [_least_squares_slope(x, [_log(v) / scale for v in curve]) for curve in curves.values()]
    return _summary(slopes, check.confidence)


def _power_exponent(check: Check, rows: Sequence[Row]) -> Estimate:
    return _growth(check, rows, [_log(float(v)) for v in check.levels], 1.0)


def _exponential_rate(check: Check, rows: Sequence[Row]) -> Estimate:
    return _growth(check, rows, [float(v) for v in check.levels], math.log(2.0))


def _theil_sen(x: Sequence[float], y: Sequence[float]) -> float:
    slopes = sorted((y[j] - y[i]) / (x[j] - x[i]) for i in range(len(x)) for j in range(i + 1, len(x)) if x[j] != x[i])
    middle = len(slopes) // 2
    return slopes[middle] if len(slopes) % 2 else (slopes[middle - 1] + slopes[middle]) / 2


def _position(check: Check) -> list[float]:
    values = [float(v) for v in check.levels]
    return [_log(v) for v in values] if check.log_parameter else values


def _change(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    """Theil–Sen slope times the range of the parameter: the robust change from the first level to the last."""
    x = _position(check)

    def curve(at: dict[str, Value]) -> dict[int, float]:
        if check.versus:
            return _paired(check, rows, at, log)
        series = _series(check, rows, check.system, at)
        return {s: _log(v) if log else v for s, v in series.items()}

    changes = [_theil_sen(x, y) * (x[-1] - x[0]) for y in _per_seed_curves(check, rows, curve).values()]
    return _summary(changes, check.confidence, exponentiate=log)


def _crossing(check: Check, curves: dict[int, list[float]], above: str, below: str) -> Estimate:
    """Where a curve changes sign once, by linear interpolation between levels, one place per seed."""
    x = _position(check)
    first = interval([c[0] for c in curves.values()], check.confidence)
    last = interval([c[-1] for c in curves.values()], check.confidence)
    certain = [1 if low > 0 else -1 if high < 0 else 0 for _, low, high, _ in (first, last)]
    n = len(curves)
    if certain[0] and certain[0] == certain[1]:
        text = f"{above if certain[0] > 0 else below} at both ends of the range"
        return Estimate(None, None, None, n, None, text, decided=False)
    places = []
    for y in curves.values():
        changes = [i for i in range(len(y) - 1) if (y[i] > 0) != (y[i + 1] > 0)]
        if len(changes) == 1:
            i = changes[0]
            places.append(x[i] + (x[i + 1] - x[i]) * y[i] / (y[i] - y[i + 1]))
    if not (certain[0] and certain[1]) or len(places) < max(2, n - n // 5):
        return Estimate(None, None, None, n, None, "the ends of the range or single seeds disagree")
    mean, low, high, sd = interval(places, check.confidence)
    if check.log_parameter:
        mean, low, high = _exp(mean), _exp(low), _exp(high)
    words = (above, below) if certain[0] > 0 else (below, above)
    return Estimate(mean, low, high, len(places), sd, f"{words[0]} before it, {words[1]} after it")


def _crossover(check: Check, rows: Sequence[Row]) -> Estimate:
    curves = _per_seed_curves(check, rows, lambda at: _paired(check, rows, at, log=False))
    return _crossing(check, curves, f"{check.system} is higher", f"{check.versus} is higher")


def _threshold_crossing(check: Check, rows: Sequence[Row]) -> Estimate:
    limit = check.limit if check.limit is not None else 0.0

    def curve(at: dict[str, Value]) -> dict[int, float]:
        series = _series(check, rows, check.system, at)
        if limit > 0 and all(v > 0 for v in series.values()):
            return {s: math.log(v / limit) for s, v in series.items()}
        return {s: v - limit for s, v in series.items()}

    return _crossing(check, _per_seed_curves(check, rows, curve), "above the limit", "below the limit")


def _interaction(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    low, high = (_paired(check, rows, {check.moderator: level}, log) for level in check.moderator_levels)
    changes = [high[s] - low[s] for s in sorted(low.keys() & high.keys())]
    return _summary(changes, check.confidence, exponentiate=log)


def _regret(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    """How much the best level beats the candidate; the interval is Bonferroni-corrected over the rivals."""
    assert check.candidate is not None
    rivals = [level for level in check.levels if level != check.candidate]
    own = _series(check, rows, check.system, {check.parameter: check.candidate})
    confidence = 1 - (1 - check.confidence) / len(rivals)
    sign = 1.0 if check.higher_is_better else -1.0
    found: list[tuple[float, float, float, float | None, int, Value]] = []
    for level in rivals:
        other = _series(check, rows, check.system, {check.parameter: level})
        seeds = sorted(own.keys() & other.keys())
        if not seeds:
            raise MissingRowsError("no seed has rows for both sides of the comparison")
        gains = [sign * ((_log(other[s]) - _log(own[s])) if log else other[s] - own[s]) for s in seeds]
        mean, low, high, sd = interval(gains, confidence)
        found.append((mean, low, high, sd, len(seeds), level))
    mean, _, _, sd, n, best = max(found, key=lambda f: f[0])
    low, high = max(f[1] for f in found), max(f[2] for f in found)
    note = f"{check.parameter}={best} does best" if mean > 0 else f"{check.parameter}={check.candidate} does best"
    if log:
        mean, low, high = _exp(mean), _exp(low), _exp(high)
    return Estimate(mean, low, high, n, sd, note)


def _corner(check: Check, rows: Sequence[Row], corner: dict[str, Value], log: bool) -> dict[int, float]:
    """``{seed: effect}`` at one corner of a factorial: system against versus, or the system alone.

    A setting of one system is no column of the other's rows, and is not asked of them.
    """

    def series(system: str) -> dict[int, float]:
        columns = {name for row in rows if row.get("system") == system for name in row}
        found = _series(check, rows, system, {k: v for k, v in corner.items() if k in columns})
        return {seed: _log(value) if log else value for seed, value in found.items()}

    own = series(check.system)
    if not check.versus:
        return own
    other = series(check.versus)
    return {seed: own[seed] - other[seed] for seed in sorted(own.keys() & other.keys())}


def _corner_change(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    """The effect at the corner `versus_at` minus that at the corner `at`, and minus the published change `limit`."""
    start, end = (_corner(check, rows, corner, log) for corner in (check.at, check.versus_at))
    off = 0.0 if check.limit is None else _log(check.limit) if log else check.limit
    changes = [end[seed] - start[seed] - off for seed in sorted(start.keys() & end.keys())]
    return _summary(changes, check.confidence, exponentiate=log)


def _attribution(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    """The Shapley value, per seed, of moving `moderator` from its level in `at` to that in `versus_at`, among all
    conditions in which the two corners differ."""
    effects = {moved: _corner(check, rows, corner, log) for moved, corner in corners(check.at, check.versus_at)}
    seeds = set.intersection(*(set(effect) for effect in effects.values()))
    values = [
        shapley({moved: effect[seed] for moved, effect in effects.items()}, check.moderator) for seed in sorted(seeds)
    ]
    return _summary(values, check.confidence, exponentiate=log)


ESTIMATORS: dict[str, Callable[[Check, Sequence[Row]], Estimate]] = {
    "mean": _mean,
    "paired_difference": _paired_difference,
    "paired_ratio": _paired_ratio,
    "power_exponent": _power_exponent,
    "exponential_rate": _exponential_rate,
    "change_over_range": lambda check, rows: _change(check, rows, log=False),
    "ratio_over_range": lambda check, rows: _change(check, rows, log=True),
    "crossover": _crossover,
    "threshold_crossing": _threshold_crossing,
    "difference_of_differences": lambda check, rows: _interaction(check, rows, log=False),
    "ratio_of_ratios": lambda check, rows: _interaction(check, rows, log=True),
    "regret": lambda check, rows: _regret(check, rows, log=False),
    "regret_ratio": lambda check, rows: _regret(check, rows, log=True),
    "corner_difference": lambda check, rows: _corner_change(check, rows, log=False),
    "corner_ratio": lambda check, rows: _corner_change(check, rows, log=True),
    "shapley_difference": lambda check, rows: _attribution(check, rows, log=False),
    "shapley_ratio": lambda check, rows: _attribution(check, rows, log=True),
}
