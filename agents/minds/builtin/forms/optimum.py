"""Optimum: is this value of a kernel's setting at least as good as every other one tried?"""

from __future__ import annotations

from collections.abc import Iterator

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
from evidentia.kernels.registry import Kernel, Metric
from evidentia.workspace.records import Check, Expectation, Hypothesis, Value


def propose(reading: Reading) -> Iterator[Hypothesis]:
    """For each setting of each kernel: its default is the best."""
    metric = reading.metrics[0]
    for kernel in (*reading.systems, *reading.challengers):
        for parameter in kernel.parameters:
            if parameter.kind in ("int", "float") and len(parameter.levels) >= 3:
                weight = 0.8 if kernel in reading.systems else 0.55
                if parameter.name in cell(reading, kernel.name, {}).conditions:
                    yield draft(reading, metric, kernel, parameter.name, parameter.default, weight).finish()


def draft(reading: Reading, metric: Metric, kernel: Kernel, name: str, candidate: Value, weight: float = 0.7) -> Draft:
    """No other level of the setting beats `candidate` by more than the smallest effect of interest."""
    levels = tuple(sorted({*(v for v in reading.parameter(name).levels if not isinstance(v, str)), candidate}))
    ratio = metric.effect == "ratio"
    check = Check(
        estimator="regret_ratio" if ratio else "regret",
        metric=metric.name,
        system=kernel.name,
        where=where(reading, (kernel.name,), {}, (name,)),
        parameter=name,
        levels=levels,
        candidate=candidate,
        higher_is_better=metric.direction == "higher",
        interval="inverted",
        expect=Expectation(relation="below", high=metric.smallest_effect),
    )
    text = (
        f"No {words(name)} of {kernel.name} among {', '.join(number(v) for v in levels)} beats {number(candidate)} "
        f"on {words(metric.name)} by more than {effect_words(metric)}"
    )
    conditions = {n: v for n, v in cell(reading, kernel.name, {}).conditions.items() if n != name}
    return Draft(
        reading=reading,
        metric=metric,
        form="optimum",
        title=f"Best {words(name)} of {kernel.name} for {words(metric.name)}",
        statement=text,
        rationale=f"{number(candidate)} is the usual {words(name)} of {kernel.name}; it should be as good as any.",
        falsification=f"Another level beats it, with its whole interval, by {effect_words(metric)} or more.",
        systems=(kernel.name,),
        cells=tuple(cell(reading, kernel.name, {name: level}) for level in levels),
        claims=(claim(text, "optimum", effect_unit(metric), check, tolerance(metric), conditions),),
        varied=(name,),
        origin="challenger" if kernel in reading.challengers else "question",
        weight=weight,
    )
