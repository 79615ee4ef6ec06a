"""LFU in its two meanings: counts that survive eviction (perfect), and counts forgotten with it (in-cache).

Both admit every missed item and evict the cached item with the smallest count, the least recently used among
equals. Perfect and in-cache LFU are told apart by Breslau et al. (INFOCOM 1999), section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Hits, Trace
from evidentia.kernels.caching.heap import rise, sink


@njit(cache=True)
def _simulate(trace: Trace, capacity: int, items: int, remember: bool) -> Hits:
    n = trace.size
    hits = np.zeros(n, np.uint8)
    count = np.zeros(items, np.int64)
    heap = np.full(capacity, -1, np.int64)
    keys = np.zeros(capacity, np.int64)
    place = np.full(items, -1, np.int64)
    size = 0
    for t in range(n):
        x = trace[t]
        if place[x] >= 0:
            hits[t] = 1
            count[x] += 1
            sink(heap, keys, place, size, place[x], x, count[x] * n + t)
            continue
        count[x] = count[x] + 1 if remember else 1
        key = count[x] * n + t  # by count, then by last use
        if size < capacity:
            size += 1
            rise(heap, keys, place, size - 1, x, key)
        else:
            place[heap[0]] = -1
            sink(heap, keys, place, size, 0, x, key)
    return hits


def perfect(trace: Trace, capacity: int, items: int) -> Hits:
    """Hits of LFU whose counts survive eviction: ``int64 (requests,)`` to ``uint8 (requests,)``."""
    hits: Hits = _simulate(trace, capacity, items, True)
    return hits


def in_cache(trace: Trace, capacity: int, items: int) -> Hits:
    """Hits of LFU that forgets an item's count when it evicts it."""
    hits: Hits = _simulate(trace, capacity, items, False)
    return hits


def reference(trace: Sequence[int], capacity: int, *, remember: bool) -> list[bool]:
    """The same by searching all cached items for the smallest (count, last use)."""
    count: dict[int, int] = {}
    used: dict[int, int] = {}
    cached: set[int] = set()
    hits = []
    for t, x in enumerate(trace):
        hits.append(x in cached)
        if x not in cached and len(cached) == capacity:
            victim = min(cached, key=lambda y: (count[y], used[y]))
            cached.remove(victim)
            if not remember:
                del count[victim]
        cached.add(x)
        count[x] = count.get(x, 0) + 1
        used[x] = t
    return hits
