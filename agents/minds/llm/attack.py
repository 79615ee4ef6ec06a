"""Attacking a claim: the model names the condition to change, the library's own script measures."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.agents.minds.builtin import attack as rules
from evidentia.agents.minds.builtin.design import LIMITS, render
from evidentia.agents.minds.llm.asking import NoAnswerError, ask
from evidentia.agents.minds.llm.line import Line
from evidentia.agents.minds.llm.names import Models
from evidentia.agents.minds.llm.reading import UnusableError, as_schema
from evidentia.agents.minds.llm.schemas import Move
from evidentia.agents.minds.protocol import Design
from evidentia.kernels import registry
from evidentia.kernels.registry import Parameter
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Claim, Hypothesis, Value

MOST_SEEDS = 20


def plan(
    line: Line, models: Models, hypothesis: Hypothesis, claims: Sequence[Claim]
) -> tuple[Design, dict[str, Value]]:
    """One script of the library for two attacks: all cells on as many fresh seeds as the last look has (at most 20),
    so that rows a model's script made up are found out; and the same with one condition changed."""
    changed = _change(line, models, hypothesis, claims)
    moved = tuple(rules.moved_cell(hypothesis.family, c, changed) for c in hypothesis.cells) if changed else ()
    count = min(MOST_SEEDS, max(rules.SEEDS, hypothesis.sample_plan.looks[-1]))
    seeds = tuple(range(rules.FRESH_SEED, rules.FRESH_SEED + count))
    return render(hypothesis, seeds, (*hypothesis.cells, *moved), "falsify", LIMITS), changed


def _change(line: Line, models: Models, hypothesis: Hypothesis, claims: Sequence[Claim]) -> dict[str, Value]:
    fixed = _fixed(hypothesis)
    if not fixed:
        return {}
    try:
        return ask(
            line,
            models,
            "falsification",
            lambda text: _move(text, hypothesis, {p.name: p for p, _ in fixed}),
            claims=claims,
            fixed=fixed,
            quantity=quantity,
        )
    except NoAnswerError:
        return rules.change(hypothesis)


def _fixed(hypothesis: Hypothesis) -> list[tuple[Parameter, Value]]:
    """The family's conditions that all cells share, with their values."""
    parameters = registry.family(hypothesis.family).parameters
    held = {n: v for n, v in hypothesis.conditions.items() if n not in hypothesis.varied}
    return [(p, held[p.name]) for p in parameters if p.name in held]


def _move(text: str, hypothesis: Hypothesis, fixed: dict[str, Parameter]) -> dict[str, Value]:
    move = as_schema(text, Move)
    if move.parameter not in fixed:
        raise UnusableError(f"parameter: must be one of {', '.join(fixed)}")
    try:
        value = fixed[move.parameter].check(move.value)
        moved = [rules.moved_cell(hypothesis.family, c, {move.parameter: value}) for c in hypothesis.cells]
    except ValueError as error:
        raise UnusableError(f"value: {error}") from None
    if value == hypothesis.conditions[move.parameter]:
        raise UnusableError(f"value: {move.parameter} is {value} already; change it")
    if any(c.conditions.keys() != m.conditions.keys() for c, m in zip(hypothesis.cells, moved, strict=True)):
        raise UnusableError(f"parameter: changing {move.parameter} takes other conditions away; choose another")
    return {move.parameter: value}
