"""Estimators against scipy, against truth by simulation, and on rows that lack what they need."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evidentia.workspace.checks import decide, evaluate
from evidentia.workspace.estimators import ESTIMATORS, Estimate, MissingRowsError, estimate, interval
from evidentia.workspace.records import Check, Expectation, Row

samples = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


def check(estimator: str, **more: Any) -> Check:
    expect = more.pop("expect", Expectation(relation="above", low=0.0))
    return Check(estimator=estimator, metric="m", system=more.pop("system", "a"), expect=expect, **more)


def rows(values: dict[str, list[float]], **columns: Any) -> list[Row]:
    return [{"system": s, "seed": i, "m": v, **columns} for s, vs in values.items() for i, v in enumerate(vs)]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(values=samples, confidence=st.sampled_from([0.9, 0.95, 0.999]))
def test_the_interval_is_that_of_scipy(values: list[float], confidence: float) -> None:
    mean, low, high, sd = interval(values, confidence)
    assert mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-9)
    assert sd == pytest.approx(np.std(values, ddof=1), rel=1e-6, abs=1e-6)
    if sd and sd > 1e-9:
        expected = stats.t.interval(confidence, len(values) - 1, np.mean(values), stats.sem(values))
        assert (low, high) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_one_sample_says_nothing_of_its_spread() -> None:
    assert interval([3.0], 0.95) == (3.0, -math.inf, math.inf, None)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(a=st.lists(st.floats(1, 100), min_size=3, max_size=12), shift=st.floats(-5, 5))
def test_a_paired_difference_is_scipys_paired_t_interval(a: list[float], shift: float) -> None:
    b = [x + shift + 0.1 * ((i * 7) % 3) for i, x in enumerate(a)]
    found = estimate(check("paired_difference", versus="b"), rows({"a": a, "b": b}))
    ci = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert found.value == pytest.approx(np.mean(np.subtract(a, b)), abs=1e-9)
    assert (found.low, found.high) == pytest.approx((ci.low, ci.high), abs=1e-6)


def test_pairs_are_matched_by_seed_and_odd_ones_left_out() -> None:
    data: list[Row] = [
        {"system": "a", "seed": 1, "m": 5.0},
        {"system": "a", "seed": 2, "m": 6.0},
        {"system": "b", "seed": 2, "m": 1.0},
        {"system": "a", "seed": 3, "m": 7.0},
        {"system": "b", "seed": 3, "m": 2.0},
        {"system": "b", "seed": 9, "m": 99.0},
    ]
    found = estimate(check("paired_difference", versus="b"), data)
    assert (found.value, found.n) == (5.0, 2)


def test_a_ratio_is_the_geometric_mean_and_needs_positive_values() -> None:
    found = estimate(check("paired_ratio", versus="b"), rows({"a": [2.0, 8.0], "b": [1.0, 1.0]}))
    assert found.value == pytest.approx(4.0)
    with pytest.raises(MissingRowsError, match="positive"):
        estimate(check("paired_ratio", versus="b"), rows({"a": [2.0, 0.0], "b": [1.0, 1.0]}))


def swept(function: Any, levels: tuple[float, ...], seeds: int = 5, system: str = "a") -> list[Row]:
    return [{"system": system, "seed": s, "p": p, "m": function(p, s)} for s in range(seeds) for p in levels]


LEVELS = (1.0, 2.0, 4.0, 8.0)


@pytest.mark.parametrize("exponent", [-1.5, 0.5, 1.0, 2.0])
def test_a_power_law_gives_back_its_exponent(exponent: float) -> None:
    found = estimate(
        check("power_exponent", parameter="p", levels=LEVELS), swept(lambda p, s: (s + 1) * p**exponent, LEVELS)
    )
    assert found.value == pytest.approx(exponent)


def test_an_exponential_law_gives_back_its_rate_in_doublings() -> None:
    found = estimate(
        check("exponential_rate", parameter="p", levels=LEVELS), swept(lambda p, s: (s + 1) * 2.0 ** (-p), LEVELS)
    )
    assert found.value == pytest.approx(-1.0)


def test_change_over_range_is_robust_to_one_wild_level() -> None:
    levels = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
    wild = swept(lambda p, s: 100.0 if p == 4.0 else p, levels)
    found = estimate(check("change_over_range", parameter="p", levels=levels), wild)
    assert found.value == pytest.approx(6.0, abs=0.5)
    slope = stats.theilslopes([100.0 if p == 4.0 else p for p in levels], levels).slope
    assert found.value == pytest.approx(slope * 6.0)


def crossing(where: float) -> list[Row]:
    return [
        *swept(lambda p, s: p + 0.01 * s, LEVELS, system="a"),
        *swept(lambda p, s: where + 0.005 * s, LEVELS, system="b"),
    ]


@pytest.mark.parametrize("where", [1.5, 3.0, 7.0])
def test_a_crossover_is_found_where_it_is(where: float) -> None:
    found = estimate(check("crossover", versus="b", parameter="p", levels=LEVELS), crossing(where))
    assert found.value == pytest.approx(where, abs=0.1)
    assert "b is higher before" in found.note


def test_curves_that_do_not_cross_refute_the_crossover() -> None:
    claim = check(
        "crossover", versus="b", parameter="p", levels=LEVELS, expect=Expectation(relation="inside", low=1.0, high=8.0)
    )
    found, status = evaluate(claim, crossing(100.0))
    assert found.value is None
    assert status == "refuted"
    noisy = [
        *swept(lambda p, s: (-1.0) ** s, LEVELS, system="a"),
        *swept(lambda p, s: 0.0, LEVELS, system="b"),
    ]
    assert evaluate(claim, noisy)[1] == "inconclusive"


def test_a_threshold_is_passed_where_it_is() -> None:
    claim = check("threshold_crossing", parameter="p", levels=LEVELS, limit=3.0, log_parameter=True)
    found = estimate(claim, swept(lambda p, s: p * (1 + 0.001 * s), LEVELS))
    assert found.value == pytest.approx(3.0, rel=0.01)


def test_an_interaction_is_the_difference_of_differences() -> None:
    data = [
        *rows({"a": [3.0, 4.0, 5.0], "b": [1.0, 2.0, 3.0]}, q=1),
        *rows({"a": [9.0, 10.0, 11.0], "b": [1.0, 2.0, 3.0]}, q=2),
    ]
    found = estimate(check("difference_of_differences", versus="b", moderator="q", moderator_levels=(1, 2)), data)
    assert found.value == 6.0
    ratio = estimate(check("ratio_of_ratios", versus="b", moderator="q", moderator_levels=(1, 1)), data)
    assert ratio.value == pytest.approx(1.0)


def test_regret_names_the_level_that_does_best() -> None:
    data = swept(lambda p, s: {1.0: 5.0, 2.0: 9.0, 4.0: 6.0, 8.0: 1.0}[p] + 0.01 * s, LEVELS)
    found = estimate(check("regret", parameter="p", levels=LEVELS, candidate=4.0), data)
    assert found.value == pytest.approx(3.0)
    assert found.note == "p=2.0 does best"
    lower = check("regret", parameter="p", levels=LEVELS, candidate=8.0, higher_is_better=False)
    assert (estimate(lower, data).value or 0) < 0


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_missing_rows_are_named(name: str) -> None:
    claim = check(
        name,
        versus="b",
        where={"q": 1},
        parameter="p",
        levels=(1, 2, 3),
        moderator="z",
        moderator_levels=(1, 2),
        candidate=1,
        limit=1.0,
    )
    with pytest.raises(MissingRowsError, match="no row has m for a at q=1"):
        estimate(claim, rows({"a": [1.0, 2.0]}, q=2))


RELATIONS = [
    (Expectation(relation="above", low=1.0), (1.1, 2.0), "supported"),
    (Expectation(relation="above", low=1.0), (0.5, 1.0), "refuted"),
    (Expectation(relation="above", low=1.0), (0.5, 1.5), "inconclusive"),
    (Expectation(relation="below", high=1.0), (0.0, 0.9), "supported"),
    (Expectation(relation="below", high=1.0), (1.0, 2.0), "refuted"),
    (Expectation(relation="inside", low=-1.0, high=1.0), (-0.5, 0.5), "supported"),
    (Expectation(relation="inside", low=-1.0, high=1.0), (1.1, 2.0), "refuted"),
    (Expectation(relation="inside", low=-1.0, high=1.0), (0.5, 2.0), "inconclusive"),
    (Expectation(relation="outside", low=-1.0, high=1.0), (1.5, 2.0), "supported"),
    (Expectation(relation="outside", low=-1.0, high=1.0), (-0.9, 0.9), "refuted"),
    (Expectation(relation="outside", low=-1.0, high=1.0), (0.0, 2.0), "inconclusive"),
    (Expectation(relation="precise", high=1.0), (3.0, 4.0), "supported"),
    (Expectation(relation="precise", high=1.0), (3.0, 9.0), "inconclusive"),
]


@pytest.mark.parametrize(("expect", "ends", "status"), RELATIONS)
def test_an_interval_decides_only_when_it_lies_wholly_on_one_side(
    expect: Expectation, ends: tuple[float, float], status: str
) -> None:
    assert decide(expect, Estimate(sum(ends) / 2, *ends, 5, 1.0)) == status


@pytest.mark.parametrize("truth", [0.0, 1.0])
def test_simulated_questions_are_rarely_decided_wrongly(truth: float) -> None:
    """400 questions with a known effect, three looks each with shared error: at most 5 % wrong decisions."""
    generator = np.random.default_rng(5)
    wrong = right = 0
    for _ in range(400):
        noise = generator.normal(truth, 1.0, 20)
        for n in (5, 10, 20):
            data = rows({"a": noise[:n].tolist(), "b": [0.0] * n})
            claim = check("paired_difference", versus="b", confidence=1 - 0.05 / 3)
            expected = claim.model_copy(update={"expect": Expectation(relation="above", low=0.5)})
            _, status = evaluate(expected, data)
            if status != "inconclusive":
                wrong += status == ("supported" if truth < 0.5 else "refuted")
                right += status == ("refuted" if truth < 0.5 else "supported")
                break
    assert wrong <= 0.05 * 400
    assert right > 50
