"""Two published values compared: do they disagree beyond noise, and under the same conditions or others?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from evidentia.hub.tensions.measured import Measured, Position, UnusableError, metric_card, position, quantile
from evidentia.workspace.records import Value
from evidentia.workspace.units import convert, difference_unit, dimension

Class = Literal["tension", "contradiction", "boundary", "confirmation", "robustness", "inconclusive", "not comparable"]
CONFLICTS: tuple[Class, ...] = ("contradiction", "tension", "boundary")

Z = 3.0
"""The difference, in its standard errors, from which two values are in conflict."""
RELATIVE = 0.05
"""The share of the larger value that a difference must pass to be material."""
SIGN = 1.96
"""How many standard errors a value must lie from no effect for its sign to count."""
EQUIVALENCE = 0.90
"""The interval of the difference that must lie inside the tolerance: two one-sided tests at 5 %."""


@dataclass(frozen=True)
class Comparison:
    """What two values are to one another, with one sentence why.

    `differing` are the conditions both state, with other values; `unknown` those only one states. `difference` is
    first minus second in the first one's unit (of logarithms for ratios), with its 90 % interval; `z` is infinite
    for two exact values that are not equal.
    """

    verdict: Class
    reason: str
    differing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    difference: float | None = None
    interval: tuple[float, float] | None = None
    z: float | None = None


def compare(a: Measured, b: Measured) -> Comparison:
    """Classify a pair as defined for tensions: z = |a - b| / sqrt(se_a² + se_b²), in conflict at z >= 3 if material.

    Conflict is a tension under equal conditions (a contradiction if both signs are certain and opposite) and a
    boundary under others. No conflict, and the 90 % interval of the difference inside the smaller declared
    tolerance, is a confirmation or, under other conditions, robustness. Conditions that only one states leave the
    match unknown: such a pair may be a boundary, never a contradiction or a confirmation.
    """
    unlike = _unlike(a, b)
    if unlike:
        return Comparison("not comparable", unlike)
    differing, unknown = conditions_differing(a, b)
    match = Comparison("inconclusive", "", differing, unknown)
    try:
        pa, pb = position(a, a.unit), position(b, a.unit)
    except UnusableError as error:
        return _with(match, "inconclusive", str(error))
    difference, spread = pa.centre - pb.centre, math.hypot(pa.error, pb.error)
    z = abs(difference) / spread if spread else math.inf if difference else 0.0
    half = quantile(0.5 + EQUIVALENCE / 2, _freedom(pa, pb)) * spread if spread else 0.0
    interval = (difference - half, difference + half)
    match = Comparison("inconclusive", "", differing, unknown, difference, interval, z)
    short = _immaterial(a, b, pa, pb, abs(difference))
    if z >= Z and not short:
        return _conflict(match, a, pa, pb)
    return _no_conflict(match, a, b, interval, short if z >= Z else f"z = {z:.2g} is below {Z:g}")


def conditions_differing(a: Measured, b: Measured) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the conditions that both state differently, and of those that only one states."""
    shared = a.conditions.keys() & b.conditions.keys()
    differing = sorted(name for name in shared if not _equal(a.conditions[name], b.conditions[name]))
    return tuple(differing), tuple(sorted(a.conditions.keys() ^ b.conditions.keys()))


def _equal(a: Value, b: Value) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _unlike(a: Measured, b: Measured) -> str:
    """Why the two cannot be compared; empty if they can."""
    if (a.system, a.baseline) == (b.baseline, b.system) and a.system != b.system and a.baseline:
        return f"system and baseline are swapped: {a.system} over {a.baseline}, {b.system} over {b.baseline}"
    for name in ("metric", "system", "baseline", "workload", "dataset", "quantity"):
        one, other = getattr(a, name), getattr(b, name)
        if one != other:
            return f"not the same {name}: {one or 'none'} and {other or 'none'}"
    try:
        convert(1.0, a.unit, b.unit)
    except ValueError as error:
        return str(error)
    if a.log != b.log:
        return "the spread of one was made on the log scale, that of the other was not"
    return ""


def _freedom(a: Position, b: Position) -> float:
    """Welch and Satterthwaite's degrees of freedom of a difference."""
    parts = [p.error**4 / p.freedom for p in (a, b) if not math.isinf(p.freedom)]
    return (a.error**2 + b.error**2) ** 2 / math.fsum(parts) if parts and math.fsum(parts) > 0 else math.inf


