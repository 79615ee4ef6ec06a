"""Which test would refute a claim most cheaply: candidates with their cost and their chance, the best ratio first.

Two are chosen. One is made on the claim's own conditions, with seeds of another family, and can take the claim back.
The other changes one condition that the claim does not cover, and says how far the claim reaches. Audits of the rows
and of the script cost nothing and are always made.

The chances are what was counted over 261 attacks recorded by earlier versions of the planner (docs/statistics.md), to
which the fresh seeds add what the claim's own interval predicts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from evidentia.kernels import registry
from evidentia.kernels.registry import Parameter
from evidentia.workspace.canonical import sha256
from evidentia.workspace.estimators import RATIO_ESTIMATORS
from evidentia.workspace.records import Cell, Check, Claim, Hypothesis, Value

FRESH_SEED = 900_000
"""Seeds from here on are the attacks'."""
LAST_SEED = 100_000_000
SEEDS = 5
COUNTS = (3, SEEDS, 10)
"""The numbers of seeds an attack may take: the least whose interval is likely to decide."""
RATES = {"seeds": 1 / 261, "choice": 7 / 41, "number": 3 / 214}
"""How often an attack gave the opposite verdict: on fresh seeds; with another choice; with another number."""
CLOSE = 3.0
"""How many times likelier, where the claim is decided by less than the smallest effect of interest."""


@dataclass(frozen=True)
class Candidate:
    """A test of one claim: what it changes, how many seeds it takes, what it costs, how likely it refutes.

    `cost` is in measurements of one of the claim's cells; `chance` is the probability of the opposite verdict.
    """

    claim: str
    what: str
    seeds: int
    cost: float
    chance: float
    changed: dict[str, Value] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """The chance to refute per measurement."""
        return self.chance / self.cost


def on_claims(hypothesis: Hypothesis, claims: Sequence[Claim]) -> list[Candidate]:
    """Every decided headline claim on seeds of another family, the best ratio first."""
    found = []
    for claim in claims:
        if claim.headline and claim.status != "inconclusive":
            seeds = _enough(claim)
            cost = float(seeds * max(len(cells_of(hypothesis, claim.check)), 1))
            found.append(Candidate(claim.id, "seeds of another family", seeds, cost, _predicted(claim, seeds)))
    return sorted(found, key=lambda c: (-c.ratio, c.claim))


def on_scope(hypothesis: Hypothesis, check: Check, claim: Claim | None = None) -> list[Candidate]:
    """A claim with one condition changed that it does not cover, the best ratio first; from its check alone, or from
    what was decided by it.

    Of equal ones the hypothesis's hash decides, so that not every hypothesis tries the same.
    """
    cells, seeds = cells_of(hypothesis, check), _enough(claim) if claim else SEEDS
    distance = _distance(claim) if claim else None
    near = CLOSE if distance is not None and distance < _smallest(hypothesis, check) else 1.0
    found = []
    for parameter, now, value in _moves(hypothesis, cells):
        changed = {parameter.name: value}
        moved = [moved_cell(hypothesis.family, c, changed) for c in cells]
        if any(name not in m.conditions for c, m in zip(cells, moved, strict=True) for name in c.conditions):
            continue
        rate = RATES["choice" if isinstance(value, str | bool) else "number"]
        cost = seeds * len(set(map(repr, moved)) - set(map(repr, cells))) * _larger(now, value)
        if cost:
            what = _kind(hypothesis, parameter, value)
            found.append(Candidate(claim.id if claim else "", what, seeds, cost, min(near * rate, 0.5), changed))
    digest = {repr(c.changed): sha256(f"{hypothesis.id} {c.changed}".encode()) for c in found}
    return sorted(found, key=lambda c: (-c.ratio, digest[repr(c.changed)]))


def cells_of(hypothesis: Hypothesis, check: Check) -> tuple[Cell, ...]:
    """The registered cells that a check reads; all of them where its columns name none."""
    found = tuple(
        c
        for c in hypothesis.cells
        if c.system in (check.system, check.versus) and all(c.conditions.get(k, v) == v for k, v in check.where.items())
    )
    return found or hypothesis.cells


def moved_cell(family: str, cell: Cell, changed: dict[str, Value]) -> Cell:
    """The cell under the changed condition, its other conditions completed anew."""
    known = registry.parameters(family, cell.system)
    kept = {k: v for k, v in {**cell.conditions, **changed}.items() if k in known}
    return Cell(system=cell.system, conditions=registry.complete(family, cell.system, kept))


