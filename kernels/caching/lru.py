"""LRU: evict the least recently used item."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Hits, Trace
from evidentia.kernels.caching.linked import make, push, unlink


@njit(cache=True)
def by_recency(trace: Trace, capacity: int, items: int, newest: bool) -> Hits:
    """Hits of a cache that evicts from one end of the order of last use: the oldest, or the `newest`."""
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
            victim = after[items] if newest else before[items]
            unlink(after, before, victim)
            cached[victim] = False
            cached[x] = True
        push(after, before, items, x)
    return hits


def simulate(trace: Trace, capacity: int, items: int) -> Hits:
    """Hits of LRU on a trace.

    `trace` is ``int64 (requests,)`` of item numbers below `items`; returns ``uint8 (requests,)``, 1 for a hit.
    """
    hits: Hits = by_recency(trace, capacity, items, False)
    return hits


def reference(trace: Sequence[int], capacity: int) -> list[bool]:
    """The same with an ordered dictionary."""
    cache: OrderedDict[int, None] = OrderedDict()
    hits = []
    for x in trace:
        hits.append(x in cache)
        cache.pop(x, None)
        if len(cache) == capacity:
            cache.popitem(last=False)
        cache[x] = None
    return hits
