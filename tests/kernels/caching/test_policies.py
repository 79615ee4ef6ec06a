"""Cache policies against their slow references, independent oracles, and laws."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evidentia.kernels import registry
from evidentia.kernels.caching import arc, belady, clock, fifo, lfu, lru, s3fifo, sieve, wtinylfu
from evidentia.kernels.caching.arrays import Trace

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
    "belady": belady.reference,
}
NAMES = sorted(REFERENCES)
traces = st.lists(st.integers(0, 14), max_size=200)
skewed = st.lists(st.integers(0, 400).map(lambda v: int(v**0.5)), max_size=400)


def hits(name: str, trace: list[int] | Trace, capacity: int) -> list[bool]:
    """Hits of the simulator."""
    found = registry.kernel("caching", name).load()(np.asarray(trace, np.int64), capacity, 32)
    return [bool(h) for h in found]


def test_every_policy_of_the_registry_has_a_reference_here() -> None:
    assert sorted(k.name for k in registry.kernels("caching")) == NAMES


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(trace=st.one_of(traces, skewed), capacity=st.integers(1, 24))
@example(trace=[], capacity=1)
@example(trace=[0, 0, 0], capacity=1)
@example(trace=[0, 1] * 20, capacity=1)
def test_simulator_agrees_with_its_reference(name: str, trace: list[int], capacity: int) -> None:
    assert hits(name, trace, capacity) == REFERENCES[name](trace, capacity)


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5, 1.0])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(trace=skewed, capacity=st.integers(1, 24))
def test_queue_sizes_of_s3fifo_and_wtinylfu_agree_with_their_references(
    fraction: float, trace: list[int], capacity: int
) -> None:
    array = np.asarray(trace, np.int64)
    assert s3fifo.simulate(array, capacity, 32, fraction).tolist() == s3fifo.reference(trace, capacity, fraction)
    assert wtinylfu.simulate(array, capacity, 32, fraction).tolist() == wtinylfu.reference(trace, capacity, fraction)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(trace=traces, capacity=st.integers(1, 16))
def test_lru_is_that_of_the_standard_library(trace: list[int], capacity: int) -> None:
    cached = lru_cache(maxsize=capacity)(lambda item: item)
    expected = []
    for item in trace:
        before = cached.cache_info().hits
        cached(item)
        expected.append(cached.cache_info().hits > before)
    assert hits("lru", trace, capacity) == expected


@settings(max_examples=100, deadline=None, derandomize=True)
@given(trace=skewed, capacity=st.integers(1, 20))
def test_no_policy_beats_belady(trace: list[int], capacity: int) -> None:
    best = sum(hits("belady", trace, capacity))
    assert all(sum(hits(name, trace, capacity)) <= best for name in NAMES)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(trace=skewed, capacity=st.integers(1, 20))
def test_a_larger_lru_keeps_what_a_smaller_one_keeps(trace: list[int], capacity: int) -> None:
    small, large = hits("lru", trace, capacity), hits("lru", trace, capacity + 1)
    assert all(b or not a for a, b in zip(small, large, strict=True))


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("s3-fifo", "w-tinylfu", "arc")])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(trace=traces)
def test_a_cache_for_everything_misses_each_item_once(name: str, trace: list[int]) -> None:
    assert len(trace) - sum(hits(name, trace, 32)) == len(set(trace))


def test_perfect_lfu_remembers_what_in_cache_lfu_forgets() -> None:
    trace = [0, 0, 0, 1, 1, 2, 2, 2, 2, 0, 1]
    assert hits("lfu-perfect", trace, 1) != hits("lfu-in-cache", trace, 2)
    assert sum(hits("lfu-perfect", [0, 0, 1, 2, 0, 3, 0], 2)) >= sum(hits("lfu-in-cache", [0, 0, 1, 2, 0, 3, 0], 2))


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
