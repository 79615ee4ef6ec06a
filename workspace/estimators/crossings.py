"""Where a curve passes zero: two systems that change places, one that passes a limit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from evidentia.workspace.estimators.cells import UNPAIRED, curves, exp_of, paired, positions, series
from evidentia.workspace.estimators.estimate import Estimate, MissingRowsError
from evidentia.workspace.estimators.intervals import critical, interval
from evidentia.workspace.records import Check, Row, Value


def crossover(check: Check, rows: Sequence[Row]) -> Estimate:
    """Where system and versus change places along the parameter."""
    found = curves(check, lambda at: paired(check, rows, at, log=False))
    return _crossing(check, found, f"{check.system} is higher", f"{check.versus} is higher")


def threshold_crossing(check: Check, rows: Sequence[Row]) -> Estimate:
    """Where the metric of one system passes the check's limit along the parameter."""
    limit = check.limit if check.limit is not None else 0.0

    def curve(at: dict[str, Value]) -> dict[int, float]:
        found = series(check, rows, check.system, at)
        if limit > 0 and all(v > 0 for v in found.values()):
            return {s: math.log(v / limit) for s, v in found.items()}
        return {s: v - limit for s, v in found.items()}

    return _crossing(check, curves(check, curve), "above the limit", "below the limit")


def _crossing(check: Check, found: dict[int, list[float]], above: str, below: str) -> Estimate:
    """Where a curve changes sign, by linear interpolation between levels.

    No place is given unless the whole interval at either end of the range lies on its own side of zero; both on the
    same side say that there is none.
    """
    if not found:
        raise MissingRowsError(UNPAIRED)
    first = interval([c[0] for c in found.values()], check.confidence)
    last = interval([c[-1] for c in found.values()], check.confidence)
    certain = [1 if low > 0 else -1 if high < 0 else 0 for _, low, high, _ in (first, last)]
    n = len(found)
    if certain[0] and certain[0] == certain[1]:
        text = f"{above if certain[0] > 0 else below} at both ends of the range"
        return Estimate(None, None, None, n, None, text, decided=False)
    place = _inverted if check.interval == "inverted" else _per_seed
    at = place(check, list(found.values())) if certain[0] and certain[1] else None
    if at is None:
        return Estimate(None, None, None, n, None, "the ends of the range or single seeds disagree")
    mean, low, high, sd, used = at
    if check.log_parameter:
        mean, low, high = exp_of(mean), exp_of(low), exp_of(high)
    words = (above, below) if certain[0] > 0 else (below, above)
    return Estimate(mean, low, high, used, sd, f"{words[0]} before it, {words[1]} after it")


Place = tuple[float, float, float, float | None, int]
"""Place, lower and upper limit, standard deviation over seeds, and over how many of them."""


def _per_seed(check: Check, found: Sequence[Sequence[float]]) -> Place | None:
    """One place per seed, of those that change sign once; None where more than a fifth do not."""
    x = positions(check)
    places = []
    for y in found:
        changes = [i for i in range(len(y) - 1) if (y[i] > 0) != (y[i + 1] > 0)]
        if len(changes) == 1:
            i = changes[0]
            places.append(x[i] + (x[i + 1] - x[i]) * y[i] / (y[i] - y[i + 1]))
    if len(places) < max(2, len(found) - len(found) // 5):
        return None
    return *interval(places, check.confidence), len(places)


def _inverted(check: Check, found: Sequence[Sequence[float]]) -> Place:
    """Where the mean curve changes sign, between the outermost places at which a t test does not tell it from zero.

    Seeds that cross twice or not at all count as any other, and the interval holds exactly for normal noise, whatever
    its size, because at the true place the interpolated curve has mean zero. Of several changes the middle one is
    given. Source: E. C. Fieller, Some problems in interval estimation, JRSS B 16, 1954.
    """
    x, n = positions(check), len(found)
    bound = critical(n, check.confidence) ** 2 / n
    places: list[tuple[float, float]] = []
    accepted: list[float] = []
    for i in range(len(x) - 1):
        start, end = [y[i] for y in found], [y[i + 1] for y in found]
        (m, var), (step, var_step, cov) = _moments(start), _joint(start, end)
        a, b, c = step**2 - bound * var_step, m * step - bound * cov, m**2 - bound * var
        accepted += [x[i] + (x[i + 1] - x[i]) * w for w in _roots(a, b, c)]
        if (m > 0) != (m + step > 0):
            w = -m / step
            spread = math.sqrt(max(var + 2 * w * cov + w**2 * var_step, 0.0)) / abs(step) * (x[i + 1] - x[i])
            places.append((x[i] + (x[i + 1] - x[i]) * w, spread))
    place, spread = places[len(places) // 2]
    return place, min([place, *accepted]), max([place, *accepted]), spread, n


def _moments(values: Sequence[float]) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    return mean, math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)


def _joint(start: Sequence[float], end: Sequence[float]) -> tuple[float, float, float]:
    """Mean and variance of the step from start to end, and its covariance with the start."""
    steps = [b - a for a, b in zip(start, end, strict=True)]
    (m, _), (step, var_step) = _moments(start), _moments(steps)
    cov = math.fsum((a - m) * (s - step) for a, s in zip(start, steps, strict=True)) / (len(start) - 1)
    return step, var_step, cov


def _roots(a: float, b: float, c: float) -> Iterator[float]:
    """The roots of ``a w² + 2 b w + c`` from 0 to 1."""
    inside = b * b - a * c
    if inside < 0:
        return
    far = -(b + math.copysign(math.sqrt(inside), b))
    for w in (far / a if a else math.inf, c / far if far else math.inf):
        if 0 <= w <= 1:
            yield w
