"""Trend: how does a metric move with a parameter, by a published law or simply up?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evidentia.agents.minds.builtin.forms.drafting import (
    Draft,
    cell,
    claim,
    effect_unit,
    effect_words,
    tolerance,
    where,
)
from evidentia.agents.minds.builtin.reading import Reading
from evidentia.agents.wording import number, words
from evidentia.kernels.registry import Kernel, Law, Metric
from evidentia.workspace.records import Check, Expectation, Hypothesis

LAW_MARGIN = 0.1


def propose(reading: Reading) -> Iterator[Hypothesis]:
    """The published laws of the meant kernels, and for each varied condition without one, that it helps or
    hurts the first contender."""
    for metric in reading.metrics:
        covered: set[tuple[str, str]] = set()
        for kernel in reading.systems:
            for item in kernel.laws:
                if item.metric == metric.name and len(reading.sweep(item.parameter)) >= 3:
                    covered.add((kernel.name, item.parameter))
                    yield law(reading, metric, kernel, item).finish()
        for kernel in (*reading.contenders[:1], reading.reference):
            for name in reading.sweepable(kernel)[:1]:
                if (kernel.name, name) not in covered:
                    yield rise(reading, metric, kernel, name).finish()


def law(reading: Reading, metric: Metric, kernel: Kernel, item: Law) -> Draft:
    """`metric` follows a published law of growth, to within a margin of 0.1 in the exponent."""
    levels = reading.sweep(item.parameter)
    low = None if item.relation == "at_most" else item.exponent - LAW_MARGIN
    high = None if item.relation == "at_least" else item.exponent + LAW_MARGIN
    relations: dict[str, Any] = {"at_most": "below", "at_least": "above", "equal": "inside"}
    relation = relations[item.relation]
    bound = {
        "at_most": f"at most {number(item.exponent)}",
        "at_least": f"at least {number(item.exponent)}",
        "equal": number(item.exponent),
    }[item.relation]
    power = item.form == "power"
    check = Check(
        estimator="power_exponent" if power else "exponential_rate",
        metric=metric.name,
        system=kernel.name,
        where=where(reading, (kernel.name,), {}, (item.parameter,)),
        parameter=item.parameter,
        levels=levels,
        higher_is_better=metric.direction == "higher",
        expect=Expectation(relation=relation, low=low, high=high),
    )
    shape = (
        f"as a power of {words(item.parameter)} with an exponent of {bound}"
        if power
        else f"by a factor of 2 to the power {bound} with every unit of {words(item.parameter)}"
    )
    text = f"The {words(metric.name)} of {kernel.name} moves {shape} (margin {LAW_MARGIN})"
    return _trend(
        reading, metric, kernel, item.parameter, check, text, "1", 0.05, f"Published law: {item.source}.", "law"
    )


def rise(reading: Reading, metric: Metric, kernel: Kernel, name: str) -> Draft:
    """`metric` rises over the range of the parameter by more than the smallest effect of interest."""
    ratio = metric.effect == "ratio"
    check = Check(
        estimator="ratio_over_range" if ratio else "change_over_range",
        metric=metric.name,
        system=kernel.name,
        where=where(reading, (kernel.name,), {}, (name,)),
        parameter=name,
        levels=reading.sweep(name),
        log_parameter=reading.parameter(name).scale == "log",
        higher_is_better=metric.direction == "higher",
        expect=Expectation(relation="above", low=metric.smallest_effect),
    )
    levels = reading.sweep(name)
    text = (
        f"The {words(metric.name)} of {kernel.name} rises by more than {effect_words(metric)} as {words(name)} goes "
        f"from {number(levels[0])} to {number(levels[-1])}"
    )
    why = f"No law is on record for {words(metric.name)} against {words(name)}; a rise is the first thing to test."
    return _trend(reading, metric, kernel, name, check, text, effect_unit(metric), tolerance(metric), why, "question")


def _trend(
    reading: Reading,
    metric: Metric,
    kernel: Kernel,
    name: str,
    check: Check,
    text: str,
    unit: str,
    allowed: float,
    why: str,
    origin: str,
) -> Draft:
    conditions = {n: v for n, v in cell(reading, kernel.name, {}).conditions.items() if n != name}
    return Draft(
        reading=reading,
        metric=metric,
        form="trend",
        title=f"{words(metric.name)} of {kernel.name} against {words(name)}",
        statement=text,
        rationale=why,
        falsification="The interval lies wholly outside the stated range.",
        systems=(kernel.name,),
        cells=tuple(cell(reading, kernel.name, {name: level}) for level in check.levels),
        claims=(claim(text, "scaling", unit, check, allowed, conditions),),
        varied=(name,),
        origin=origin,
        weight=1.0 if origin == "law" else 0.75,
    )
