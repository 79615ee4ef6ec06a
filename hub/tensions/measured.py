"""One published value as plain data: what was measured, under which conditions, and how well it is known."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from evidentia.kernels import registry
from evidentia.kernels.registry import Metric
from evidentia.workspace.canonical import content_id
from evidentia.workspace.estimators import RATIO_ESTIMATORS
from evidentia.workspace.records import Record, Value
from evidentia.workspace.units import convert, dimension

CROSSINGS = ("crossover", "threshold_crossing")
QUANTITIES = {"mean": "value", "paired_difference": "difference", "paired_ratio": "ratio"}
STATED = "stated"
EXPLAINING = "explain-"
"""What the run that explains a tension is called, before the tension's id."""


class UnusableError(ValueError):
    """The value cannot be weighed against another; the message says what is missing."""


class Measured(Record):
    """A claim as a statistician needs it. What the claim does not state, or states as no number, is None.

    `quantity` says what of the metric was estimated (``value``, ``difference``, ``ratio``, or an estimator with
    its settings), `log` whether `sd` and the interval were made on the log scale, `confidence` the level of `ci`.
    `seeds` are those of its rows where the metric depends on nothing else; of a timed metric there are none, and
    the machine is one of its conditions.
    """

    ref: str
    run: str
    created: str
    metric: str
    system: str
    baseline: str
    workload: str
    dataset: str
    quantity: str
    value: float | None
    unit: str
    n: int | None
    sd: float | None
    ci: tuple[float, float] | None
    confidence: float | None
    tolerance: float | None
    log: bool
    conditions: dict[str, Value]
    seeds: tuple[int, ...] = ()
    pooled: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """Sixteen digits that two claims share when they are about the same quantity of the same things."""
        about = [self.metric, self.system, self.baseline, self.workload, self.dataset, self.quantity]
        return content_id(about, 16)

    @cached_property
    def protocol(self) -> str:
        """Sixteen digits that two claims share when they state the same conditions."""
        return content_id({k: _as_number(v) for k, v in self.conditions.items()}, 16)

    @property
    def package(self) -> str:
        """The id of the package that holds the claim."""
        return self.ref.partition("@")[0]

    @property
    def explains(self) -> bool:
        """Whether it was measured to explain a tension: at settings that others had chosen."""
        return self.run.startswith(EXPLAINING)

    @property
    def neutral(self) -> float:
        """The value that means no effect: one for a ratio, else zero."""
        return 1.0 if self.unit == "x" else 0.0


@dataclass(frozen=True)
class Position:
    """A value on the scale on which it is compared: `centre`, its standard error, the degrees of freedom of that."""

    centre: float
    error: float
    freedom: float


def position(measured: Measured, unit: str) -> Position:
    """Where the value lies, in `unit`, or as its natural logarithm where the interval was made on the log scale.

    The standard error is ``sd / sqrt(n)`` where both are stated. Else it is the half-width of the interval over the
    quantile of Student's t at its level (of the normal distribution where n is not stated, which makes the error
    too large rather than too small).

    Raises UnusableError when value or spread are missing, and ValueError for a unit that is unknown or of another
    dimension.
    """
    if dimension(measured.unit) != dimension(unit):
        convert(1.0, measured.unit, unit)
    if measured.value is None:
        raise UnusableError(f"{measured.ref} states no value")
    centre = _scaled(measured, measured.value, unit)
    if measured.n is not None and measured.n < 2:
        raise UnusableError(f"{measured.ref} rests on n = {measured.n}: nothing is known of its spread")
    if measured.sd is not None and measured.n is not None:
        sd = measured.sd if measured.log else convert(measured.sd, measured.unit, unit)
        return Position(centre, sd / math.sqrt(measured.n), measured.n - 1)
    if measured.ci is None:
        lacking = [name for name, v in (("n", measured.n), ("a standard deviation", measured.sd)) if v is None]
        raise UnusableError(f"{measured.ref} states neither an interval nor {' and '.join(lacking)}")
    if measured.confidence is None:
        raise UnusableError(f"{measured.ref} states an interval without its level, and not n with a standard deviation")
    low, high = (_scaled(measured, end, unit) for end in measured.ci)
    if not low <= centre <= high:
        raise UnusableError(f"the interval of {measured.ref} does not hold its value")
    freedom = math.inf if measured.n is None else measured.n - 1
    return Position(centre, (high - low) / 2 / quantile(0.5 + measured.confidence / 2, freedom), freedom)


def quantile(share: float, freedom: float) -> float:
    """Quantile of Student's t; of the normal distribution for infinite degrees of freedom."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(share) if math.isinf(freedom) else stdtrit(freedom, share))


def _scaled(measured: Measured, value: float, unit: str) -> float:
    value = convert(value, measured.unit, unit)
    if not measured.log:
        return value
    if value <= 0:
        raise UnusableError(f"{measured.ref} is compared as a ratio and is not positive ({value:g})")
    return math.log(value)


def metric_name(name: str) -> str:
    """The library's name of a metric given by that name or a synonym, whatever its case; another name as it is."""
    plain = _plain(name)
    for family in registry.families():
        for metric in family.metrics:
            if plain in {_plain(metric.name), *map(_plain, metric.synonyms)}:
                return metric.name
    return plain


