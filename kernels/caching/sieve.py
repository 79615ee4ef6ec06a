"""SIEVE: a queue in which survivors stay in place and a hand sweeps from old to new (Zhang et al., NSDI 2024)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Hits, Trace
from evidentia.kernels.caching.linked import make, push, unlink


@njit(cache=True)
def simulate(trace: Trace, capacity: int, items: int) -> Hits:
    """Hits of SIEVE: ``int64 (requests,)`` to ``uint8 (requests,)``."""
    hits = np.zeros(trace.size, np.uint8)
    after, before = make(items, 1)
    visited = np.zeros(items, np.bool_)
    cached = np.zeros(items, np.bool_)
    hand, size = -1, 0
    for t in range(trace.size):
        x = trace[t]
        if cached[x]:
            hits[t] = 1
            visited[x] = True
            continue
        if size == capacity:
            victim = hand if hand >= 0 else before[items]
            while visited[victim]:
                visited[victim] = False
                victim = before[victim] if before[victim] != items else before[items]
            hand = before[victim] if before[victim] != items else -1
            unlink(after, before, victim)
            cached[victim] = False
        else:
            size += 1
        push(after, before, items, x)
        cached[x] = True
        visited[x] = False
    return hits


def reference(trace: Sequence[int], capacity: int) -> list[bool]:
    """The same over a plain list, newest first; the hand is remembered by item."""
    queue: list[int] = []
    visited: dict[int, bool] = {}
    hand: int | None = None
    hits = []
    for x in trace:
        hits.append(x in visited)
        if x in visited:
            visited[x] = True
            continue
        if len(queue) == capacity:
            place = queue.index(hand) if hand is not None else len(queue) - 1
            while visited[queue[place]]:
                visited[queue[place]] = False
                place = place - 1 if place > 0 else len(queue) - 1
            hand = queue[place - 1] if place > 0 else None
            del visited[queue.pop(place)]
        queue.insert(0, x)
        visited[x] = False
    return hits
