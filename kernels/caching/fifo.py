"""FIFO: evict the item that came in first; a hit changes nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Hits, Trace


@njit(cache=True)
def simulate(trace: Trace, capacity: int, items: int) -> Hits:
    """Hits of FIFO: ``int64 (requests,)`` to ``uint8 (requests,)``."""
    hits = np.zeros(trace.size, np.uint8)
    ring = np.full(capacity, -1, np.int64)
    cached = np.zeros(items, np.bool_)
    hand = 0
    for t in range(trace.size):
        x = trace[t]
        if cached[x]:
            hits[t] = 1
            continue
        if ring[hand] >= 0:
            cached[ring[hand]] = False
        ring[hand] = x
        cached[x] = True
        hand = hand + 1 if hand + 1 < capacity else 0
    return hits


def reference(trace: Sequence[int], capacity: int) -> list[bool]:
    """The same with a bounded queue."""
    queue: deque[int] = deque(maxlen=capacity)
    hits = []
    for x in trace:
        hits.append(x in queue)
        if not hits[-1]:
            queue.append(x)
    return hits
