"""Intervals other than Student's: what is inverted, resampled, or the largest of several, against scipy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from evidentia.workspace.checks import evaluate
from evidentia.workspace.estimators import estimate
from evidentia.workspace.estimators.intervals import interval, studentised, wider
from evidentia.workspace.records import Check, Expectation, Row

LEVELS = (1.0, 2.0, 4.0, 8.0)


def check(estimator: str, **more: Any) -> Check:
    expect = more.pop("expect", Expectation(relation="above", low=0.0))
    return Check(estimator=estimator, metric="m", system="a", expect=expect, **more)


def rows(values: list[float]) -> list[Row]:
    return [{"system": "a", "seed": i, "m": v} for i, v in enumerate(values)]


def swept(function: Any, levels: tuple[float, ...], seeds: int = 5, system: str = "a") -> list[Row]:
    return [{"system": system, "seed": s, "p": p, "m": float(function(p, s))} for s in range(seeds) for p in levels]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(values=st.lists(st.floats(-50, 50), min_size=4, max_size=9), seed=st.integers(0, 99))
def test_the_isotonic_change_is_that_of_scipys_regression_of_the_mean_curve(values: list[float], seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=(4, len(values)))
    levels = tuple(float(i) for i in range(len(values)))
    data = swept(lambda p, s: values[int(p)] + noise[s, int(p)], levels, seeds=4)
    fit = optimize.isotonic_regression(np.mean(np.asarray(values) + noise, axis=0)).x
    found = estimate(check("isotonic_change", parameter="p", levels=levels), data)
    assert found.value == pytest.approx(fit[-1] - fit[0], abs=1e-9)
    assert (found.low or 0) <= (found.value or 0) <= (found.high or 0)


def test_the_largest_fall_says_where_and_is_negative_for_what_rises() -> None:
    falls = {1.0: 5.0, 2.0: 8.0, 4.0: 3.0, 8.0: 6.0}
    found = estimate(check("largest_fall", parameter="p", levels=LEVELS), swept(lambda p, s: falls[p] + s, LEVELS))
    assert found.value == pytest.approx(5.0)
    assert found.note == "most from p=2.0 to 4.0"
    rising = estimate(check("fall_ratio", parameter="p", levels=LEVELS), swept(lambda p, s: p * (1 + s), LEVELS))
    assert rising.value == pytest.approx(0.5)


def test_the_best_level_is_kept_with_those_that_no_other_is_known_to_beat() -> None:
    generator = np.random.default_rng(3)
    noise = generator.normal(0, 0.5, (9, 8))
    data = swept(lambda p, s: {1.0: 2.0, 2.0: 9.0, 4.0: 9.2, 8.0: 1.0}[p] + noise[s, int(p) - 1], LEVELS, seeds=9)
    found = estimate(check("best_level", parameter="p", levels=LEVELS), data)
    means = {p: np.mean([r["m"] for r in data if r["p"] == p]) for p in LEVELS}
    assert found.value == max(means, key=lambda p: means[p])
    assert (found.low, found.high) == (2.0, 4.0)
    lower = check("best_level", parameter="p", levels=LEVELS, higher_is_better=False)
    assert estimate(lower, data).value == 8.0


def test_a_place_is_inverted_from_t_tests_along_the_curve() -> None:
    generator = np.random.default_rng(4)
    curve = np.array([-3.0, -1.0, 2.0, 4.0]) + generator.normal(0, 0.6, (7, 4))
    data = [
        *swept(lambda p, s: float(curve[s, LEVELS.index(p)]), LEVELS, seeds=7, system="a"),
        *swept(lambda p, s: 0.0, LEVELS, seeds=7, system="b"),
    ]
    claim = check("crossover", versus="b", parameter="p", levels=LEVELS, interval="inverted", confidence=0.9)
    found = estimate(claim, data)
    grid = np.linspace(1.0, 8.0, 70_001)
    at = np.stack([np.interp(grid, LEVELS, seed) for seed in curve])
    kept = grid[stats.ttest_1samp(at, 0.0).pvalue >= 0.1]
    assert (found.low, found.high) == pytest.approx((kept.min(), kept.max()), abs=2e-4)
    assert found.value == pytest.approx(grid[np.abs(at.mean(0)).argmin()], abs=2e-4)
    assert found.n == 7


def test_single_seeds_that_cross_twice_do_not_hide_where_the_mean_crosses() -> None:
    wild = {0: (-1, 1, -1, 1), 1: (-2, -2, 2, 2), 2: (-2, 1, -1, 2), 3: (-1, -2, 2, 1), 4: (-2, -1, 1, 2)}
    data = [
        *swept(lambda p, s: float(wild[s][LEVELS.index(p)]), LEVELS, system="a"),
        *swept(lambda p, s: 0.0, LEVELS, system="b"),
    ]
    claim = check("crossover", versus="b", parameter="p", levels=LEVELS)
    assert estimate(claim, data).value is None
    assert estimate(claim.model_copy(update={"interval": "inverted"}), data).value == 3.0


def test_only_the_lower_limit_of_a_regret_pays_for_the_number_of_rivals_when_inverted() -> None:
    noise = np.random.default_rng(6).normal(size=(8, 8))
    data = swept(lambda p, s: float(noise[s, int(p) - 1]), LEVELS, seeds=8)
    plain = check("regret", parameter="p", levels=LEVELS, candidate=4.0)
    old, new = estimate(plain, data), estimate(plain.model_copy(update={"interval": "inverted"}), data)
    gains = [noise[:, int(p) - 1] - noise[:, 3] for p in (1.0, 2.0, 8.0)]
    single = [stats.ttest_1samp(g, 0.0).confidence_interval(0.95).high for g in gains]
    corrected = [stats.ttest_1samp(g, 0.0).confidence_interval(1 - 0.05 / 3) for g in gains]
    assert new.high == pytest.approx(max(single))
    assert (old.low, old.high) == pytest.approx((max(c.low for c in corrected), max(c.high for c in corrected)))
    assert (new.value, new.low) == (old.value, old.low)


def test_the_bootstrap_interval_is_studentised_seeded_and_leans_with_the_samples() -> None:
    sample = np.random.default_rng(8).exponential(size=20)
    mean, low, high, sd = studentised(sample.tolist(), 0.95)
    again = studentised(sample.tolist(), 0.95)
    assert (mean, low, high, sd) == again
    assert high - mean > 1.2 * (mean - low)

    def t(x: Any, axis: int) -> Any:
        error = np.std(x, axis=axis, ddof=1) / np.sqrt(x.shape[axis])
        return (np.mean(x, axis=axis) - sample.mean()) / error

    drawn = stats.bootstrap((sample,), t, n_resamples=20_000, rng=np.random.default_rng(1), method="percentile")
    t_low, t_high = np.quantile(drawn.bootstrap_distribution, [0.025, 0.975])
    error = stats.sem(sample)
    assert (low, high) == pytest.approx((sample.mean() - t_high * error, sample.mean() - t_low * error), abs=0.1)


def test_too_few_seeds_for_a_bootstrap_of_high_confidence_decide_nothing() -> None:
    assert studentised([1.0, 2.0, 4.0], 0.999)[1:3] == (-math.inf, math.inf)
    assert studentised([2.0, 2.0, 2.0], 0.95)[:3] == (2.0, 2.0, 2.0)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(values=st.lists(st.floats(-3, 3), min_size=3, max_size=20), confidence=st.sampled_from([0.95, 0.99]))
def test_an_equivalence_is_supported_by_two_one_sided_tests(values: list[float], confidence: float) -> None:
    if np.std(values) < 1e-6:
        return
    expect = Expectation(relation="inside", low=-1.0, high=1.0)
    claim = check("mean", expect=expect, confidence=confidence, two_one_sided=True)
    found, status = evaluate(claim, rows(values))
    p = max(
        stats.ttest_1samp(values, -1.0, alternative="greater").pvalue,
        stats.ttest_1samp(values, 1.0, alternative="less").pvalue,
    )
    if abs(p - (1 - confidence)) > 1e-6:
        assert (status == "supported") == (p < 1 - confidence)
    two_sided, without = evaluate(claim.model_copy(update={"two_one_sided": False}), rows(values))
    assert (found.low, found.high) == (two_sided.low, two_sided.high), "the interval shown stays two-sided"
    assert (status == "refuted") == (without == "refuted")


def test_an_interaction_is_tested_as_the_analysis_of_variance_within_seeds_does() -> None:
    values = np.random.default_rng(9).normal(size=(6, 2, 2)) + np.array([[0.0, 1.0], [0.5, 3.0]])
    data: list[Row] = [
        {"system": s, "seed": n, "q": q, "m": float(values[n, i, j])}
        for n in range(6)
        for i, s in enumerate("ab")
        for j, q in enumerate((1, 2))
    ]
    found = estimate(check("difference_of_differences", versus="b", moderator="q", moderator_levels=(1, 2)), data)
    cells = values.mean(0)
    between = 6 * ((cells - cells.mean(0) - cells.mean(1, keepdims=True) + cells.mean()) ** 2).sum()
    effect = values - values.mean(1, keepdims=True) - values.mean(2, keepdims=True) + values.mean((1, 2), keepdims=True)
    within = ((effect - effect.mean(0)) ** 2).sum() / 5
    assert found.sd is not None
    t = (found.value or 0) / (found.sd / math.sqrt(6))
    assert t**2 == pytest.approx(between / within)


def test_new_fields_leave_old_checks_as_they_were_written() -> None:
    plain = check("regret", parameter="p", levels=LEVELS, candidate=4.0)
    assert not {"interval", "two_one_sided"} & plain.to_json().keys()
    later = plain.model_copy(update={"interval": "inverted"})
    assert Check.model_validate(later.to_json()) == later


@settings(max_examples=30, deadline=None, derandomize=True)
@given(values=st.lists(st.floats(-9, 9), min_size=4, max_size=12), confidence=st.sampled_from([0.9, 0.95, 0.99]))
def test_the_wider_interval_is_the_hull_of_both(values: list[float], confidence: float) -> None:
    both = [made(values, confidence)[1:3] for made in (interval, studentised)]
    assert wider(values, confidence)[1:3] == (min(low for low, _ in both), max(high for _, high in both))
    found = estimate(check("mean", confidence=confidence, interval="wider"), rows(values))
    assert (found.low, found.high) == wider(values, confidence)[1:3]
