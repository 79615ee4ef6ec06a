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
"""Noises under which t intervals are to hold; the skewed one is told of in the table."""


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
    kinds = [k for k in calibration.KINDS if "bootstrap" not in k]
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


def test_far_effects_are_decided_rightly_and_early(found: dict[tuple[str, str], Any]) -> None:
    far = [r for key, tally in found.items() if "4 claims" not in key[0] for r in tally.right["far"]]
    assert np.mean(far) > 0.95
