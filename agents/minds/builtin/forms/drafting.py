"""What all forms share: cells, corrected checks, wording of conditions, the finished hypothesis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evidentia.agents.minds.builtin.reading import Reading
from evidentia.agents.wording import number
from evidentia.kernels import registry
from evidentia.kernels.registry import Metric
from evidentia.workspace.records import Cell, Check, Expectation, Hypothesis, PlannedClaim, SamplePlan, Value
from evidentia.workspace.sequential import simultaneous
from evidentia.workspace.units import difference_unit

WEIGHTS = {"question": 1.0, "ambiguity": 0.95, "law": 0.97, "challenger": 0.6, "follow-up": 0.9, "pivot": 0.85}


def cell(reading: Reading, system: str, extra: Mapping[str, Value]) -> Cell:
    """The full conditions of one system: defaults, the brief's, then `extra`."""
    given = {**defaults(reading), **extra}
    return Cell(system=system, conditions=registry.complete(reading.family.name, system, given))


def defaults(reading: Reading) -> dict[str, Value]:
    """The conditions the brief fixes, and for what it varies the first level."""
    return {**{n: levels[0] for n, levels in reading.varied.items()}, **reading.base}


def where(
    reading: Reading, systems: Iterable[str], extra: Mapping[str, Value], free: Iterable[str]
) -> dict[str, Value]:
    """The columns a check matches: the conditions common to the systems, without the `free` ones."""
    cells = [cell(reading, s, extra).conditions for s in systems]
    left = set(free)
    return {k: v for k, v in cells[0].items() if k not in left and all(c.get(k, v) == v for c in cells)}


def gain(metric: Metric) -> Expectation:
    """What the paired effect of a system over its rival must be for the system to be better."""
    step = metric.smallest_effect
    if metric.effect == "difference":
        return (
            Expectation(relation="above", low=step)
            if metric.direction == "higher"
            else Expectation(relation="below", high=-step)
        )
    return (
        Expectation(relation="above", low=step)
        if metric.direction == "higher"
        else Expectation(relation="below", high=1 / step)
    )


def no_effect(metric: Metric) -> tuple[float, float]:
    """The band in which an effect is too small to matter."""
    step = metric.smallest_effect
    return (-step, step) if metric.effect == "difference" else (1 / step, step)


def effect_unit(metric: Metric) -> str:
    """The unit of a comparison."""
    return difference_unit(metric.unit) if metric.effect == "difference" else "x"


def effect_words(metric: Metric) -> str:
    """The smallest effect of interest in words."""
    if metric.effect == "ratio":
        return f"a factor of {number(metric.smallest_effect)}"
    return f"{number(metric.smallest_effect)} {difference_unit(metric.unit)}"


def paired(metric: Metric) -> Any:
    """The estimator of a paired effect on the metric's scale."""
    return "paired_difference" if metric.effect == "difference" else "paired_ratio"


def tolerance(metric: Metric) -> float:
    """How far a re-run's effect may lie from the claim's: half the smallest effect of interest."""
    return metric.smallest_effect / 2 if metric.effect == "difference" else (metric.smallest_effect - 1) / 2


@dataclass(frozen=True)
class Draft:
    """A hypothesis being written; `finish` corrects its checks for the number of claims and looks."""

    reading: Reading
    metric: Metric
    form: Any
    title: str
    statement: str
    rationale: str
    falsification: str
    systems: tuple[str, ...]
    cells: tuple[Cell, ...]
    claims: tuple[PlannedClaim, ...]
    varied: tuple[str, ...]
    origin: Any = "question"
    weight: float = 1.0
    parent: str | None = None
    trigger: str = ""
    first_seed: int | None = None
    stated: str = ""

    def finish(self) -> Hypothesis:
        """The hypothesis with its sample plan and simultaneous confidence."""
        seeds = self.reading.brief.seeds
        plan = SamplePlan(
            looks=seeds.looks,
            confidence=seeds.confidence,
            first_seed=seeds.first if self.first_seed is None else self.first_seed,
        )
        share = simultaneous(seeds.confidence, plan.looks, len(self.claims))
        claims = tuple(
            c.model_copy(update={"check": _leaning(c.check, self.metric).model_copy(update={"confidence": share})})
            for c in self.claims
        )
        unique = {(c.system, tuple(c.conditions.items())): c for c in self.cells}
        common = dict(next(iter(unique.values())).conditions)
        for c in unique.values():
            common = {k: v for k, v in common.items() if c.conditions.get(k, v) == v}
        return Hypothesis(
            form=self.form,
            title=self.title,
            statement=self.statement,
            rationale=self.rationale,
            family=self.reading.family.name,
            metric=self.metric.name,
            systems=self.systems,
            conditions=common,
            varied=self.varied,
            cells=tuple(unique.values()),
            claims=claims,
            smallest_effect=self.metric.smallest_effect,
            effect=self.metric.effect,
            falsification=self.falsification,
            sample_plan=plan,
            parent=self.parent,
            origin=self.origin,
            trigger=self.trigger,
            priority=round(WEIGHTS[self.origin] * self.weight, 4),
            stated=self.stated,
        )

    def following(self, parent: str, trigger: str, depth: int, origin: str = "follow-up") -> Draft:
        """The same draft as a follow-up of another hypothesis, on seeds of its own."""
        first = self.reading.brief.seeds.first + 1000 * depth
        return replace(self, parent=parent, trigger=trigger, origin=origin, first_seed=first)


MEANS = ("mean", "paired_difference", "paired_ratio")


def _leaning(check: Check, metric: Metric) -> Check:
    """A check of a mean for a metric that leans to one side: Student's interval would miss there, and two one-sided
    tests would call systems alike that are not (docs/statistics.md). Trends and interactions are differences, in which
    the lean cancels."""
    if not metric.leans or check.estimator not in MEANS:
        return check
    return check.model_copy(update={"interval": "wider", "two_one_sided": False})


def claim(
    statement: str, kind: Any, unit: str, check: Check, tolerance: float, conditions: Mapping[str, Value]
) -> PlannedClaim:
    """A planned headline claim under the given full conditions."""
    return PlannedClaim(
        statement=statement, kind=kind, unit=unit, tolerance=tolerance, conditions=dict(conditions), check=check
    )
