"""Random replacement: evict any cached item, all alike; what every policy should beat on a skewed stream.

The victims are drawn by a generator of their own with a fixed seed (xorshift64*, Vigna 2016, arXiv:1402.6246), so
that a trace always gives the same hits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Hits, Trace

SEED = 0x9E3779B97F4A7C15
_MULTIPLIER = 0x2545F4914F6CDD1D
_MASK = 2**64 - 1


@njit(cache=True)
def simulate(trace: Trace, capacity: int, items: int) -> Hits:
    """Hits of random replacement: ``int64 (requests,)`` to ``uint8 (requests,)``."""
    hits = np.zeros(trace.size, np.uint8)
    cache = np.full(capacity, -1, np.int64)
    cached = np.zeros(items, np.bool_)
    size = 0
    state = np.uint64(SEED)
    for t in range(trace.size):
        x = trace[t]
        if cached[x]:
            hits[t] = 1
            continue
        if size < capacity:
            place = np.int64(size)
            size += 1
        else:
            state ^= state >> np.uint64(12)
            state ^= state << np.uint64(25)
            state ^= state >> np.uint64(27)
            drawn = (state * np.uint64(_MULTIPLIER)) >> np.uint64(32)
            place = np.int64(drawn % np.uint64(capacity))
            cached[cache[place]] = False
        cache[place] = x
        cached[x] = True
    return hits


def reference(trace: Sequence[int], capacity: int) -> list[bool]:
    """The same with a list and Python's whole numbers."""
    cache: list[int] = []
    state = SEED
    hits = []
    for x in trace:
        hits.append(x in cache)
        if x in cache:
            continue
        if len(cache) < capacity:
            cache.append(x)
            continue
        state ^= state >> 12
        state ^= (state << 25) & _MASK
        state ^= state >> 27
        cache[((state * _MULTIPLIER & _MASK) >> 32) % capacity] = x
    return hits
