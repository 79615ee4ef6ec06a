"""A script with other seeds and conditions is the same script but for two lists."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.hub.mcp.variation import FixedCellsError, recelled, takes_conditions, takes_seeds
from evidentia.workspace.records import Cell
from tests.hub.mcp.conftest import CELLS, varied_script

VALUES = st.sampled_from([True, 0, 100, -3, 10**9, 0.5, 1e-7, 1e300, "zipf", "a'b", 'c"d', "héßλ缓", "\\n", ""])
CONDITIONS = st.dictionaries(st.sampled_from(["capacity", "exponent", "warm"]), VALUES, max_size=3)
TABLES = st.lists(st.tuples(st.sampled_from(["lru", "it's", "“arc”"]), CONDITIONS), min_size=1, max_size=4)


def held(script: str) -> Any:
    """The cells of a script as Python reads them."""
    assigned = {n.targets[0].id: n.value for n in ast.parse(script).body if isinstance(n, ast.Assign)}  # type: ignore[attr-defined]
    return ast.literal_eval(assigned["CELLS"])


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(TABLES, CONDITIONS)
def test_every_cell_gets_the_change_and_nothing_else_moves(table: list[Any], changes: dict[str, Any]) -> None:
    script = f"# élan\nBEFORE = [1, 2]\nCELLS = {table!r}  # the cells\nAFTER = 3\n"
    cells = [Cell(system=system, conditions=conditions) for system, conditions in table]
    changed = recelled(script, cells, changes)
    wanted = [(s, {k: changes.get(k, v) for k, v in c.items()}) for s, c in table]
    assert all(cell in wanted for cell in held(changed))
    assert all(cell in held(changed) for cell in wanted)
    assert changed.startswith("# élan\nBEFORE = [1, 2]\nCELLS = ")
    assert changed.endswith("  # the cells\nAFTER = 3\n")


def test_cells_that_become_equal_stand_once() -> None:
    table = [("lru", {"capacity": c}) for c in (10, 20, 30)]
    cells = [Cell(system=s, conditions=c) for s, c in table]
    assert held(recelled(f"CELLS = {table!r}\n", cells, {"capacity": 5})) == [("lru", {"capacity": 5})]


@pytest.mark.parametrize("script", ["CELLS = [", "CELLS = make()", "A = CELLS = []", "\x00"])
def test_a_script_without_such_a_list_is_refused(script: str) -> None:
    with pytest.raises(FixedCellsError):
        recelled(script, CELLS, {"capacity": 5})
    assert not takes_conditions(script, CELLS)


def test_a_planners_script_takes_both() -> None:
    script = varied_script((3, 4))
    assert takes_seeds(script, (3, 4))
    assert not takes_seeds(script, (3, 5))
    assert takes_conditions(script, CELLS)
