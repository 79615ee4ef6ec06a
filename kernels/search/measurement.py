"""Timing one search on sorted lists of integers."""

from __future__ import annotations

import gc
import random
import statistics
import time

from evidentia.kernels import registry

_REPEATS = 9
_SECONDS = 0.002
_QUERIES = 256


def lookups(seed: int, n: int, hit_fraction: float) -> tuple[list[int], list[int]]:
    """A sorted list of `n` distinct even numbers and 256 numbers to look for; odd ones are not in it."""
    generator = random.Random(seed)
    values = sorted(generator.sample(range(0, 20 * n, 2), n))
    wanted = [generator.choice(values) + (generator.random() >= hit_fraction) for _ in range(_QUERIES)]
    return values, wanted


def measure(kernel: str, metrics: tuple[str, ...], *, seed: int, n: int, hit_fraction: float) -> dict[str, float]:
    """``time_per_lookup`` in ns, loop overhead included.

    Nine timings of at least 2 ms each after a first one that sets the number of rounds; the collector is off;
    the median of the nine, so that up to four disturbed ones do not count.
    """
    find = registry.kernel("search", kernel).load()
    values, wanted = lookups(seed, n, hit_fraction)
    rounds = max(1, int(_SECONDS / max(_time(find, values, wanted, 1), 1e-7)))
    collecting = gc.isenabled()
    gc.disable()
    try:
        seconds = [_time(find, values, wanted, rounds) for _ in range(_REPEATS)]
    finally:
        if collecting:
            gc.enable()
    return {"time_per_lookup": 1e9 * statistics.median(seconds) / (rounds * len(wanted))}


def _time(find: object, values: list[int], wanted: list[int], rounds: int) -> float:
    assert callable(find)
    start = time.perf_counter()
    for _ in range(rounds):
        for number in wanted:
            find(values, number)
    return time.perf_counter() - start
