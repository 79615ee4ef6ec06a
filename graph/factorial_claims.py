"""What a factorial must show: one attribution per condition, the share and the rest, and the two published ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from evidentia.agents.wording import listed, number, told, words
from evidentia.graph.disputes import Dispute, Published
from evidentia.kernels import registry
from evidentia.kernels.registry import Metric
from evidentia.workspace.quantities import figure
from evidentia.workspace.records import Check, Expectation, PlannedClaim, Value
from evidentia.workspace.units import convert, difference_unit

ATTRIBUTED = 0.8
"""The share of the published difference that the conditions must account for."""
ESTIMATORS = {"value": "mean", "difference": "paired_difference", "ratio": "paired_ratio"}


def value_of(dispute: Dispute, side: Published, metric: Metric) -> float:
    """A published value in the unit the factorial measures in."""
    return convert(side.value, side.unit, _unit(dispute, metric))


def _unit(dispute: Dispute, metric: Metric) -> str:
    if dispute.quantity == "ratio":
        return "x"
    return metric.unit if dispute.quantity == "value" else difference_unit(metric.unit)


def pair_of(dispute: Dispute) -> str:
    return f"{dispute.system} against {dispute.baseline}" if dispute.baseline else dispute.system


def what_of(dispute: Dispute) -> str:
    metric = words(dispute.metric)
    if dispute.quantity == "value":
        return f"the {metric} of {dispute.system}"
    return f"the {metric} {'gap' if dispute.quantity == 'difference' else 'ratio'} of {dispute.system} over " + (
        dispute.baseline
    )


def claims_of(
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
    older, newer = (value_of(dispute, side, metric) for side in dispute.sides)
    slack = max(convert(side.tolerance, side.unit, unit) for side in dispute.sides)
    change = newer / older if ratio else newer - older
    what = what_of(dispute)
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
