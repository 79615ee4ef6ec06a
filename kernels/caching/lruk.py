"""LRU-K: evict the item whose K-th last request lies farthest back (O'Neil, O'Neil & Weikum, SIGMOD 1993).

Items with fewer than K requests come first, the least recently used among them. Requests are remembered for ever
(the paper's retained information period is the whole trace) and none counts as correlated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Hits, Trace
from evidentia.kernels.caching.heap import rise, sink


@njit(cache=True)
def _simulate(trace: Trace, capacity: int, items: int, k: int) -> Hits:
    n = trace.size
    hits = np.zeros(n, np.uint8)
    times = np.full((items, k), -1, np.int64)  # the last k requests, in a ring
    newest = np.zeros(items, np.int64)
    heap = np.full(capacity, -1, np.int64)
    keys = np.zeros(capacity, np.int64)
    place = np.full(items, -1, np.int64)
    size = 0
    for t in range(n):
        x = trace[t]
        newest[x] = (newest[x] + 1) % k
        times[x, newest[x]] = t
        key = (times[x, (newest[x] + 1) % k] + 1) * (n + 1) + t  # by the k-th last request, then by the last
        if place[x] >= 0:
            hits[t] = 1
            sink(heap, keys, place, size, place[x], x, key)
        elif size < capacity:
            size += 1
            rise(heap, keys, place, size - 1, x, key)
        else:
            place[heap[0]] = -1
            sink(heap, keys, place, size, 0, x, key)
    return hits


def simulate(trace: Trace, capacity: int, items: int, k: int = 2) -> Hits:
    """Hits of LRU-K: ``int64 (requests,)`` to ``uint8 (requests,)``; with `k` = 1 it is LRU."""
    hits: Hits = _simulate(trace, capacity, items, k)
    return hits


def reference(trace: Sequence[int], capacity: int, k: int = 2) -> list[bool]:
    """The same by searching all cached items for the oldest (k-th last, last) request."""
    seen: dict[int, list[int]] = {}
    cached: set[int] = set()
    hits = []
    for t, x in enumerate(trace):
        hits.append(x in cached)
        if x not in cached and len(cached) == capacity:
            cached.remove(min(cached, key=lambda y: (seen[y][-k] if len(seen[y]) >= k else -1, seen[y][-1])))
        cached.add(x)
        seen.setdefault(x, []).append(t)
    return hits