def _immaterial(a: Measured, b: Measured, pa: Position, pb: Position, difference: float) -> str:
    """Which threshold the difference does not pass; empty if it passes all three."""
    declared = max((t for t in (_tolerance(m, a.unit, pa, pb) for m in (a, b)) if t is not None), default=0.0)
    absolute, relative = _thresholds(a, pa, pb)
    for name, threshold in (("smallest effect of interest", absolute), ("declared tolerance", declared)):
        if difference <= threshold:
            return f"the difference is not above the {name}"
    return "" if difference > relative else f"the difference is not above {RELATIVE:.0%} of the larger value"


def _thresholds(a: Measured, pa: Position, pb: Position) -> tuple[float, float]:
    """The absolute and the relative threshold on the scale of the comparison.

    The absolute one is the metric's smallest effect of interest, where the library knows the metric and the
    quantity is on that scale; none otherwise.
    """
    card = metric_card(a.metric, a.workload)
    larger = max(abs(pa.centre), abs(pb.centre))
    relative = math.log1p(RELATIVE) if a.log else RELATIVE * larger
    if card is None:
        return 0.0, relative
    if card.effect == "ratio":
        if a.log and a.unit == "x":
            return math.log(card.smallest_effect), relative
        return ((card.smallest_effect - 1) * larger if a.quantity == "value" else 0.0), relative
    unit = card.unit if a.quantity == "value" else difference_unit(card.unit)
    if a.log or dimension(unit) != dimension(a.unit):
        return 0.0, relative
    return convert(card.smallest_effect, unit, a.unit), relative


def _tolerance(measured: Measured, unit: str, pa: Position, pb: Position) -> float | None:
    """The declared tolerance on the scale of the comparison; on the log scale that of a ratio is a share of it."""
    if measured.tolerance is None:
        return None
    tolerance = convert(measured.tolerance, measured.unit, unit)
    if not measured.log:
        return tolerance
    size = 1.0 if measured.unit == "x" else math.exp(min(pa.centre, pb.centre))
    return math.log1p(tolerance / size)


def _conflict(match: Comparison, a: Measured, pa: Position, pb: Position) -> Comparison:
    told = f"z = {match.z:.3g}" if match.z is not None and math.isfinite(match.z) else "both are exact and differ"
    if match.differing:
        return _with(match, "boundary", f"{told}, and they differ in {', '.join(match.differing)}")
    if match.unknown:
        return _with(match, "boundary", f"{told}, and only one states {', '.join(match.unknown)}: match unknown")
    if not a.conditions:
        return _with(match, "boundary", f"{told}, and neither states its conditions: match unknown")
    neutral = 0.0 if a.log else a.neutral
    signs = [math.copysign(1.0, p.centre - neutral) for p in (pa, pb) if abs(p.centre - neutral) > SIGN * p.error]
    if len(signs) == 2 and signs[0] != signs[1]:
        return _with(match, "contradiction", f"{told} under equal conditions, with opposite signs")
    return _with(match, "tension", f"{told} under equal conditions")


def _no_conflict(match: Comparison, a: Measured, b: Measured, interval: tuple[float, float], why: str) -> Comparison:
    assert match.difference is not None
    pa, pb = position(a, a.unit), position(b, a.unit)
    declared = [t for t in (_tolerance(m, a.unit, pa, pb) for m in (a, b)) if t is not None]
    if not declared:
        return _with(match, "inconclusive", f"{why}, and neither declares a tolerance within which to agree")
    slack = min(declared)
    if not -slack <= interval[0] <= interval[1] <= slack:
        return _with(match, "inconclusive", f"{why}, but the 90 % interval of the difference leaves the tolerance")
    if match.differing:
        told = f"the same within the tolerance although {', '.join(match.differing)} differ"
        return _with(match, "robustness", told)
    if match.unknown or not a.conditions:
        return _with(match, "inconclusive", "they agree within the tolerance, but whether conditions match is unknown")
    if shared := len(set(a.seeds) & set(b.seeds)):
        told = "the same seeds" if set(a.seeds) == set(b.seeds) else f"{shared} seeds in common"
        return _with(match, "inconclusive", f"they agree, but have {told}: the same data confirm nothing")
    return _with(match, "confirmation", "the same within the tolerance under equal conditions, on other data")


def _with(match: Comparison, verdict: Class, reason: str) -> Comparison:
    return Comparison(verdict, reason, match.differing, match.unknown, match.difference, match.interval, match.z)
