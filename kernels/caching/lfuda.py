"""LFU with dynamic aging: an item's count starts from the age of the cache, so that old favourites fade.

Arlitt et al., “Evaluating content management techniques for Web proxy caches” (Performance Evaluation Review 27(4),
2000), section 3: the key is the count since admission plus the cache's age, which is the key of the last victim.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Hits, Trace
from evidentia.kernels.caching.heap import rise, sink


@njit(cache=True)
def simulate(trace: Trace, capacity: int, items: int) -> Hits:
    """Hits of LFU with dynamic aging: ``int64 (requests,)`` to ``uint8 (requests,)``."""
    n = trace.size
    hits = np.zeros(n, np.uint8)
    worth = np.zeros(items, np.int64)
    heap = np.full(capacity, -1, np.int64)
    keys = np.zeros(capacity, np.int64)
    place = np.full(items, -1, np.int64)
    size = age = 0
    for t in range(n):
        x = trace[t]
        if place[x] >= 0:
            hits[t] = 1
            worth[x] += 1
            sink(heap, keys, place, size, place[x], x, worth[x] * n + t)  # by worth, then by last use
            continue
        if size < capacity:
            size += 1
            worth[x] = age + 1
            rise(heap, keys, place, size - 1, x, worth[x] * n + t)
        else:
            age = worth[heap[0]]
            place[heap[0]] = -1
            worth[x] = age + 1
            sink(heap, keys, place, size, 0, x, worth[x] * n + t)
    return hits


def reference(trace: Sequence[int], capacity: int) -> list[bool]:
    """The same by searching all cached items for the smallest (worth, last use)."""
    worth: dict[int, int] = {}
    used: dict[int, int] = {}
    age = 0
    hits = []
    for t, x in enumerate(trace):
        hits.append(x in worth)
        if x in worth:
            worth[x] += 1
        else:
            if len(worth) == capacity:
                victim = min(worth, key=lambda y: (worth[y], used[y]))
                age = worth.pop(victim)
            worth[x] = age + 1
        used[x] = t
    return hits
