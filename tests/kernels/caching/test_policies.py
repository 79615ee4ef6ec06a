"""Cache policies against their slow references, independent oracles and published figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evidentia.kernels import registry
from evidentia.kernels.caching import (
    arc,
    belady,
    bloom,
    clock,
    fifo,
    lfu,
    lfuda,
    lirs,
    lru,
    lruk,
    mru,
    probabilistic,
    random,
    s3fifo,
    sieve,
    slru,
    static,
    tinylfu,
    twoq,
    wtinylfu,
)
from evidentia.kernels.caching.arrays import Trace
from evidentia.kernels.caching.workloads import uniform, zipf

REFERENCES: dict[str, Callable[..., list[bool]]] = {
    "lru": lru.reference,
    "fifo": fifo.reference,
    "clock": clock.reference,
    "sieve": sieve.reference,
    "lfu-perfect": partial(lfu.reference, remember=True),
    "lfu-in-cache": partial(lfu.reference, remember=False),
    "s3-fifo": s3fifo.reference,
    "arc": arc.reference,
    "w-tinylfu": wtinylfu.reference,
    "mru": mru.reference,
    "random": random.reference,
    "slru": slru.reference,
    "2q": twoq.reference,
    "lru-k": lruk.reference,
    "lfu-aging": lfuda.reference,
    "lirs": lirs.reference,
    "lru-tinylfu": tinylfu.reference,
    "lru-bloom": bloom.reference,
    "lru-probabilistic": probabilistic.reference,
    "belady": partial(belady.reference, may_bypass=False),
    "belady-bypass": partial(belady.reference, may_bypass=True),
    "static-optimal": static.reference,
}
NAMES = sorted(REFERENCES)


def zipf_list(seed: int, items: int, requests: int, exponent: float) -> list[int]:
    drawn: list[int] = zipf(seed, items, requests, exponent).tolist()
    return drawn


# Drawn by seed and length, since Hypothesis's own lists are mostly too short to fill a cache.
seeds = st.integers(0, 2**32 - 1)
traces = st.builds(zipf_list, seeds, st.integers(1, 15), st.integers(0, 300), st.just(0.0))
skewed = st.builds(zipf_list, seeds, st.just(32), st.integers(0, 400), st.sampled_from([0.5, 1.0, 1.5]))


def hits(name: str, trace: list[int] | Trace, capacity: int) -> list[bool]:
    """Hits of the simulator."""
    found = registry.kernel("caching", name).load()(np.asarray(trace, np.int64), capacity, 32)
    return [bool(h) for h in found]


def test_every_policy_of_the_registry_has_a_reference_here() -> None:
    assert sorted(k.name for k in registry.kernels("caching")) == NAMES


@settings(max_examples=40, deadline=None, derandomize=True)
@given(trace=st.one_of(traces, skewed), capacity=st.integers(1, 24))
def test_a_general_name_is_each_of_its_meanings(trace: list[int], capacity: int) -> None:
    drawn = np.asarray(trace, np.int64)
    for card in registry.kernels("caching"):
        if card.meaning:
            general = registry.kernel("caching", card.meaning.general)
            assert general.general
            assert general not in registry.kernels("caching")
            meant = {card.meaning.parameter: card.meaning.value}
            assert general.load()(drawn, capacity, 32, **meant).tolist() == hits(card.name, trace, capacity)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=80, deadline=None, derandomize=True)
@given(trace=st.one_of(traces, skewed), capacity=st.integers(1, 24))
@example(trace=[], capacity=1)
@example(trace=[0, 0, 0], capacity=1)
@example(trace=[0, 1] * 20, capacity=1)
def test_simulator_agrees_with_its_reference(name: str, trace: list[int], capacity: int) -> None:
    assert hits(name, trace, capacity) == REFERENCES[name](trace, capacity)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("capacity", [2, 3, 4, 7, 20])
def test_simulator_agrees_with_its_reference_on_long_traces(name: str, capacity: int) -> None:
    """Long enough for rare branches, such as ARC's tie between list and target."""
    for trace in (uniform(0, 15, 4_000), zipf(0, 60, 4_000, 0.8)):
        found = registry.kernel("caching", name).load()(trace, capacity, 60)
        assert found.tolist() == REFERENCES[name](trace.tolist(), capacity)


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5, 1.0])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(trace=skewed, capacity=st.integers(1, 24))
def test_queue_sizes_of_s3fifo_and_wtinylfu_agree_with_their_references(
    fraction: float, trace: list[int], capacity: int
) -> None:
    array = np.asarray(trace, np.int64)
    assert s3fifo.simulate(array, capacity, 32, fraction).tolist() == s3fifo.reference(trace, capacity, fraction)
    assert wtinylfu.simulate(array, capacity, 32, fraction).tolist() == wtinylfu.reference(trace, capacity, fraction)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(trace=traces, capacity=st.integers(1, 16))
def test_lru_is_that_of_the_standard_library(trace: list[int], capacity: int) -> None:
    cached = lru_cache(maxsize=capacity)(lambda item: item)
    expected = []
    for item in trace:
        before = cached.cache_info().hits
        cached(item)
        expected.append(cached.cache_info().hits > before)
    assert hits("lru", trace, capacity) == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(trace=skewed, capacity=st.integers(1, 20))
