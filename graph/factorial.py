"""Planning an explanation: the hypothesis that the conditions in which two published values differ account for it.

All corners between the two settings are measured; Shapley values attribute the change to the conditions, and the
factorial's own ends are held against what was published.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evidentia.agents.wording import listed, number, told, words
from evidentia.errors import BadInputError
from evidentia.kernels import registry
from evidentia.kernels.registry import Metric
from evidentia.workspace.quantities import figure
from evidentia.workspace.records import Cell, Check, Expectation, Hypothesis, PlannedClaim, SamplePlan, Value
from evidentia.workspace.sequential import simultaneous
from evidentia.workspace.shapley import corners
from evidentia.workspace.units import convert, difference_unit

MOST_CONDITIONS = 4
"""A factorial of more conditions is not run: 2^5 corners would be 32."""
ATTRIBUTED = 0.8
"""The share of the published difference that the conditions must account for."""
FIRST_SEED = 500_000
"""Seeds that no hypothesis and no attack uses, so that the explanation stands on data of its own."""
LOOKS = (5, 10, 20, 40, 80)
"""More than a hypothesis has: what is left over is small, and told from nothing only by many seeds."""
ESTIMATORS = {"value": "mean", "difference": "paired_difference", "ratio": "paired_ratio"}


@dataclass(frozen=True)
class Published:
    """One of two values that differ: where it stands, what it is, under which conditions, from which seeds."""

    ref: str
    value: float
    unit: str
    tolerance: float
    conditions: Mapping[str, Value]
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Dispute:
    """Two published values of one quantity, the older first, as plain data.

    `quantity` is ``value`` (of `system` alone), ``difference`` or ``ratio`` (of `system` against `baseline`);
    `unknown` are the conditions that only one of the two states.
    """

    tension: str
    family: str
    metric: str
    system: str
    baseline: str
    quantity: str
    unknown: tuple[str, ...]
    sides: tuple[Published, Published]


def plan(dispute: Dispute) -> Hypothesis:
    """The hypothesis that explains a dispute, with all corners as cells and a check for every claim.

    Raises BadInputError, in one sentence, for a dispute that a factorial cannot explain.
    """
    metric = _metric(dispute)
    start, end = _ends(dispute)
    common = {k: v for k, v in dispute.sides[0].conditions.items() if k not in start}
    systems = tuple(s for s in (dispute.system, dispute.baseline) if s)
    cells = _cells(dispute, systems, common, start, end)
    first = max(FIRST_SEED, 1 + max((s for p in dispute.sides for s in p.seeds), default=0))
    seeds = SamplePlan(looks=LOOKS, first_seed=first)
    claims = _claims(dispute, metric, _shared(cells, start), start, end)
    share = simultaneous(seeds.confidence, seeds.looks, len(claims))
    names = listed([words(n) for n in start])
    what, unit = _what(dispute), claims[-1].unit
    values = [_value(dispute, side, metric) for side in dispute.sides]
    sides = [f"{figure(v)} {unit} at {told(at)}" for v, at in zip(values, (start, end), strict=True)]
    return Hypothesis(
        form="interaction",
        title=f"Why {_pair(dispute)} differs on {words(dispute.metric)}",
        statement=f"{names} {'explain' if len(start) > 1 else 'explains'} why {what} is {sides[0]} and {sides[1]}",
        rationale=f"{dispute.sides[0].ref} and {dispute.sides[1].ref} do not agree, and differ in {names}.",
        family=dispute.family,
        metric=dispute.metric,
        systems=systems,
        conditions=common,
        varied=tuple(start),
        cells=cells,
        claims=tuple(c.model_copy(update={"check": c.check.model_copy(update={"confidence": share})}) for c in claims),
        smallest_effect=metric.smallest_effect,
        effect=metric.effect,
        falsification=f"The factorial's ends do not give the published values, or {names} account for less than "
        f"{100 * ATTRIBUTED:g} % of their difference.",
        sample_plan=seeds,
        origin="follow-up",
        trigger=f"the tension {dispute.tension}",
    )


def _metric(dispute: Dispute) -> Metric:
    if dispute.quantity not in ESTIMATORS:
        kind = dispute.quantity.partition(";")[0].replace("_", " ")
        raise BadInputError(
            f"{dispute.tension} cannot be explained by a factorial: it is about a {kind}, and only a value, a "
            "difference or a ratio of two systems at fixed conditions can be measured at every corner"
        )
    try:
        for system in filter(None, (dispute.system, dispute.baseline)):
            registry.kernel(dispute.family, system)
        return registry.family(dispute.family).metric(dispute.metric)
    except KeyError as error:
        raise BadInputError(f"{dispute.tension} cannot be measured with this library: {error.args[0]}") from None


def _ends(dispute: Dispute) -> tuple[dict[str, Value], dict[str, Value]]:
    """The differing conditions with the older and with the newer value, numeric ones first."""
    if dispute.unknown:
        raise BadInputError(
            f"{dispute.tension} cannot be explained: only one of its claims states {listed(dispute.unknown)}, and a "
            "value that nobody stated cannot be set"
        )
    first, second = (side.conditions for side in dispute.sides)
    names = [name for name in first if first[name] != second[name]]
    if not names:
        raise BadInputError(
            f"{dispute.tension} cannot be explained by a factorial: its claims state the same conditions, so what "
            "differs is not recorded; verify both packages (`evidentia verify`) to see which one comes out again"
        )
    if len(names) > MOST_CONDITIONS:
        raise BadInputError(
            f"{dispute.tension} cannot be explained by a factorial: its claims differ in {len(names)} conditions "
            f"({', '.join(sorted(names))}) and at most {MOST_CONDITIONS} are varied at once; measure one of the two "
            "closer to the other first"
        )
    own = registry.parameters(dispute.family)
    for name in names:
        if name not in own:
            raise BadInputError(
                f"{dispute.tension} cannot be explained by a factorial: {name} is no condition this library can set"
            )
    names.sort(key=lambda n: isinstance(first[n], str | bool))
    return {n: first[n] for n in names}, {n: second[n] for n in names}


def _cells(
    dispute: Dispute,
    systems: tuple[str, ...],
    common: Mapping[str, Value],
    start: Mapping[str, Value],
    end: Mapping[str, Value],
) -> tuple[Cell, ...]:
    """Every system at every corner; a setting of one system makes no further cells of the other."""
    unique: dict[str, Cell] = {}
    for _, corner in corners(start, end):
        for system in systems:
            try:
                cell = Cell(system=system, conditions=registry.complete(dispute.family, system, {**common, **corner}))
            except ValueError as error:
                raise BadInputError(f"{dispute.tension} cannot be measured with this library: {error}") from None
            if system == dispute.system and not corner.keys() <= cell.conditions.keys():
                gone = listed(sorted(corner.keys() - cell.conditions.keys()))
                raise BadInputError(f"{dispute.tension} cannot be explained: {gone} does not apply to {system}")
            unique.setdefault(cell.model_dump_json(), cell)
    return tuple(unique.values())


def _shared(cells: tuple[Cell, ...], start: Mapping[str, Value]) -> dict[str, Value]:
    """The columns all checks match: the conditions that all cells have alike, but those that are moved."""
    shared = dict(cells[0].conditions)
    for cell in cells:
        shared = {k: v for k, v in shared.items() if k not in start and cell.conditions.get(k) == v}
    return shared


def _value(dispute: Dispute, side: Published, metric: Metric) -> float:
    """A published value in the unit the factorial measures in."""
    return convert(side.value, side.unit, _unit(dispute, metric))


def _unit(dispute: Dispute, metric: Metric) -> str:
    if dispute.quantity == "ratio":
        return "x"
    return metric.unit if dispute.quantity == "value" else difference_unit(metric.unit)


def _pair(dispute: Dispute) -> str:
    return f"{dispute.system} against {dispute.baseline}" if dispute.baseline else dispute.system


def _what(dispute: Dispute) -> str:
    metric = words(dispute.metric)
    if dispute.quantity == "value":
        return f"the {metric} of {dispute.system}"
    return f"the {metric} {'gap' if dispute.quantity == 'difference' else 'ratio'} of {dispute.system} over " + (
        dispute.baseline
    )


def _claims(
    dispute: Dispute,
    metric: Metric,
    where: dict[str, Value],
    start: dict[str, Value],
    end: dict[str, Value],
) -> list[PlannedClaim]:
    """One attribution per condition, then what must hold: the share, the residual, the two ends."""
    ratio, unit = dispute.quantity == "ratio", _unit(dispute, metric)
    change_unit = "x" if ratio else difference_unit(unit)
    scale = "ratio" if ratio else "difference"
    older, newer = (_value(dispute, side, metric) for side in dispute.sides)
    slack = max(convert(side.tolerance, side.unit, unit) for side in dispute.sides)
    change = newer / older if ratio else newer - older
    what = _what(dispute)
    shared: dict[str, Any] = {
        "metric": dispute.metric,
        "system": dispute.system,
        "versus": dispute.baseline,
        "higher_is_better": metric.direction == "higher",
    }
    factorial: dict[str, Any] = {**shared, "where": where, "at": start, "versus_at": end}

    def planned(statement: str, kind: Any, unit: str, tolerance: float, check: Check, **more: Any) -> PlannedClaim:
        conditions = {**where, **more.pop("at", {})}
        return PlannedClaim(
            statement=statement, kind=kind, unit=unit, tolerance=tolerance, conditions=conditions, check=check, **more
        )

    def moved(estimator: Any, expect: Expectation, **more: Any) -> Check:
        return Check(estimator=f"{estimator}_{scale}", expect=expect, **factorial, **more)

    def within(centre: float) -> Expectation:
        if ratio:
            return Expectation(relation="inside", low=centre / (1 + slack), high=centre * (1 + slack))
        return Expectation(relation="inside", low=centre - slack, high=centre + slack)

    found = [
        planned(
            f"The Shapley value of {words(name)}, moved from {number(start[name])} to {number(end[name])}, in the "
            f"change of {what} is known to within {figure(slack)} {change_unit}",
            "descriptive",
            change_unit,
            slack / 2,
            moved(
                "shapley",
                Expectation(relation="precise", high=slack),
                moderator=name,
                moderator_levels=(start[name], end[name]),
            ),
            headline=False,
        )
        for name in start
    ]
    names = listed([words(n) for n in start])
    changes, leaves = ("together change", "leave") if len(start) > 1 else ("changes", "leaves")
    bound = math.copysign(1.0, math.log(change) if ratio else change)
    least = change**ATTRIBUTED if ratio else ATTRIBUTED * change
    found.append(
        planned(
            f"{names} {changes} {what} by at least {100 * ATTRIBUTED:g} % of the published difference of "
            f"{figure(change)} {change_unit}",
            "boundary",
            change_unit,
            slack,
            moved(
                "corner",
                Expectation(relation="above", low=least) if bound > 0 else Expectation(relation="below", high=least),
            ),
        )
    )
    found.append(
        planned(
            f"What {names} {leaves} unexplained of the published difference is within {figure(slack)} {change_unit}",
            "descriptive",
            change_unit,
            slack / 2,
            moved("corner", within(1.0 if ratio else 0.0), limit=change),
        )
    )
    for side, value, corner in zip(dispute.sides, (older, newer), (start, end), strict=True):
        both = _columns(dispute, corner)
        check = Check(
            estimator=ESTIMATORS[dispute.quantity],
            where={**where, **both},
            at={k: v for k, v in corner.items() if k not in both},
            expect=within(value),
            **shared,
        )
        found.append(
            planned(
                f"On fresh seeds {what} at {told(corner)} is the published {figure(value)} {unit} to within "
                f"{figure(slack)} {change_unit}",
                "descriptive",
                unit,
                slack,
                check,
                at={**{k: v for k, v in side.conditions.items() if k not in where}, **corner},
            )
        )
    return found


def _columns(dispute: Dispute, corner: Mapping[str, Value]) -> dict[str, Value]:
    """The moved conditions that every system's rows have."""
    systems = [s for s in (dispute.system, dispute.baseline) if s]
    return {k: v for k, v in corner.items() if all(k in registry.parameters(dispute.family, s) for s in systems)}
