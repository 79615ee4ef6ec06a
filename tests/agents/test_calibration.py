"""The code that decides real questions, on simulated ones: the benchmark's table, with few replications."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "calibration.py"
REPLICATIONS = 10
HONEST = ("normal", "heavy", "uneven", "correlated")
"""Noises under which t intervals are to hold; under the skewed one, the wider ones are."""


@pytest.fixture(scope="module")
def calibration() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("calibration", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibration"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["calibration"]


@pytest.fixture(scope="module")
def found(calibration: ModuleType) -> dict[tuple[str, str], Any]:
    kinds = [k for k in calibration.KINDS if "bootstrap" not in k and "wider" not in k]
    tallies: dict[tuple[str, str], Any] = calibration.tallies(REPLICATIONS, kinds)
    return tallies


def test_at_least_two_hundred_questions_are_asked(calibration: ModuleType) -> None:
    assert len(calibration.KINDS) * len(calibration.NOISES) * len(calibration.EFFECTS) >= 200


def test_few_verdicts_are_wrong(found: dict[tuple[str, str], Any]) -> None:
    wrong = [w for tally in found.values() for asked in tally.wrong.values() for w in asked]
    assert np.mean(wrong) <= 0.02
    for tally in found.values():
        assert np.mean([w for asked in tally.wrong.values() for w in asked]) <= 0.05 + 3 * (0.05 / 48) ** 0.5


def test_intervals_hold_the_truth_as_often_as_they_say(found: dict[tuple[str, str], Any]) -> None:
    t = [k for k in found if k[1] in HONEST and k[0].startswith(("improvement", "equi", "bound", "inter", "trend, p"))]
    held = [h for key in t for n in found[key].held for h in found[key].held[n]]
    assert len(held) > 2000
    assert 0.93 <= np.mean(held) <= 0.97
    for key, tally in found.items():
        if key[1] in HONEST and "per seed" not in key[0]:
            own = [h for n in tally.held for h in tally.held[n]]
            assert np.mean(own) > 0.85, key


def test_wider_intervals_hold_where_students_do_not(calibration: ModuleType, found: dict[tuple[str, str], Any]) -> None:
    wider, student = calibration.asked("bound, wider", "skewed", 40), found["bound", "skewed"]
    held = {n: (np.mean(wider.held[n]), np.mean(student.held[n])) for n in calibration.LOOKS}
    assert np.mean([ours for ours, _ in held.values()]) > 0.93
    assert np.mean([ours for ours, _ in held.values()]) > np.mean([theirs for _, theirs in held.values()])


def test_the_table_tells_the_worst_of_each_column(calibration: ModuleType) -> None:
    found = {(k, "normal"): calibration.asked(k, "normal", 4) for k in ("improvement", "crossover, inverted")}
    columns = list(zip(*(calibration.line(*k, t).split(" | ")[2:-1] for k, t in found.items()), strict=True))
    worst = calibration.worst_line(found).split(" | ")[2:-1]
    for at, (column, told) in enumerate(zip(columns, worst, strict=True)):
        assert float(told) == (max if at in calibration.WRONG else min)(float(v) for v in column)
    assert calibration.with_interval([True] * 19 + [False]) == "95.0 [76.4, 99.1]"  # by Wilson's formula, z = 1.96


def test_the_planner_is_judged_by_what_it_registers(calibration: ModuleType) -> None:
    planned = {(k, n) for k, kind in calibration.KINDS.items() for n in calibration.NOISES if kind.as_planned(n)}
    assert ("equivalence, two one-sided", "normal") in planned
    assert ("equivalence, two one-sided", "skewed") not in planned
    assert {("equivalence, wider", n) for n in calibration.NOISES} <= planned
    assert not {k for k, _ in planned if "bootstrap" in k or "per seed" in k}


def test_far_effects_are_decided_rightly_and_early(found: dict[tuple[str, str], Any]) -> None:
    far = [r for key, tally in found.items() if "4 claims" not in key[0] for r in tally.right["far"]]
    assert np.mean(far) > 0.95
