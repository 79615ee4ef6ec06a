"""MRU: evict the most recently used item; the best online choice for loops longer than the cache.

Chou & DeWitt, “An evaluation of buffer management strategies for relational database systems” (VLDB 1985).
"""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.kernels.caching.arrays import Hits, Trace
from evidentia.kernels.caching.lru import by_recency


def simulate(trace: Trace, capacity: int, items: int) -> Hits:
    """Hits of MRU: ``int64 (requests,)`` to ``uint8 (requests,)``."""
    hits: Hits = by_recency(trace, capacity, items, True)
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