def metric_card(name: str, workload: str) -> Metric | None:
    """The card of the metric in the family that the workload names; the only one of that name where it names none."""
    cards = {f.name: m for f in registry.families() for m in f.metrics if m.name == name}
    family = workload.partition("/")[0]
    if family in cards or len(cards) != 1:
        return cards.get(family)
    return next(iter(cards.values()))


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def measured_claim(
    claim: Mapping[str, Any],
    *,
    ref: str,
    run: str = "",
    created: str = "",
    seeds: Collection[int] = (),
    machine: str = "",
) -> Measured:
    """A claim of a manifest (see ``show PKG --json``) as plain data.

    `seeds` are those of its evidence and `machine` what that ran on. A claim without a check (of another maker) is
    a value where it has no baseline, a difference in points or a ratio where its unit says so, else only comparable
    with others like it.
    """
    check: Mapping[str, Any] = claim.get("check") or {}
    metric, workload = metric_name(str(claim.get("metric") or "")), str(claim.get("workload") or "")
    unit = str(claim.get("unit") or "")
    estimator = str(check.get("estimator") or "")
    conditions = {k: v for k, v in (claim.get("conditions") or {}).items() if _is_value(v)}
    dataset = str(claim.get("dataset") or conditions.pop("dataset", ""))
    system, baseline, meant = _general(workload, str(claim.get("system") or ""), str(claim.get("baseline") or ""))
    if conditions:  # of a claim that states none, nothing is known: not even that it was meant so
        conditions |= meant
    card = metric_card(metric, workload)
    timed = card is not None and card.timed
    if timed and machine:
        conditions["machine"] = machine
    for name, levels in ((check.get("parameter"), "levels"), (check.get("moderator"), "moderator_levels")):
        if name and check.get(levels):
            conditions[f"levels of {name}"] = ", ".join(str(v) for v in check[levels])
    n, ci = _number(claim.get("n")), claim.get("ci")
    ends = [_number(v) for v in ci] if isinstance(ci, list | tuple) and len(ci) == 2 else []
    sd, tolerance, confidence = (_number(v) for v in (claim.get("sd"), claim.get("tolerance"), check.get("confidence")))
    crossing = estimator in CROSSINGS and bool(check.get("log_parameter"))
    return Measured(
        ref=ref,
        run=run,
        created=created,
        metric=metric,
        system=system,
        baseline=baseline,
        workload=workload,
        dataset=dataset,
        quantity=_quantity(estimator, check) if estimator else _stated_quantity(baseline, unit),
        value=_number(claim.get("value")),
        unit=unit,
        n=int(n) if n is not None and n >= 1 and n == int(n) else None,
        sd=sd if sd is not None and sd >= 0 else None,
        ci=(ends[0], ends[1]) if len(ends) == 2 and ends[0] is not None and ends[1] is not None else None,
        confidence=confidence if confidence is not None and 0 < confidence < 1 else None,
        tolerance=tolerance if tolerance is not None and tolerance >= 0 else None,
        log=estimator in RATIO_ESTIMATORS or crossing,
        conditions=conditions,
        seeds=() if timed else tuple(sorted(set(seeds))),
    )


def _general(workload: str, system: str, baseline: str) -> tuple[str, str, dict[str, Value]]:
    """System and baseline by the name that the field has for several mechanisms, and as a condition which is meant:
    “LFU” that keeps counts against “LFU” that forgets them is one thing under two conditions."""
    cards = {k.name: k.meaning for k in registry.kernels(workload.partition("/")[0])}
    meanings = [cards.get(name) for name in (system, baseline)]
    if meanings[0] and meanings[1] and meanings[0].parameter == meanings[1].parameter:
        return system, baseline, {}  # both sides have the condition, each its own
    general = [m.general if m else name for m, name in zip(meanings, (system, baseline), strict=True)]
    return general[0], general[1], {m.parameter: m.value for m in meanings if m}


def meant(name: str, older: Measured, newer: Measured) -> str:
    """The kernel that both claims mean by a general name; the general name where they mean different ones."""
    for card in registry.kernels(older.workload.partition("/")[0]):
        meaning = card.meaning
        if meaning and meaning.general == name:
            values = {claim.conditions.get(meaning.parameter) for claim in (older, newer)}
            if values == {meaning.value}:
                return card.name
    return name


def _quantity(estimator: str, check: Mapping[str, Any]) -> str:
    """What is estimated: the estimator, and what it compares apart from the two systems."""
    names = ("at", "versus_at", "parameter", "moderator", "candidate", "limit")
    told = [f"{name} {check[name]}" for name in names if check.get(name) not in (None, "", {})]
    return "; ".join([QUANTITIES.get(estimator, estimator), *told])


def _stated_quantity(baseline: str, unit: str) -> str:
    return "value" if not baseline else {"pp": "difference", "x": "ratio"}.get(unit, STATED)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _is_value(value: object) -> bool:
    """Whether a condition is stated: text, truth or a finite number."""
    return isinstance(value, str | bool) or _number(value) is not None


def _as_number(value: Value) -> Value:
    """100 and 100.0 are one condition."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
