"""Curves of the answers: a metric against whatever a study moved over three levels or more, one line per system.

Nothing is chosen study by study: the curves follow from the cells that the packages hold. All points of a figure are
means over the same seeds, since two levels measured on other data would differ by the data as well.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from evidentia.hub.exports.paper.wording import conditions, words
from evidentia.hub.replications.reading import Answer
from evidentia.hub.verification.opened import open_package
from evidentia.kernels import registry
from evidentia.kernels.registry import Metric, Parameter
from evidentia.workspace.package.manifest import CELL_CONFIDENCE
from evidentia.workspace.records import Value

LEVELS, SEEDS = 3, 3
"""From how many levels of a condition on its curve is drawn, and over how many seeds in common at least."""
WIDE_RANGE = {"ratio": 6.0, "difference": 30.0}
"""From which ratio of the largest to the smallest mean on the axis is logarithmic, by how the metric is compared."""

Seeds = Mapping[int, float]
"""The values of a metric by seed."""


@dataclass(frozen=True)
class Point:
    """A mean over seeds at one level, with its 95 % interval; in the metric's unit."""

    level: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Curves:
    """A metric against one condition: the points of each line by its label, all over the same `n` seeds, and what held
    for all of them. On a logarithmic axis (`log`) means are geometric."""

    metric: Metric
    parameter: Parameter
    lines: Mapping[str, tuple[Point, ...]]
    held: Mapping[str, Value]
    n: int
    log: bool

    @property
    def caption(self) -> str:
        """What is seen, over how many seeds, and all that was held fixed."""
        held = f"; {conditions(self.held)}" if self.held else ""
        what = self.metric.purpose[:1].upper() + self.metric.purpose[1:]
        return f"{what}, against {words(self.parameter.name)}, n = {self.n}{held}"


@dataclass(frozen=True)
class _Cell:
    """One system under one set of conditions, with what each seed gave."""

    system: str
    conditions: Mapping[str, Value]
    seeds: Seeds


def curves(answer: Answer) -> list[Curves]:
    """The curves that the packages of a study hold, one figure for each metric and condition moved."""
    measured: dict[tuple[str, str], dict[str, _Cell]] = {}
    for part in answer.parts:
        hypothesis = part.manifest.branch.hypothesis
        known = measured.setdefault((hypothesis.family, hypothesis.metric), {})
        package = open_package(part.path)
        runs = zip(part.manifest.branch.runs, package.rows, strict=True)
        rows = [row for run, rows in runs if run.experiment.role == "measure" for row in rows]
        for cell in hypothesis.cells:
            of = [
                r for r in rows if r["system"] == cell.system and all(r.get(k) == v for k, v in cell.conditions.items())
            ]
            seeds = {int(r["seed"]): float(r[hypothesis.metric]) for r in of}
            key = f"{cell.system} {sorted(cell.conditions.items())}"
            if key not in known or len(known[key].seeds) < len(seeds):
                known[key] = _Cell(cell.system, cell.conditions, seeds)
    found: list[Curves] = []
    for (family, metric), cells in measured.items():
        try:
            card, parameters = registry.family(family).metric(metric), registry.parameters(family)
        except KeyError:
            continue  # a package of another library's version: its own figures still stand in it
        conditions_of_all = {p.name for p in registry.family(family).parameters}
        for parameter in parameters.values():
            if parameter.kind in ("int", "float"):
                made = _along(card, parameter, list(cells.values()), conditions_of_all)
                found += [made] if made else []
    return found


def _along(metric: Metric, parameter: Parameter, cells: Sequence[_Cell], own: set[str]) -> Curves | None:
    """The lines along one parameter under the family's conditions that have most points; None where there are none
    of enough levels."""
    groups: dict[str, list[_Cell]] = {}
    for cell in cells:
        if parameter.name in cell.conditions and len(cell.seeds) >= SEEDS:
            rest = {k: v for k, v in cell.conditions.items() if k in own and k != parameter.name}
            groups.setdefault(str(sorted(rest.items())), []).append(cell)
    found = [_lines(parameter.name, _matched(group)) for group in groups.values()]
    best = max(found, key=lambda lines: sum(map(len, lines.values())), default={})
    if not best:
        return None
    every = [cell for line in best.values() for cell in line]
    return _summarised(metric, parameter, best, _shared(every, parameter.name))


def _matched(cells: list[_Cell]) -> list[_Cell]:
    """The cells without those that have too few seeds in common with the others."""
    while cells:
        common = set.intersection(*(set(cell.seeds) for cell in cells))
        if len(common) >= SEEDS:
            return cells
        counts = Counter(seed for cell in cells for seed in cell.seeds)
        cells.remove(min(cells, key=lambda cell: max(counts[seed] for seed in cell.seeds)))
    return cells


def _lines(name: str, cells: Sequence[_Cell]) -> dict[str, list[_Cell]]:
    """The lines of enough levels by label: the system, with those of its settings that tell two lines of it apart."""
    lines: dict[tuple[str, str], list[_Cell]] = {}
    for cell in cells:
        rest = {k: v for k, v in cell.conditions.items() if k != name}
        lines.setdefault((cell.system, str(sorted(rest.items()))), []).append(cell)
    enough = [line for line in lines.values() if len(line) >= LEVELS]
    found = {}
    for line in enough:
        siblings = [other[0] for other in enough if other[0].system == line[0].system]
        shared = _shared(siblings, name)
        told = {k: v for k, v in line[0].conditions.items() if k not in shared and k != name}
        label = ", ".join(filter(None, (line[0].system, conditions(told))))
        found[label] = sorted(line, key=lambda cell: float(cell.conditions[name]))
    return found


def _shared(cells: Sequence[_Cell], but: str) -> dict[str, Value]:
    """The conditions that all cells which have them have alike."""
    values: dict[str, set[Value]] = {}
    for cell in cells:
        for name, value in cell.conditions.items():
            values.setdefault(name, set()).add(value)
    return {name: next(iter(found)) for name, found in values.items() if name != but and len(found) == 1}


def _summarised(
    metric: Metric, parameter: Parameter, lines: Mapping[str, Sequence[_Cell]], held: Mapping[str, Value]
) -> Curves:
    """Means with intervals within seeds: each seed's own mean is taken out first, and the spread widened for it
    (Cousineau, 2005; Morey, 2008). On the log scale where values span a `WIDE_RANGE`."""
    cells = [cell for line in lines.values() for cell in line]
    seeds = sorted(set.intersection(*(set(cell.seeds) for cell in cells)))
    values = np.array([[cell.seeds[seed] for seed in seeds] for cell in cells])
    means = values.mean(axis=1)
    log = bool((values > 0).all() and means.max() / means.min() > WIDE_RANGE[metric.effect])
    scaled = np.log(values) if log else values
    within = scaled - scaled.mean(axis=0) + scaled.mean()
    count = len(cells)
    spread = within.std(axis=1, ddof=1) * math.sqrt(count / (count - 1))
    half = float(stdtrit(len(seeds) - 1, 0.5 + CELL_CONFIDENCE / 2)) * spread / math.sqrt(len(seeds))
    ends = [scaled.mean(axis=1) + shift for shift in (0, -half, half)]
    mean, low, high = (np.exp(end) if log else end for end in ends)
    points = iter([*zip(mean, low, high, strict=True)])
    drawn = {
        label: tuple(Point(float(cell.conditions[parameter.name]), *map(float, next(points))) for cell in line)
        for label, line in lines.items()
    }
    return Curves(metric, parameter, drawn, held, len(seeds), log)
