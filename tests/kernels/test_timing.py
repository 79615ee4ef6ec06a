"""The rule of timing against planted disturbances: sleeps, outliers of known size, cores."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from scipy.stats import binom

from evidentia.kernels import timing

pins = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no threads")


def planted(seed: int, share: float, *, worst: float = 10.0) -> Iterator[float]:
    """Timings of one second with 1 % normal noise, of which a `share` took two to `worst` times as long."""
    draw = random.Random(seed)
    while True:
        clean = draw.gauss(1.0, 0.01)
        yield clean * (draw.uniform(2.0, worst) if draw.random() < share else 1.0)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.2, 0.3])
def test_planted_outliers_move_the_result_less_than_the_noise(share: float) -> None:
    found = [timing.typical_of(planted(seed, share).__next__, 15) for seed in range(200)]
    # The standard error of a median of 15 with 1 % noise is 1.2533 / sqrt(15) %, 0.32 %: 200 of them err by 0.023 %.
    assert abs(statistics.median(found) - 1.0) < 0.002
    # Far off only where more than half of the repeats were disturbed; three standard errors of 200 draws.
    majority = float(binom.sf(7, 15, share))
    assert sum(f > 1.03 for f in found) / 200 <= majority + 3 * (majority * (1 - majority) / 200) ** 0.5


def test_leaving_outliers_out_beats_the_plain_median_and_the_mean() -> None:
    rule, median, mean = [], [], []
    for seed in range(200):
        rule.append(timing.typical_of(planted(seed, 0.3).__next__, 15) - 1.0)
        source = planted(seed, 0.3)
        plain = [next(source) for _ in range(15)]
        median.append(statistics.median(plain) - 1.0)
        mean.append(statistics.fmean(plain) - 1.0)
    assert abs(statistics.fmean(rule)) < abs(statistics.fmean(median)) < abs(statistics.fmean(mean))


def test_undisturbed_timings_are_all_kept() -> None:
    times = [1.00, 1.01, 0.99, 1.02, 0.98, 1.04, 1.0]
    source = iter(times)
    assert timing.typical_of(source.__next__, len(times)) == statistics.median(times)
    assert next(source, None) is None
    assert timing.typical(times) == statistics.median(times)


def test_a_quick_timing_is_no_outlier_and_a_slow_one_is() -> None:
    times = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 0.2, 3.0]
    assert 1.02 < timing.outlier_limit(times) < 3.0
    assert timing.typical(times) == statistics.median(times[:-1])


def test_equal_timings_of_a_coarse_clock_have_five_per_cent_of_room() -> None:
    assert timing.outlier_limit([1.0] * 7) == pytest.approx(1.05)


def test_outliers_are_taken_anew_but_not_for_ever() -> None:
    taken = 0

    def take() -> float:
        nonlocal taken
        taken += 1
        return 1.0 if taken % 3 else 100.0

    assert timing.typical_of(take, 9) == 1.0
    assert 9 < taken <= 18


def test_planted_sleeps_do_not_reach_the_result() -> None:
    calls = 0

    def run() -> None:
        nonlocal calls
        calls += 1
        began = time.perf_counter()
        while time.perf_counter() - began < 0.001:
            pass
        if calls in (1, 3, 4, 7):  # the one that warms up, and three of the seven
            time.sleep(0.05)

    assert 0.001 <= timing.median_seconds(run) < 0.01
    assert calls > 1 + timing.REPEATS


@pins
def test_a_thread_is_pinned_while_it_is_timed_and_free_afterwards() -> None:
    before = os.sched_getaffinity(0)
    seen: list[set[int]] = []
    timing.median_seconds(lambda: seen.append(os.sched_getaffinity(0)), 3)
    assert len({frozenset(s) for s in seen}) == 1
    assert len(seen[0]) == 1
    assert seen[0] <= before
    assert os.sched_getaffinity(0) == before
    with timing.pinned() as first:
        pass
    with timing.pinned() as second:
        pass
    assert first == second, "what is compared runs on one core"


@pins
def test_other_threads_keep_their_cores_and_an_error_undoes_the_pinning() -> None:
    before, inside, done = os.sched_getaffinity(0), threading.Event(), threading.Event()
    seen: list[set[int]] = []

    def other() -> None:
        inside.wait(10)
        seen.append(os.sched_getaffinity(0))
        done.set()

    thread = threading.Thread(target=other)
    thread.start()

    def fail() -> None:
        with timing.pinned():
            inside.set()
            assert done.wait(10)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    thread.join()
    assert seen == [before]
    assert os.sched_getaffinity(0) == before


def test_where_nothing_can_be_pinned_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refused, raising=False)
    monkeypatch.setattr(timing, "_cores", {})
    with timing.pinned() as core:
        assert core is None
    assert timing.median_seconds(lambda: None) >= 0.0
    assert capfd.readouterr().err == "timed on no fixed core: this system pins no threads\n"


@pins
def test_the_core_is_told_once() -> None:
    script = (
        "from evidentia.kernels import registry\n"
        "for n in (2, 8): registry.measure('search', 'binary-search', ['time_per_lookup'], seed=0, n=n)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    core = int(line.removeprefix("timed on core ").partition(",")[0])
    assert core in os.sched_getaffinity(0)
