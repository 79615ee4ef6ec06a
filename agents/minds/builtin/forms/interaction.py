"""Interaction: does the effect of a choice depend on a condition?"""

from __future__ import annotations

from collections.abc import Iterator

from evidentia.agents.minds.builtin.forms.drafting import (
    Draft,
    cell,
    claim,
    effect_unit,
    effect_words,
    no_effect,
    tolerance,
    where,
)
from evidentia.agents.minds.builtin.reading import Reading
from evidentia.agents.wording import number, words
from evidentia.kernels.registry import Kernel, Metric
from evidentia.workspace.records import Cell, Check, Expectation, Hypothesis, Value


def propose(reading: Reading) -> Iterator[Hypothesis]:
    """The gap between contender and reference against each varied condition; the effect of a mentioned setting
    against each other varied condition."""
    for metric in reading.metrics:
        for rank, kernel in enumerate(reading.contenders[:2]):
            for name in _moderators(reading):
                yield gap(reading, metric, kernel, reading.reference, name, weight=0.9 - 0.1 * rank).finish()
        for kernel in reading.systems:
            for parameter in kernel.parameters:
                if parameter.name not in reading.mentioned or len(parameter.levels) < 2:
                    continue
                for name in _moderators(reading):
                    if name != parameter.name:
                        yield setting(reading, metric, kernel, parameter.name, name).finish()


def _moderators(reading: Reading) -> list[str]:
    """Varied conditions that every kernel of the family has."""
    own = {p.name for p in reading.family.parameters}
    return [n for n, levels in reading.varied.items() if n in own and len(levels) >= 2][:3]


def _ends(reading: Reading, name: str) -> tuple[Value, Value]:
    levels = reading.varied[name] if name in reading.varied else reading.parameter(name).levels
    numbers = [v for v in levels if not isinstance(v, str | bool)]
    return (min(numbers), max(numbers)) if numbers else (levels[0], levels[-1])


def gap(reading: Reading, metric: Metric, a: Kernel, b: Kernel, name: str, weight: float = 0.9) -> Draft:
    """The effect of choosing `a` over `b` differs between the ends of a condition."""
    low, high = _ends(reading, name)
    check = _check(reading, metric, (a.name, b.name), name, (low, high), ())
    text = (
        f"The {words(metric.name)} gap of {a.name} over {b.name} changes by more than {effect_words(metric)} "
        f"from {words(name)} {number(low)} to {number(high)}"
    )
    cells = tuple(cell(reading, k.name, {name: level}) for level in (low, high) for k in (a, b))
    title = f"Does the gap of {a.name} over {b.name} depend on {words(name)}"
    why = f"One number answers “by how much” only if {words(name)} does not matter."
    return _interaction(reading, metric, (a.name, b.name), name, check, text, title, why, cells, (), weight)


def setting(reading: Reading, metric: Metric, kernel: Kernel, inner: str, name: str) -> Draft:
    """The effect of a kernel's setting differs between the ends of a condition."""
    low, high = _ends(reading, name)
    small, large = _ends(reading, inner)
    k = kernel.name
    check = _check(reading, metric, (k, k), name, (low, high), (inner,)).model_copy(
        update={"at": {inner: small}, "versus_at": {inner: large}}
    )
    text = (
        f"The effect of {words(inner)} {number(small)} instead of {number(large)} on the {words(metric.name)} of {k} "
        f"changes by more than {effect_words(metric)} from {words(name)} {number(low)} to {number(high)}"
    )
    cells = tuple(cell(reading, k, {name: n, inner: i}) for n in (low, high) for i in (small, large))
    title = f"Does the effect of {words(inner)} in {k} depend on {words(name)}"
    why = f"The question names both {words(inner)} and {words(name)}; their effects may not simply add up."
    return _interaction(reading, metric, (k,), name, check, text, title, why, cells, (inner,), 0.9)


def _check(
    reading: Reading,
    metric: Metric,
    pair: tuple[str, str],
    name: str,
    ends: tuple[Value, Value],
    free: tuple[str, ...],
) -> Check:
    low, high = no_effect(metric)
    return Check(
        estimator="difference_of_differences" if metric.effect == "difference" else "ratio_of_ratios",
        metric=metric.name,
        system=pair[0],
        versus=pair[1],
        where=where(reading, pair, {}, (name, *free)),
        moderator=name,
        moderator_levels=ends,
        higher_is_better=metric.direction == "higher",
        expect=Expectation(relation="outside", low=low, high=high),
    )


def _interaction(
    reading: Reading,
    metric: Metric,
    systems: tuple[str, ...],
    name: str,
    check: Check,
    text: str,
    title: str,
    why: str,
    cells: tuple[Cell, ...],
    inner: tuple[str, ...],
    weight: float,
) -> Draft:
    free = {name, *inner}
    conditions = {n: v for n, v in cell(reading, systems[0], {}).conditions.items() if n not in free}
    return Draft(
        reading=reading,
        metric=metric,
        form="interaction",
        title=title,
        statement=text,
        rationale=why,
        falsification=f"The interval of the change lies wholly within {effect_words(metric)}.",
        systems=systems,
        cells=cells,
        claims=(claim(text, "interaction", effect_unit(metric), check, tolerance(metric), conditions),),
        varied=(name, *inner),
        weight=weight,
    )
