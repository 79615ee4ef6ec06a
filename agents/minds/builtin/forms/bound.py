"""Bound: does a kernel stay on the right side of a limit, or close to the optimum?"""

from __future__ import annotations

from collections.abc import Iterator

from evidentia.agents.minds.builtin.forms.drafting import Draft, cell, claim, effect_unit, tolerance, where
from evidentia.agents.minds.builtin.reading import Reading
from evidentia.agents.wording import number, told, words
from evidentia.kernels.registry import Kernel, Metric
from evidentia.workspace.records import Check, Expectation, Hypothesis

NEAR = 10
"""“Near the optimum” is within this many smallest effects of interest."""


def propose(reading: Reading) -> Iterator[Hypothesis]:
    """Where the family has an offline optimum: the first contender stays near it."""
    metric = reading.metrics[0]
    for optimal in reading.challengers:
        if "optimal" in optimal.tags and metric.effect == "difference":
            for kernel in reading.contenders[:1]:
                yield near(reading, metric, kernel, optimal).finish()


def near(reading: Reading, metric: Metric, kernel: Kernel, optimal: Kernel) -> Draft:
    """`kernel` stays within ten smallest effects of `optimal` in every cell of the grid."""
    a, b = optimal.name, kernel.name
    distance = NEAR * metric.smallest_effect
    claims = []
    grid = reading.grid()
    for at in grid:
        check = Check(
            estimator="paired_difference",
            metric=metric.name,
            system=a,
            versus=b,
            where=where(reading, (a, b), at, ()),
            higher_is_better=metric.direction == "higher",
            expect=Expectation(relation="below", high=distance)
            if metric.direction == "higher"
            else Expectation(relation="above", low=-distance),
        )
        place = f" at {told(at)}" if at else ""
        text = f"{b} comes within {number(distance)} {effect_unit(metric)} of {a} on {words(metric.name)}{place}"
        claims.append(
            claim(text, "bound", effect_unit(metric), check, tolerance(metric), cell(reading, a, at).conditions)
        )
    return Draft(
        reading=reading,
        metric=metric,
        form="bound",
        title=f"How near {b} comes to {a}",
        statement=f"{b} comes within {number(distance)} {effect_unit(metric)} of {a} on {words(metric.name)} in every "
        "cell tried",
        rationale=f"{a} is the best any policy can do; the distance to it says what is left to win.",
        falsification=f"In any cell the interval of the distance lies wholly beyond {number(distance)} "
        f"{effect_unit(metric)}.",
        systems=(a, b),
        cells=tuple(cell(reading, s, at) for at in grid for s in (a, b)),
        claims=tuple(claims),
        varied=tuple(grid[0]) if grid else (),
        weight=0.65,
    )
