"""Stated: a claim that the brief itself states, with the bounds it gives; nothing in it is the planner's choice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from evidentia.agents.minds.builtin.forms.drafting import Draft, cell, claim, paired, tolerance, where
from evidentia.agents.minds.builtin.reading import Reading
from evidentia.agents.wording import number, told, words
from evidentia.kernels import registry
from evidentia.kernels.registry import Metric
from evidentia.workspace.estimators import RATIO_ESTIMATORS
from evidentia.workspace.records import Check, Expectation, Hypothesis, Value
from evidentia.workspace.studies import Stated
from evidentia.workspace.units import difference_unit

WEIGHT = 1.5
"""What a person states is tested before what the planner thinks of."""
KINDS: dict[str, tuple[str, str]] = {
    "mean": ("bound", "bound"),
    "paired_difference": ("comparison", "improvement"),
    "paired_ratio": ("comparison", "improvement"),
    "power_exponent": ("trend", "scaling"),
    "exponential_rate": ("trend", "scaling"),
    "change_over_range": ("trend", "scaling"),
    "ratio_over_range": ("trend", "scaling"),
    "isotonic_change": ("trend", "scaling"),
    "isotonic_ratio": ("trend", "scaling"),
    "crossover": ("crossover", "boundary"),
    "threshold_crossing": ("crossover", "boundary"),
    "regret": ("optimum", "optimum"),
    "regret_ratio": ("optimum", "optimum"),
}
"""The estimators that a stated claim may name, with the form of hypothesis and the kind of claim that each makes."""
INVERTED = ("crossover", "threshold_crossing", "regret", "regret_ratio")
EXPONENTS = ("power_exponent", "exponential_rate")


def propose(reading: Reading) -> Iterator[Hypothesis]:
    """Every claim of the brief about this family, and for its device, that does not wait for another."""
    for stated in reading.brief.claims:
        own = stated.family == reading.family.name and stated.device == reading.brief.device
        if own and not stated.unless:
            yield draft(reading, stated).finish()


def waiting(reading: Reading, name: str) -> Iterator[Stated]:
    """The claims of the brief about this family that are tested once the claim `name` did not hold."""
    return (s for s in reading.brief.claims if s.family == reading.family.name and s.unless == name)


def draft(reading: Reading, stated: Stated) -> Draft:
    """The hypothesis that a stated claim is. What neither it nor the brief's conditions say is as on the cards: the
    words of the question, which vary and fix conditions for what the planner thinks of, do not touch it."""
    given = reading.brief.conditions.items()
    known = registry.parameters(reading.family.name)
    reading = replace(reading, varied={}, base={name: value for name, value in given if name in known})
    metric = reading.family.metric(stated.metric)
    estimator = stated.estimator or _estimator(stated, metric)
    form, kind = KINDS[estimator]
    systems = tuple(dict.fromkeys(s for s in (stated.system, stated.versus) if s))
    claims, cells = [], []
    for at in _grid(stated):
        check = _check(reading, stated, metric, estimator, at)
        place = f" at {told({name: at[name] for name in stated.grid})}" if stated.grid else ""
        text = f"{stated.says or _says(stated, metric, estimator, check.expect)}{place}"
        conditions = cell(reading, stated.system, {**at, **stated.at}).conditions
        held = {k: v for k, v in conditions.items() if k != stated.parameter}
        allowed = _tolerance(stated, metric, estimator) if stated.tolerance is None else stated.tolerance
        claims.append(claim(text, kind, _unit(reading, stated, metric, estimator), check, allowed, held))
        for level in stated.levels or (None,):
            swept = {} if level is None else {stated.parameter: level}
            cells.append(cell(reading, stated.system, {**at, **stated.at, **swept}))
            if stated.versus:
                cells.append(cell(reading, stated.versus, {**at, **stated.versus_at, **swept}))
    study = reading.brief.study
    source = f"{study.source}: {study.figure}" if study else "The brief states it."
    text = stated.says or claims[0].statement
    return Draft(
        reading=reading,
        metric=metric,
        form=form,
        title=text if len(text) <= 120 else f"{text[:119]}…",
        statement=f"{text}{' in every cell tried' if len(claims) > 1 else ''}",
        rationale=source,
        falsification="The whole interval lies outside the stated bounds.",
        systems=systems,
        cells=tuple(cells),
        claims=tuple(claims),
        varied=tuple(stated.grid) + ((stated.parameter,) if stated.parameter else ()),
        weight=WEIGHT,
        stated=stated.id,
    )


def _estimator(stated: Stated, metric: Metric) -> str:
    """The estimator where the brief names none: by the shape of the claim and the scale of the metric."""
    ratio = metric.effect == "ratio"
    if stated.candidate is not None:
        return "regret_ratio" if ratio else "regret"
    if stated.parameter:
        return "crossover" if stated.versus else "ratio_over_range" if ratio else "change_over_range"
    return str(paired(metric)) if stated.versus else "mean"


def _tolerance(stated: Stated, metric: Metric, estimator: str) -> float:
    """How far a re-run may lie from the claim, where the brief does not say it: half the smallest effect of interest;
    for what is compared by ratios a twentieth of the largest bound, and between two bounds a quarter of their distance
    at most: a re-run that may lie anywhere confirms nothing."""
    bounds = [b for b in (stated.above, stated.below) if b is not None]
    if metric.effect == "ratio" and bounds:
        return max(abs(b) for b in bounds) / 20
    return min(tolerance(metric), (bounds[1] - bounds[0]) / 4) if len(bounds) == 2 else tolerance(metric)


def _grid(stated: Stated) -> list[dict[str, Value]]:
    return [
        {**stated.conditions, **dict(zip(stated.grid, values, strict=True))}
        for values in itertools.product(*stated.grid.values())
    ]


def _check(reading: Reading, stated: Stated, metric: Metric, estimator: str, at: Mapping[str, Value]) -> Check:
    paired_sides = bool(stated.versus)  # of one system alone, what it has is a condition like any other
    at = at if paired_sides else {**at, **stated.at}
    free = {stated.parameter} - {""} | ({*stated.at, *stated.versus_at} if paired_sides else set())
    systems = [stated.system, *([stated.versus] if stated.versus else [])]
    log = stated.log_parameter
    if log is None and stated.parameter:
        log = reading.parameter(stated.parameter).scale == "log"
    return Check.model_validate(
        {
            "estimator": estimator,
            "metric": metric.name,
            "system": stated.system,
            "versus": stated.versus,
            "where": where(reading, systems, at, free),
            "at": stated.at if paired_sides else {},
            "versus_at": stated.versus_at,
            "parameter": stated.parameter,
            "levels": stated.levels,
            "candidate": stated.candidate,
            "limit": metric.limit if stated.limit is None else stated.limit,
            "higher_is_better": metric.direction == "higher",
            "log_parameter": bool(log),
            "interval": "inverted" if estimator in INVERTED else "student",
            "expect": _expected(stated).model_dump(),
        }
    )


def _expected(stated: Stated) -> Expectation:
    low, high = stated.above, stated.below
    if low is None and high is None:  # a crossing: anywhere in the range that is swept
        return Expectation(relation="inside", low=float(stated.levels[0]), high=float(stated.levels[-1]))
    if low is not None and high is not None:
        return Expectation(relation="inside", low=low, high=high)
    return Expectation(relation="below", high=high) if low is None else Expectation(relation="above", low=low)


def _unit(reading: Reading, stated: Stated, metric: Metric, estimator: str) -> str:
    if estimator == "mean":
        return metric.unit
    if estimator in EXPONENTS:
        return "1"
    if estimator in ("crossover", "threshold_crossing"):
        return reading.parameter(stated.parameter).unit or "1"
    if estimator in RATIO_ESTIMATORS:
        return "x"
    return difference_unit(metric.unit)


def _says(stated: Stated, metric: Metric, estimator: str, expect: Expectation) -> str:
    """The claim as a sentence, where the brief gives none."""
    bounds: dict[str, Any] = {
        "above": f"above {number(expect.low or 0.0)}",
        "below": f"below {number(expect.high or 0.0)}",
        "inside": f"between {number(expect.low or 0.0)} and {number(expect.high or 0.0)}",
    }
    what = f"the {words(metric.name)} of {stated.system}"
    if stated.versus:
        what += f" against {stated.versus}"
    if stated.parameter:
        what += f" along {words(stated.parameter)}"
    return f"{words(estimator).capitalize()}: {what} lies {bounds[expect.relation]}"
