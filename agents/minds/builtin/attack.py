"""Trying to refute what was found: fresh seeds, and one condition changed that the claim does not name."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.agents.minds.builtin.design import LIMITS, render
from evidentia.agents.minds.protocol import Design
from evidentia.kernels import registry
from evidentia.workspace.canonical import sha256
from evidentia.workspace.records import Cell, Claim, Hypothesis, Value

FRESH_SEED = 900_000
SEEDS = 5


def plan(hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[Design, dict[str, Value]]:
    """One script for two attacks: the first headline claim's cells again, and with one condition changed.

    Returns the design and the changed condition (empty where none can be changed).
    """
    cells = _cells_of(hypothesis, next(c for c in claims if c.headline))
    changed = change(hypothesis)
    moved = tuple(moved_cell(hypothesis.family, c, changed) for c in cells) if changed else ()
    seeds = tuple(range(FRESH_SEED, FRESH_SEED + SEEDS))
    return render(hypothesis, seeds, (*cells, *moved), "falsify", LIMITS), changed


def _cells_of(hypothesis: Hypothesis, claim: Claim) -> tuple[Cell, ...]:
    """The registered cells that the claim's check reads."""
    where = claim.check.where
    return tuple(
        c
        for c in hypothesis.cells
        if c.system in (claim.check.system, claim.check.versus)
        and all(c.conditions.get(k, v) == v for k, v in where.items())
    )


def change(hypothesis: Hypothesis) -> dict[str, Value]:
    """A condition the hypothesis holds fixed, moved to a neighbouring level; which one depends on its hash."""
    candidates: list[dict[str, Value]] = []
    for parameter in registry.family(hypothesis.family).parameters:
        now = hypothesis.conditions.get(parameter.name)
        if parameter.name in hypothesis.varied or now is None:
            continue
        levels = [v for v in parameter.levels or parameter.choices if v != now]
        if levels:
            moved = {parameter.name: min(levels, key=lambda v: _distance(v, now))}
            cells = [moved_cell(hypothesis.family, c, moved) for c in hypothesis.cells]
            if all(name in m.conditions for c, m in zip(hypothesis.cells, cells, strict=True) for name in c.conditions):
                candidates.append(moved)
    if not candidates:
        return {}
    return candidates[int(sha256(hypothesis.id.encode())[:8], 16) % len(candidates)]


def _distance(a: Value, b: Value) -> float:
    return 0.0 if isinstance(a, str | bool) or isinstance(b, str | bool) else abs(float(a) - float(b))


def moved_cell(family: str, cell: Cell, changed: dict[str, Value]) -> Cell:
    """The cell under the changed condition, its other conditions completed anew."""
    known = registry.parameters(family, cell.system)
    kept = {k: v for k, v in cell.conditions.items() if k in known}
    return Cell(system=cell.system, conditions=registry.complete(family, cell.system, {**kept, **changed}))
