"""Equivalence: are two kernels, or two settings of one, the same to within the smallest effect of interest?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from evidentia.agents.minds.builtin.forms.drafting import (
    Draft,
    cell,
    claim,
    effect_unit,
    effect_words,
    no_effect,
    paired,
    tolerance,
    where,
)
from evidentia.agents.minds.builtin.reading import Reading
from evidentia.agents.wording import number, told, words
from evidentia.kernels.registry import Kernel, Metric
from evidentia.workspace.records import Check, Expectation, Hypothesis, PlannedClaim, Value


def propose(reading: Reading) -> Iterator[Hypothesis]:
    """Kernels that one word of the question means at once; the meant pair where the question asks for losses;
    the ends of a setting where the question asks whether it matters."""
    for metric in reading.metrics:
        seen: set[frozenset[str]] = set()
        for word, group in reading.ambiguous:
            for a, b in itertools.combinations(group, 2):
                seen.add(frozenset((a.name, b.name)))
                yield draft(reading, metric, a, b, word).finish()
        if "equivalence" in reading.cues:
            for kernel in reading.contenders:
                if frozenset((kernel.name, reading.reference.name)) not in seen:
                    yield draft(reading, metric, kernel, reading.reference, "").finish()
        for kernel in reading.systems:
            for parameter in kernel.parameters:
                if parameter.name in reading.mentioned and len(parameter.levels) >= 2:
                    levels = sorted(v for v in parameter.levels if not isinstance(v, str))
                    if levels:
                        yield setting(reading, metric, kernel, parameter.name, levels[0], levels[-1]).finish()


def draft(reading: Reading, metric: Metric, a: Kernel, b: Kernel, word: str) -> Draft:
    """`a` and `b` are interchangeable on `metric` in every cell of the grid."""
    grid = reading.grid()
    claims = []
    for at in grid:
        check = Check(
            estimator=paired(metric),
            metric=metric.name,
            system=a.name,
            versus=b.name,
            where=where(reading, (a.name, b.name), at, ()),
            higher_is_better=metric.direction == "higher",
            two_one_sided=True,
            expect=_same(metric),
        )
        place = f" at {told(at)}" if at else ""
        statement = f"{a.name} and {b.name} have the same {words(metric.name)} to within {effect_words(metric)}{place}"
        claims.append(_claim(statement, metric, check, cell(reading, a.name, at).conditions))
    why = (
        f"The question says “{word}”, which the library knows as {a.name} and as {b.name}: "
        "if they differ, the answer depends on which one is meant."
        if word
        else f"The question asks whether {a.name} loses against {b.name}; no loss is an equivalence."
    )
    return Draft(
        reading=reading,
        metric=metric,
        form="equivalence",
        title=f"Are {a.name} and {b.name} alike on {words(metric.name)}",
        statement=f"{a.name} and {b.name} are interchangeable: their {words(metric.name)} differs by less than "
        f"{effect_words(metric)} in every cell tried",
        rationale=why,
        falsification=f"In any cell the simultaneous interval of the paired effect lies wholly beyond "
        f"{effect_words(metric)}.",
        systems=(a.name, b.name),
        cells=tuple(cell(reading, k.name, at) for at in grid for k in (a, b)),
        claims=tuple(claims),
        varied=tuple(grid[0]) if grid else (),
        origin="ambiguity" if word else "question",
    )


def setting(reading: Reading, metric: Metric, kernel: Kernel, name: str, low: Value, high: Value) -> Draft:
    """A setting of one kernel makes no difference between two of its values."""
    k = kernel.name
    check = Check(
        estimator=paired(metric),
        metric=metric.name,
        system=k,
        versus=k,
        where=where(reading, (k,), {}, (name,)),
        at={name: low},
        versus_at={name: high},
        higher_is_better=metric.direction == "higher",
        two_one_sided=True,
        expect=_same(metric),
    )
    statement = (
        f"{k} has the same {words(metric.name)} at {words(name)} {number(low)} as at {number(high)}, "
        f"to within {effect_words(metric)}"
    )
    conditions = {n: v for n, v in cell(reading, k, {}).conditions.items() if n != name}
    return Draft(
        reading=reading,
        metric=metric,
        form="equivalence",
        title=f"Does {words(name)} matter to {k}",
        statement=f"The {words(name)} of {k} does not matter: {words(metric.name)} at {number(low)} and at "
        f"{number(high)} differs by less than {effect_words(metric)}",
        rationale=f"The question asks whether {words(name)} matters; that it does not is the simplest answer.",
        falsification=f"The interval of the paired effect lies wholly beyond {effect_words(metric)}.",
        systems=(k,),
        cells=tuple(cell(reading, k, {name: level}) for level in (low, high)),
        claims=(_claim(statement, metric, check, conditions),),
        varied=(name,),
    )


def _same(metric: Metric) -> Expectation:
    low, high = no_effect(metric)
    return Expectation(relation="inside", low=low, high=high)


def _claim(statement: str, metric: Metric, check: Check, conditions: dict[str, Value]) -> PlannedClaim:
    return claim(statement, "equivalence", effect_unit(metric), check, tolerance(metric), conditions)
