"""The level of every look: against published tables, against simulation, and never below Bonferroni's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evidentia.workspace.sequential import constant_level, crossing_error, simultaneous

MANY = 2000
"""So many seeds a look that t is as good as normal."""
POCOCK = {(2, 0.05): 2.178, (3, 0.05): 2.289, (4, 0.05): 2.361, (5, 0.05): 2.413, (3, 0.01): 2.873, (5, 0.01): 2.986}
"""Jennison and Turnbull, Group sequential methods, 2000, table 2.1: the constant, by number of looks and error."""
OBRIEN_FLEMING = {2: 1.977, 3: 2.004, 4: 2.024, 5: 2.040}
"""The same, table 2.3: the critical value at look k of K is this times the root of K / k, for an error of 0.05."""


@pytest.mark.parametrize(("looks", "error"), sorted(POCOCK))
def test_with_many_seeds_the_level_is_pococks(looks: int, error: float) -> None:
    level = constant_level(error, tuple(MANY * (k + 1) for k in range(looks)))
    assert stats.norm.isf(level / 2) == pytest.approx(POCOCK[looks, error], abs=0.002)


@pytest.mark.parametrize("looks", sorted(OBRIEN_FLEMING))
def test_obrien_and_flemings_bounds_spend_the_error_they_should(looks: int) -> None:
    bounds = [OBRIEN_FLEMING[looks] * (looks / k) ** 0.5 for k in range(1, looks + 1)]
    levels = [2 * float(stats.norm.sf(b)) for b in bounds]
    assert crossing_error(levels, [MANY * k for k in range(1, looks + 1)]) == pytest.approx(0.05, abs=2e-4)


@pytest.mark.parametrize("looks", [(5, 10, 20), (3, 4, 9), (2, 3, 5, 8), (4, 5)])
def test_with_few_seeds_the_error_is_that_of_simulated_t_tests(looks: tuple[int, ...]) -> None:
    levels = [0.03, 0.02, 0.04, 0.01][: len(looks)]
    noise = np.random.default_rng(1).standard_normal((100_000, looks[-1]))
    crossed = np.zeros(len(noise), bool)
    for n, level in zip(looks, levels, strict=True):
        t = noise[:, :n].mean(1) / noise[:, :n].std(1, ddof=1) * n**0.5
        crossed |= np.abs(t) > stats.t.isf(level / 2, n - 1)
    assert crossing_error(levels, looks) == pytest.approx(crossed.mean(), abs=4 * (0.06 / len(noise)) ** 0.5 + 4e-4)


def test_a_published_constant_spends_too_much_with_five_seeds() -> None:
    normal = constant_level(0.05, (5 * MANY, 10 * MANY, 20 * MANY))
    assert crossing_error([normal] * 3, (5, 10, 20)) > 0.052
    assert crossing_error([constant_level(0.05, (5, 10, 20))] * 3, (5, 10, 20)) == pytest.approx(0.05, rel=1e-5)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    looks=st.lists(st.integers(2, 60), min_size=1, max_size=3, unique=True).map(sorted),
    claims=st.integers(1, 12),
    confidence=st.sampled_from([0.9, 0.95, 0.99]),
)
def test_no_look_is_stricter_than_bonferronis_nor_looser_than_a_single_one(
    looks: list[int], claims: int, confidence: float
) -> None:
    error = (1 - confidence) / claims
    level = 1 - simultaneous(confidence, looks, claims)
    assert error / len(looks) * (1 - 1e-9) <= level <= error * (1 + 1e-9)


@pytest.mark.parametrize(
    ("confidence", "looks", "claims"),
    [(1.0, (5,), 1), (0.95, (), 1), (0.95, (1, 5), 1), (0.95, (5, 5), 1), (0.9, (5,), 0)],
)
def test_a_plan_that_is_none_is_refused(confidence: float, looks: tuple[int, ...], claims: int) -> None:
    with pytest.raises(ValueError, match="plan"):
        simultaneous(confidence, looks, claims)
