"""LFU in its two meanings: counts that survive eviction (perfect), and counts forgotten with it (in-cache).

Both admit every missed item and evict the cached item with the smallest count, the least recently used among
equals. Perfect and in-cache LFU are told apart by Breslau et al. (INFOCOM 1999), section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Hits, Ints, Trace
from evidentia.kernels.caching.heap import Heap, make, rise, sink
from evidentia.kernels.caching.policy import Policy


@njit(cache=True)
def _advance(trace: Trace, remember: bool, count: Ints, heap: Heap, counts: Ints) -> Hits:
    hits = np.zeros(trace.size, np.uint8)
    capacity = heap.items.size
    size, now = counts[0], counts[1]
    for t in range(trace.size):
        x = trace[t]
        if heap.place[x] >= 0:
            hits[t] = 1
            count[x] += 1
            sink(heap, size, heap.place[x], x, count[x], now + t)
            continue
        count[x] = count[x] + 1 if remember else 1
        if size < capacity:
            size += 1
            rise(heap, size - 1, x, count[x], now + t)
        else:
            heap.place[heap.items[0]] = -1
            sink(heap, size, 0, x, count[x], now + t)
    counts[0], counts[1] = size, now + trace.size
    return hits


def start(capacity: int, items: int, *, remember: bool) -> tuple[Any, ...]:
    """An empty cache that does or does not `remember` what it evicts."""
    return remember, np.zeros(items, np.int64), make(capacity, items), np.zeros(2, np.int64)


perfect = Policy(partial(start, remember=True), _advance)
"""LFU whose counts survive eviction: its hits on a trace of item numbers."""

in_cache = Policy(partial(start, remember=False), _advance)
"""LFU that forgets an item's count when it evicts it."""

either = Policy(lambda capacity, items, *, counts: start(capacity, items, remember=counts == "kept"), _advance)
"""LFU whose `counts` are ``kept`` or ``forgotten`` when an item is evicted."""


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