def test_degenerate_settings_give_known_policies(trace: list[int], capacity: int) -> None:
    array = np.asarray(trace, np.int64)
    plain = lru.reference(trace, capacity)
    assert lruk.simulate(array, capacity, 32, 1).tolist() == plain
    assert slru.simulate(array, capacity, 32, 0.0).tolist() == plain
    assert twoq.simulate(array, capacity, 32, 1.0, 0.0).tolist() == fifo.reference(trace, capacity)


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5, 1.0])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(trace=skewed, capacity=st.integers(1, 24))
def test_shares_of_slru_2q_and_lirs_agree_with_their_references(
    fraction: float, trace: list[int], capacity: int
) -> None:
    array = np.asarray(trace, np.int64)
    assert slru.simulate(array, capacity, 32, fraction).tolist() == slru.reference(trace, capacity, fraction)
    assert lirs.simulate(array, capacity, 32, fraction).tolist() == lirs.reference(trace, capacity, fraction)
    for ghosts in (0.0, 0.5, 2.0):
        expected = twoq.reference(trace, capacity, fraction, ghosts)
        assert twoq.simulate(array, capacity, 32, fraction, ghosts).tolist() == expected


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(trace=skewed, capacity=st.integers(1, 24))
def test_lru_k_agrees_with_its_reference_for_every_k(k: int, trace: list[int], capacity: int) -> None:
    assert lruk.simulate(np.asarray(trace, np.int64), capacity, 32, k).tolist() == lruk.reference(trace, capacity, k)


def test_mru_holds_a_loop_that_does_not_fit() -> None:
    # Of ten items in a loop, nine places keep eight from round to round; LRU keeps none.
    trace = list(range(10)) * 20
    assert sum(hits("lru", trace, 9)) == 0
    assert sum(hits("mru", trace, 9)) >= 0.85 * 190


def test_aging_lets_old_favourites_go() -> None:
    trace = [0] * 50 + [1, 2] * 50
    assert sum(hits("lfu-in-cache", trace, 2)[50:]) == 0
    assert sum(hits("lfu-aging", trace, 2)[50:]) > 0


def test_perfect_lfu_remembers_what_in_cache_lfu_forgets() -> None:
    a, b, c = 0, 1, 2
    # c evicts a, which comes back: with its old count it outlives b, with a new one it does not.
    trace = [a, a, b, b, b, c, a, a, c, b]
    assert hits("lfu-perfect", trace, 2) == [bool(h) for h in (0, 1, 0, 1, 1, 0, 0, 1, 0, 0)]
    assert hits("lfu-in-cache", trace, 2) == [bool(h) for h in (0, 1, 0, 1, 1, 0, 0, 1, 0, 1)]


@pytest.mark.parametrize("name", ["lfu-perfect", "lfu-in-cache"])
def test_lfu_evicts_the_least_recent_of_equals(name: str) -> None:
    assert hits(name, [0, 1, 2, 1], 2)[-1]
    assert not hits(name, [0, 1, 2, 0], 2)[-1]


def test_s3fifo_puts_what_comes_back_into_the_main_queue() -> None:
    # Ten places, one of them small: 0 leaves for the ghost, comes back, and nine newcomers pass it by.
    trace = [*range(10), 10, 0, *range(11, 20), 0]
    assert hits("s3-fifo", trace, 10)[-1]
    assert not hits("s3-fifo", [*trace[:11], *trace[12:]], 10)[-1]


@pytest.mark.parametrize(("name", "kept"), [("sieve", True), ("clock", True), ("fifo", False)])
def test_sieve_and_clock_keep_the_oldest_item_if_it_was_used(name: str, kept: bool) -> None:
    assert hits(name, [0, 1, 0, 2, 0], 2)[-1] is kept


def test_policies_made_for_scans_lie_between_lru_and_the_optimum() -> None:
    cell: dict[str, Any] = {"workload": "scan", "capacity": 300, "requests": 50_000}
    rate = {n: registry.measure("caching", n, ["hit_rate"], seed=0, **cell)["hit_rate"] for n in NAMES}
    for resistant in ("s3-fifo", "sieve", "arc", "w-tinylfu", "lfu-perfect"):
        assert rate["belady"] > rate[resistant] > rate["lru"] > rate["fifo"]


PUBLISHED = [
    ("lfu-perfect", 100, 0, 11.8, 0.2),
    ("lfu-perfect", 1000, 20_000, 5.8, 0.2),
    ("lfu-in-cache", 100, 0, 9.5, 0.5),
    ("lfu-in-cache", 1000, 20_000, 4.4, 0.3),
]


@pytest.mark.parametrize(("name", "capacity", "warmup", "gap", "tolerance"), PUBLISHED)
def test_published_gap_of_lfu_over_lru(name: str, capacity: int, warmup: int, gap: float, tolerance: float) -> None:
    found = []
    for seed in range(5):
        rate = {
            n: registry.measure("caching", n, ["hit_rate"], seed=seed, capacity=capacity, warmup=warmup)["hit_rate"]
            for n in (name, "lru")
        }
        found.append(rate[name] - rate["lru"])
    assert np.mean(found) == pytest.approx(gap, abs=tolerance)
