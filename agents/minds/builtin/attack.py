"""Trying to refute what was found: the two tests likeliest to do so for their cost, in one script."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.agents.falsification.candidates import (
    FRESH_SEED,
    SEEDS,
    cells_of,
    moved_cell,
    on_claims,
    on_scope,
    other_seeds,
)
from evidentia.agents.minds.builtin.design import limits, render
from evidentia.agents.minds.protocol import Design
from evidentia.kernels import registry
from evidentia.workspace.records import Claim, Hypothesis, Value

__all__ = ["FRESH_SEED", "SEEDS", "change", "moved_cell", "plan"]


def plan(hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[Design, dict[str, Value]]:
    """One script for two attacks: the decided headline claim that is likeliest to fall for its cost, on seeds of
    another family; and the same with the one condition changed that is likeliest to turn it for its cost.

    Where the metric is timed, the cells are measured in the opposite order: an effect of the order is a confounder
    that no other seed shows. Returns the design and the changed condition (empty where none can be changed).
    """
    test = on_claims(hypothesis, claims)[0]
    target = next(c for c in claims if c.id == test.claim)
    cells = cells_of(hypothesis, target.check)
    changed = next((c.changed for c in on_scope(hypothesis, target.check, target)), {})
    moved = [moved_cell(hypothesis.family, c, changed) for c in cells] if changed else []
    wanted = (*cells, *(m for m in moved if m not in cells))
    if registry.family(hypothesis.family).metric(hypothesis.metric).timed:
        wanted = wanted[::-1]
    return render(hypothesis, other_seeds(hypothesis, test.seeds), wanted, "falsify", limits(hypothesis)), changed


def change(hypothesis: Hypothesis) -> dict[str, Value]:
    """The condition of the first claim that is likeliest to turn it for its cost; empty where none can be changed."""
    return next((c.changed for c in on_scope(hypothesis, hypothesis.claims[0].check)), {})
