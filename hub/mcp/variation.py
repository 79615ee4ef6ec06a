"""A package's script with other seeds or other conditions: the same text but for two lists of literals."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from evidentia.hub.verification.scripts import FixedSeedsError, reseeded
from evidentia.workspace.canonical import canonical
from evidentia.workspace.records import Cell, Value


class FixedCellsError(ValueError):
    """The script cannot be given other conditions; the message says why."""


def takes_seeds(script: str, seeds: Sequence[int]) -> bool:
    """Whether the recorded seeds stand in the script as one list that can be replaced."""
    try:
        reseeded(script, seeds, seeds)
    except FixedSeedsError:
        return False
    return True


def takes_conditions(script: str, cells: Sequence[Cell]) -> bool:
    """Whether the recorded cells stand in the script as one list that can be replaced."""
    try:
        recelled(script, cells, {})
    except FixedCellsError:
        return False
    return True


def recelled(script: str, cells: Sequence[Cell], changes: Mapping[str, Value]) -> str:
    """The script with `changes` made to the conditions of all its cells; cells that become equal stand once.

    The cells must stand in it as one literal list of pairs ``(system, {condition: value})``. Raises FixedCellsError
    when they do not.
    """
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise FixedCellsError(f"it is not Python: {error}") from None
    wanted = [(cell.system, dict(cell.conditions)) for cell in cells]
    found = [node for node in ast.walk(tree) if isinstance(node, ast.List) and _literal(node) == wanted]
    if len(found) != 1:
        raise FixedCellsError("its cells do not stand in it as one list")
    node = found[0]
    changed: dict[bytes, tuple[str, dict[str, Value]]] = {}
    for system, conditions in wanted:
        cell = {name: changes.get(name, value) for name, value in conditions.items()}
        changed.setdefault(canonical([system, cell]), (system, cell))
    lines = script.encode().splitlines(keepends=True)
    assert node.end_lineno is not None
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + repr(list(changed.values())).encode() + after).decode()


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
