"""S3-FIFO: a small queue filters what is used once, a main queue keeps the rest, a ghost queue remembers
(Yang et al., SOSP 2023, algorithm 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Hits, Ints, Trace
from evidentia.kernels.caching.linked import make, push, unlink

S, M, G = 0, 1, 2
MAX_COUNT = 3


@njit(cache=True)
def _evict_main(after: Ints, before: Ints, place: Ints, count: Ints, sizes: Ints, items: int) -> None:
    while sizes[M] > 0:
        x = before[items + M]
        unlink(after, before, x)
        if count[x] > 0:
            count[x] -= 1
            push(after, before, items + M, x)
        else:
            place[x] = -1
            sizes[M] -= 1
            return


@njit(cache=True)
def _evict_small(after: Ints, before: Ints, place: Ints, count: Ints, sizes: Ints, items: int, main: int) -> None:
    while sizes[S] > 0:
        x = before[items + S]
        unlink(after, before, x)
        sizes[S] -= 1
        if count[x] > 1 and main > 0:
            if sizes[M] >= main:
                _evict_main(after, before, place, count, sizes, items)
            count[x] = 0
            push(after, before, items + M, x)
            place[x] = M
            sizes[M] += 1
            continue
        if main > 0:
            if sizes[G] >= main:
                oldest = before[items + G]
                unlink(after, before, oldest)
                place[oldest] = -1
                sizes[G] -= 1
            push(after, before, items + G, x)
            place[x] = G
            sizes[G] += 1
        else:
            place[x] = -1
        return


@njit(cache=True)
def _simulate(trace: Trace, capacity: int, items: int, small: int) -> Hits:
    main = capacity - small
    hits = np.zeros(trace.size, np.uint8)
    after, before = make(items, 3)
    place = np.full(items, -1, np.int64)
    count = np.zeros(items, np.int64)
    sizes = np.zeros(3, np.int64)
    for t in range(trace.size):
        x = trace[t]
        if place[x] == S or place[x] == M:
            hits[t] = 1
            count[x] = min(count[x] + 1, MAX_COUNT)
            continue
        target = S
        if place[x] == G:
            unlink(after, before, x)
            sizes[G] -= 1
            place[x] = -1
            target = M
        while sizes[S] + sizes[M] >= capacity:
            if sizes[S] >= small or sizes[M] == 0:
                _evict_small(after, before, place, count, sizes, items, main)
            else:
                _evict_main(after, before, place, count, sizes, items)
        if target == M and sizes[M] >= main:
            _evict_main(after, before, place, count, sizes, items)
        push(after, before, items + target, x)
        place[x] = target
        sizes[target] += 1
        count[x] = 0
    return hits


def simulate(trace: Trace, capacity: int, items: int, small_fraction: float = 0.1) -> Hits:
    """Hits of S3-FIFO: ``int64 (requests,)`` to ``uint8 (requests,)``.

    The small queue holds `small_fraction` of the capacity (at least one item), the ghost as many as the main
    queue. With a main queue of no places nothing is promoted.
    """
    hits: Hits = _simulate(trace, capacity, items, small_size(capacity, small_fraction))
    return hits


def small_size(capacity: int, small_fraction: float) -> int:
    """Places of the small queue."""
    return max(1, int(capacity * small_fraction))


def reference(trace: Sequence[int], capacity: int, small_fraction: float = 0.1) -> list[bool]:
    """The same over plain lists, oldest last."""
    small, main, ghost = [], [], []  # type: list[int], list[int], list[int]
    small_places = small_size(capacity, small_fraction)
    main_places = capacity - small_places
    count: dict[int, int] = {}
    hits = []

    def evict_main() -> None:
        while main:
            x = main.pop()
            if count[x] == 0:
                return
            count[x] -= 1
            main.insert(0, x)

    def evict_small() -> None:
        while small:
            x = small.pop()
            if count[x] > 1 and main_places:
                if len(main) >= main_places:
                    evict_main()
                count[x] = 0
                main.insert(0, x)
                continue
            if main_places:
                if len(ghost) >= main_places:
                    ghost.pop()
                ghost.insert(0, x)
            return

    for x in trace:
        hits.append(x in small or x in main)
        if hits[-1]:
            count[x] = min(count[x] + 1, MAX_COUNT)
            continue
        target = main if x in ghost else small
        if x in ghost:
            ghost.remove(x)
        while len(small) + len(main) >= capacity:
            if len(small) >= small_places or not main:
                evict_small()
            else:
                evict_main()
        if target is main and len(main) >= main_places:
            evict_main()
        target.insert(0, x)
        count[x] = 0
    return hits
