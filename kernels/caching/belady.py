"""Belady's MIN: evict the item whose next use lies farthest ahead; the offline optimum (Belady 1966).

Every missed item is admitted, as for the online policies here. Items that are never requested again tie, which
does not change the hits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Hits, Trace
from evidentia.kernels.caching.heap import rise, sink


@njit(cache=True)
def simulate(trace: Trace, capacity: int, items: int) -> Hits:
    """Hits of MIN: ``int64 (requests,)`` to ``uint8 (requests,)``."""
    n = trace.size
    hits = np.zeros(n, np.uint8)
    next_use = np.empty(n, np.int64)
    upcoming = np.full(items, n, np.int64)
    for t in range(n - 1, -1, -1):
        next_use[t] = upcoming[trace[t]]
        upcoming[trace[t]] = t
    heap = np.full(capacity, -1, np.int64)
    keys = np.zeros(capacity, np.int64)
    place = np.full(items, -1, np.int64)
    size = 0
    for t in range(n):
        x = trace[t]
        key = -next_use[t]
        if place[x] >= 0:
            hits[t] = 1
            rise(heap, keys, place, place[x], x, key)
        elif size < capacity:
            size += 1
            rise(heap, keys, place, size - 1, x, key)
        else:
            place[heap[0]] = -1
            sink(heap, keys, place, size, 0, x, key)
    return hits


def reference(trace: Sequence[int], capacity: int) -> list[bool]:
    """The same by searching the rest of the trace at every eviction."""
    cached: set[int] = set()
    hits = []
    for t, x in enumerate(trace):
        hits.append(x in cached)
        if x not in cached and len(cached) == capacity:
            rest = list(trace[t + 1 :])
            cached.remove(max(cached, key=lambda y: rest.index(y) if y in rest else len(rest)))
        cached.add(x)
    return hits
