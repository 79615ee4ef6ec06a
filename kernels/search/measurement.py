"""Timing one search on sorted lists of integers."""

from __future__ import annotations

import gc
import math
import random
import time

from evidentia.kernels import registry, timing

_REPEATS = 9
_SECONDS = 0.002
_TOTAL_SECONDS = 0.1
_QUERIES = 256


def lookups(seed: int, n: int, hit_fraction: float) -> tuple[list[int], list[int]]:
    """A sorted list of `n` distinct even numbers and 256 numbers to look for; odd ones are not in it."""
    generator = random.Random(seed)
    values = sorted(generator.sample(range(0, 20 * n, 2), n))
    wanted = [generator.choice(values) + (generator.random() >= hit_fraction) for _ in range(_QUERIES)]
    return values, wanted


def measure(kernel: str, metrics: tuple[str, ...], *, seed: int, n: int, hit_fraction: float) -> dict[str, float]:
    """``time_per_lookup`` in ns, loop overhead included.

    With the collector off, rounds are doubled until one timing takes at least 2 ms, which also warms up; timings
    of that many rounds follow until they sum to about 0.1 s, nine at least. The result is their median on one core,
    without outliers (`evidentia.kernels.timing` has the rule).
    """
    find = registry.kernel("search", kernel).load()
    values, wanted = lookups(seed, n, hit_fraction)
    collecting = gc.isenabled()
    gc.disable()
    try:
        with timing.pinned():
            rounds = 1
            while (warm := _time(find, values, wanted, rounds)) < _SECONDS:
                rounds *= 2
            repeats = max(_REPEATS, math.ceil(_TOTAL_SECONDS / warm))
            seconds = timing.typical_of(lambda: _time(find, values, wanted, rounds), repeats)
    finally:
        if collecting:
            gc.enable()
    return {"time_per_lookup": 1e9 * seconds / (rounds * len(wanted))}


def _time(find: object, values: list[int], wanted: list[int], rounds: int) -> float:
    assert callable(find)
    start = time.perf_counter()
    for _ in range(rounds):
        for number in wanted:
            find(values, number)
    return time.perf_counter() - start
