"""How two sides differ: settings, the first step at which they part, scripts line by line, and numbers on one scale."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from evidentia.graph.compare import ClaimPair
from evidentia.hub.app.sides import Side, settings
from evidentia.workspace.package.manifest import CellResult
from evidentia.workspace.quantities import figure, quantity
from evidentia.workspace.records import Claim, Value

AROUND, MOST_LINES = 3, 2_000
WIDTH = 300.0
"""Of a drawing of intervals, in units of its own."""


@dataclass(frozen=True)
class Row:
    """A line of two scripts beside one another: `kind` is same, changed, removed, added or skipped; the numbers count
    from 1, and a skipped row stands for `skipped` equal lines."""

    kind: str
    left: str = ""
    right: str = ""
    left_number: int = 0
    right_number: int = 0
    skipped: int = 0


def side_by_side(left: str, right: str) -> list[Row]:
    """Two texts line by line, equal stretches cut to `AROUND` lines beside a change; of each the first `MOST_LINES`."""
    a, b = left.splitlines()[:MOST_LINES], right.splitlines()[:MOST_LINES]
    found: list[Row] = []
    blocks = difflib.SequenceMatcher(None, a, b).get_opcodes()
    for place, (tag, a0, a1, b0, b1) in enumerate(blocks):
        if tag == "equal":
            before = AROUND if place else 0
            after = AROUND if place < len(blocks) - 1 else 0
            hidden = a1 - a0 - before - after
            for k in range(a1 - a0):
                if hidden > 1 and before <= k < before + hidden:
                    if k == before:
                        found.append(Row("skipped", skipped=hidden))
                    continue
                found.append(Row("same", a[a0 + k], b[b0 + k], a0 + k + 1, b0 + k + 1))
            continue
        for k in range(max(a1 - a0, b1 - b0)):
            has = (a0 + k < a1, b0 + k < b1)
            kind = "changed" if all(has) else "removed" if has[0] else "added"
            texts = (a[a0 + k] if has[0] else "", b[b0 + k] if has[1] else "")
            found.append(Row(kind, *texts, a0 + k + 1 if has[0] else 0, b0 + k + 1 if has[1] else 0))
    return found


class Number(NamedTuple):
    """A value with its interval (None: it has none), how it is said, and the verdict."""

    value: float | None
    low: float
    high: float
    told: str
    status: str


class Point(NamedTuple):
    """A number as it is drawn: its place and those of the ends of its interval; `x` is None where it has no value."""

    x: float | None
    low: float
    high: float
    told: str
    status: str


@dataclass(frozen=True)
class Measure:
    """One number of both sides, on one scale; `zero` is the place of zero where it is in sight."""

    label: str
    left: Point | None
    right: Point | None
    zero: float | None


class Scale:
    """Places of values on a drawing that shows all of `ends`."""

    def __init__(self, ends: Sequence[float]) -> None:
        low, high = min(ends, default=0.0), max(ends, default=1.0)
        room = (high - low or abs(high) or 1.0) * 0.06
        self.low, self.span = low - room, high - low + 2 * room

    def place(self, value: float) -> float:
        """Where a value lies, from 0 to `WIDTH`."""
        return round(WIDTH * (value - self.low) / self.span, 2)

    def point(self, number: Number | None) -> Point | None:
        """A number on this scale."""
        if number is None or number.value is None:
            return number and Point(None, 0.0, 0.0, number.told, number.status)
        x, low, high = (self.place(v) for v in (number.value, number.low, number.high))
        return Point(x, low, high, number.told, number.status)


Pair = tuple[str, str, Number | None, Number | None]
"""A label, a unit, and the number of either side."""


def measures(pairs: Sequence[Pair], *, shared: bool) -> list[Measure]:
    """Pairs as they are drawn: on one scale for each unit where `shared`, else each on its own."""
    ends: dict[str, list[float]] = {}
    for place, (_, unit, *both) in enumerate(pairs):
        seen = [v for n in both if n and n.value is not None for v in (n.low, n.high)]
        ends.setdefault(unit if shared else str(place), []).extend(seen)
    scales = {name: Scale(seen) for name, seen in ends.items()}
    found = []
    for place, (label, unit, left, right) in enumerate(pairs):
        scale = scales[unit if shared else str(place)]
        zero = scale.place(0.0)
        in_sight = 0 <= zero <= WIDTH and any(n and n.value is not None for n in (left, right))
        found.append(Measure(label, scale.point(left), scale.point(right), zero if in_sight else None))
    return found


def claim_measures(pairs: Iterable[ClaimPair], *, shared: bool) -> list[Measure]:
    """Claims with their intervals."""
    found: list[Pair] = []
    for pair in pairs:
        one = pair.left or pair.right
        assert one is not None
        found.append((pair.statement, one.unit, _of_claim(pair.left), _of_claim(pair.right)))
    return measures(found, shared=shared)


def cell_measures(left: Side, right: Side) -> list[Measure]:
    """The means of the cells that both packages measured, with their intervals over seeds."""
    theirs = {_cell(r.system, r.conditions): r for r in right.results}
    found: list[Pair] = []
    for one in left.results:
        other = theirs.get(_cell(one.system, one.conditions))
        if other is not None:
            label = f"{one.system}: {', '.join(f'{k} {v}' for k, v in one.conditions.items())}"
            found.append((label, "", _of_cell(one), _of_cell(other)))
    return measures(found, shared=True)


def _cell(system: str, conditions: dict[str, Value]) -> tuple[str, tuple[tuple[str, str], ...]]:
    return system, tuple(sorted((k, str(v)) for k, v in conditions.items()))


def _of_claim(claim: Claim | None) -> Number | None:
    return _number(claim.value, claim.ci, quantity(claim), claim.status) if claim else None


def _of_cell(cell: CellResult) -> Number:
    half = (cell.ci[1] - cell.ci[0]) / 2 if cell.ci else None
    ends = f" [{', '.join(figure(v, half) for v in cell.ci)}]" if cell.ci else ""
    return _number(cell.mean, cell.ci, f"{figure(cell.mean, half)}{ends}, n = {cell.n}", "")


def _number(value: float | None, ci: tuple[float, float] | None, told: str, status: str) -> Number:
    if value is None or not math.isfinite(value):
        return Number(None, 0.0, 0.0, told, status)
    low, high = ci if ci and all(map(math.isfinite, ci)) else (value, value)
    return Number(value, low, high, told, status)


def differing(left: Side, right: Side) -> tuple[list[tuple[str, str, str]], list[tuple[str, str]]]:
    """The settings that differ with both values, and those alike."""
    ours, theirs = settings(left), settings(right)
    names = dict.fromkeys((*ours, *theirs))
    differ = [(n, ours.get(n, "—"), theirs.get(n, "—")) for n in names if ours.get(n) != theirs.get(n)]
    return differ, [(n, ours[n]) for n in names if n in ours and ours[n] == theirs.get(n)]


def pair_claims(left: Sequence[Claim], right: Sequence[Claim]) -> list[ClaimPair]:
    """The claims of both by their statements: those whose verdicts differ, those alike, those of one side."""
    ours, theirs = ({c.statement: c for c in claims} for claims in (left, right))
    pairs = [ClaimPair(s, ours.get(s), theirs.get(s)) for s in dict.fromkeys((*ours, *theirs))]
    return sorted(pairs, key=lambda pair: (None in pair.statuses, pair.agrees))


def account(found: Side) -> list[tuple[str, str]]:
    """What was done to a branch, step by step: the name of the step and what came of it."""
    assert found.hypothesis is not None
    steps = [("hypothesis", found.hypothesis.statement)]
    for run in found.runs:
        seeds = run.evidence.seeds
        told = f"{len(seeds)} seeds, {seeds[0]} to {seeds[-1]}" if seeds else "no seeds"
        ended = "ended well" if run.evidence.ok else "failed"
        steps.append((f"{run.experiment.role}, look {run.experiment.look + 1}", f"{told}; it {ended}"))
    told_of = {True: "survived", False: "not survived", None: "undecided"}
    steps += [(f"attack: {attack.kind}", told_of[attack.survived]) for attack in found.attacks]
    steps += [(f"verdict on {claim.id}", f"{claim.status}: {claim.statement}") for claim in found.claims]
    return [*steps, ("outcome", found.outcome)]


def parting(left: Side, right: Side) -> tuple[int, tuple[str, str] | None, tuple[str, str] | None]:
    """How many steps are alike, and the first of each side that differs; None and None when all are alike."""
    common = 0
    for a, b in zip_longest(account(left), account(right)):
        if a != b:
            return common, a, b
        common += 1
    return common, None, None
