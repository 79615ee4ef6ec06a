"""MRU: evict the most recently used item; the best online choice for loops longer than the cache.

Chou & DeWitt, “An evaluation of buffer management strategies for relational database systems” (VLDB 1985).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Hits, Trace
from evidentia.kernels.caching.linked import make, push, unlink


@njit(cache=True)
def simulate(trace: Trace, capacity: int, items: int) -> Hits:
    """Hits of MRU: ``int64 (requests,)`` to ``uint8 (requests,)``."""
    hits = np.zeros(trace.size, np.uint8)
    after, before = make(items, 1)
    cached = np.zeros(items, np.bool_)
    size = 0
    for t in range(trace.size):
        x = trace[t]
        if cached[x]:
            hits[t] = 1
            unlink(after, before, x)
        elif size < capacity:
            size += 1
            cached[x] = True
        else:
            victim = after[items]
            unlink(after, before, victim)
            cached[victim] = False
            cached[x] = True
        push(after, before, items, x)
    return hits


def reference(trace: Sequence[int], capacity: int) -> list[bool]:
    """The same with a list, most recent last."""
    cache: list[int] = []
    hits = []
    for x in trace:
        hits.append(x in cache)
        if x in cache:
            cache.remove(x)
        elif len(cache) == capacity:
            cache.pop()
        cache.append(x)
    return hits
