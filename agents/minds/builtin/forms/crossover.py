"""Crossover: along a parameter, where do two kernels change places, or where does one pass a limit?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from evidentia.agents.minds.builtin.forms.drafting import Draft, cell, claim, where
from evidentia.agents.minds.builtin.reading import Reading
from evidentia.agents.wording import number, words
from evidentia.kernels.registry import Kernel, Metric
from evidentia.workspace.records import Check, Expectation, Hypothesis, Value


def propose(reading: Reading) -> Iterator[Hypothesis]:
    """The first contender and the reference along the first two conditions; every meant kernel and its limit."""
    for metric in reading.metrics:
        for rank, name in enumerate(_swept(reading)):
            for kernel in reading.contenders[:1]:
                yield exchange(reading, metric, kernel, reading.reference, name, weight=0.85 - 0.15 * rank).finish()
        if metric.limit is None:
            continue
        for kernel in reading.systems:
            for name in reading.sweepable(kernel)[:1]:
                yield limit(reading, metric, kernel, name).finish()


def _swept(reading: Reading) -> list[str]:
    own = {p.name for p in reading.family.parameters}
    return [n for n in reading.sweepable() if n in own][:2]


def exchange(
    reading: Reading,
    metric: Metric,
    a: Kernel,
    b: Kernel,
    name: str,
    levels: tuple[Value, ...] = (),
    weight: float = 0.85,
) -> Draft:
    """`a` and `b` change places once between the first and the last level of the parameter."""
    levels = levels or reading.sweep(name)
    check = _check(reading, metric, (a.name, b.name), name, levels)
    text = (
        f"{a.name} and {b.name} change places on {words(metric.name)} between {words(name)} {number(levels[0])} "
        f"and {number(levels[-1])}"
    )
    why = f"“When” asks for a boundary: somewhere along {words(name)} the order of the two may turn."
    return _crossover(reading, metric, (a, b), name, check, text, why, weight)


def limit(reading: Reading, metric: Metric, kernel: Kernel, name: str, levels: tuple[Value, ...] = ()) -> Draft:
    """`metric` of one kernel passes its limit between the first and the last level of the parameter."""
    levels = levels or reading.sweep(name)
    check = _check(reading, metric, (kernel.name,), name, levels).model_copy(
        update={"estimator": "threshold_crossing", "limit": metric.limit, "versus": ""}
    )
    text = (
        f"The {words(metric.name)} of {kernel.name} passes {number(metric.limit or 0.0)} {metric.unit} between "
        f"{words(name)} {number(levels[0])} and {number(levels[-1])}"
    )
    why = f"The limit: {metric.limit_source}." if metric.limit_source else "The metric has a limit on record."
    weight = 1.0 if "threshold" in reading.cues else 0.8
    return _crossover(reading, metric, (kernel,), name, check, text, why, weight)


def _check(reading: Reading, metric: Metric, systems: tuple[str, ...], name: str, levels: tuple[Value, ...]) -> Check:
    return Check(
        estimator="crossover",
        metric=metric.name,
        system=systems[0],
        versus=systems[-1],
        where=where(reading, systems, {}, (name,)),
        parameter=name,
        levels=levels,
        log_parameter=reading.parameter(name).scale == "log",
        higher_is_better=metric.direction == "higher",
        interval="inverted",
        expect=Expectation(relation="inside", low=float(levels[0]), high=float(levels[-1])),
    )


def _crossover(
    reading: Reading,
    metric: Metric,
    kernels: tuple[Kernel, ...],
    name: str,
    check: Check,
    text: str,
    why: str,
    weight: float,
) -> Draft:
    systems = tuple(k.name for k in kernels)
    levels = check.levels
    conditions = {n: v for n, v in cell(reading, systems[0], {}).conditions.items() if n != name}
    step = min(abs(float(b) - float(a)) for a, b in itertools.pairwise(levels))
    title = (
        f"Where {systems[0]} and {systems[1]} change places along {words(name)}"
        if len(systems) > 1
        else f"Where {systems[0]} passes its {words(metric.name)} limit along {words(name)}"
    )
    return Draft(
        reading=reading,
        metric=metric,
        form="crossover",
        title=title,
        statement=text,
        rationale=why,
        falsification="Both ends of the range show the same order, each with its whole interval.",
        systems=systems,
        cells=tuple(cell(reading, s, {name: level}) for level in levels for s in systems),
        claims=(claim(text, "boundary", reading.parameter(name).unit or "1", check, step / 2, conditions),),
        varied=(name,),
        weight=weight,
    )