def other_seeds(hypothesis: Hypothesis, count: int) -> tuple[int, ...]:
    """Seeds that no hypothesis uses, far apart and of this hypothesis's own, so that neighbouring seeds are not one
    family's accident."""
    drawn = random.Random(hypothesis.id).sample(range(FRESH_SEED, LAST_SEED), count)
    return tuple(sorted(drawn))


def _moves(hypothesis: Hypothesis, cells: Sequence[Cell]) -> Iterator[tuple[Parameter, Value, Value]]:
    """Every condition the hypothesis holds fixed, and every own setting of a system, at its other levels: the
    neighbour of a number and the ends of its range, every other choice."""
    known: dict[str, Parameter] = {}
    for c in cells:
        known |= registry.parameters(hypothesis.family, c.system)
    for name, parameter in known.items():
        held = {c.conditions[name] for c in cells if name in c.conditions}
        if name in hypothesis.varied or len(held) != 1:
            continue
        now = next(iter(held))
        levels = [v for v in parameter.levels or parameter.choices if v != now]
        if levels and not isinstance(now, str | bool):
            numbers = sorted((v for v in levels if not isinstance(v, str)), key=float)
            nearest = min(numbers, key=lambda v: abs(float(v) - float(now)), default=None)
            levels = list(dict.fromkeys(v for v in (nearest, *numbers[:1], *numbers[-1:]) if v is not None))
        for value in levels:
            yield parameter, now, value


def _kind(hypothesis: Hypothesis, parameter: Parameter, value: Value) -> str:
    if parameter.name not in hypothesis.conditions:
        return "a confounder: a setting that only one of the systems has"
    if isinstance(value, str | bool) or len(parameter.levels) < 2:
        return "another choice of a fixed condition"
    numbers = [v for v in parameter.levels if not isinstance(v, str)]
    return "the end of a condition's range" if value in (min(numbers), max(numbers)) else "a neighbouring condition"


def _larger(now: Value, value: Value) -> float:
    """How many times more a cell costs there: in proportion to a number, where it grows."""
    if isinstance(now, str | bool) or isinstance(value, str | bool) or float(now) <= 0:
        return 1.0
    return max(1.0, float(value) / float(now))


def _distance(claim: Claim) -> float | None:
    """How far the value lies from the nearest line that decides the claim, on the scale of its interval."""
    lines = [v for v in (claim.check.expect.low, claim.check.expect.high) if v is not None]
    if claim.value is None or not lines:
        return None
    if claim.check.estimator in RATIO_ESTIMATORS:
        found = [abs(math.log(claim.value / v)) for v in lines if v > 0 and claim.value > 0]
        return min(found, default=None)
    return min(abs(claim.value - v) for v in lines)


def _smallest(hypothesis: Hypothesis, check: Check) -> float:
    if check.estimator in RATIO_ESTIMATORS and hypothesis.smallest_effect > 1:
        return math.log(hypothesis.smallest_effect)
    return hypothesis.smallest_effect


def _half_width(claim: Claim, seeds: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(seeds - 1, 0.975)) * (claim.sd or 0.0) / math.sqrt(seeds)


def _enough(claim: Claim) -> int:
    """The least number of seeds whose 95 % interval, were the claim true, would not reach half-way to the line. Three
    have too few resamples for an interval that is made of them."""
    distance = _distance(claim)
    if distance is None or claim.sd is None:
        return SEEDS
    counts = [n for n in COUNTS if n >= SEEDS or claim.check.interval in ("student", "inverted")]
    return next((n for n in counts if _half_width(claim, n) <= distance / 2), counts[-1])


def _predicted(claim: Claim, seeds: int) -> float:
    """The chance that so many other seeds put their whole interval beyond the line, by the prediction of their mean
    from the claim's, and in case the seeds were not what they seemed."""
    distance = _distance(claim)
    if distance is None or not claim.sd or claim.n < 2:
        return RATES["seeds"]
    from scipy.special import stdtr

    spread = claim.sd * math.sqrt(1 / claim.n + 1 / seeds)
    return RATES["seeds"] + float(stdtr(claim.n - 1, -(distance + _half_width(claim, seeds)) / spread))
