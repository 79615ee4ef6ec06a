"""W-TinyLFU: a small LRU window before a segmented LRU, guarded by a count-min sketch of recent frequency
(Einziger, Friedman & Manes 2017).

Without the paper's optional doorkeeper.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from evidentia.kernels.caching.arrays import Counters, Hits, Trace
from evidentia.kernels.caching.linked import make, push, unlink

WINDOW, PROBATION, PROTECTED = 0, 1, 2
ROWS = 4
MAX_COUNT = 15
SAMPLE_FACTOR = 10
PROTECTED_FRACTION = 0.8


@njit(cache=True)
def _slot(x: int, row: int, mask: int) -> int:
    h = (np.uint64(x) + np.uint64(row + 1)) * np.uint64(0x9E3779B97F4A7C15)
    h ^= h >> np.uint64(29)
    h *= np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(32)
    return int(h & np.uint64(mask))


@njit(cache=True)
def _estimate(sketch: Counters, x: int) -> int:
    mask = sketch.shape[1] - 1
    least = MAX_COUNT
    for row in range(ROWS):
        least = min(least, int(sketch[row, _slot(x, row, mask)]))
    return least


@njit(cache=True)
def _count(sketch: Counters, x: int) -> None:
    """Add one occurrence, to the smallest counters only (conservative update)."""
    mask = sketch.shape[1] - 1
    least = _estimate(sketch, x)
    if least < MAX_COUNT:
        for row in range(ROWS):
            slot = _slot(x, row, mask)
            if sketch[row, slot] == least:
                sketch[row, slot] = least + 1


@njit(cache=True)
def _age(sketch: Counters) -> None:
    """Halve all counters, in plain loops: an array expression takes a second longer to compile."""
    for row in range(sketch.shape[0]):
        for slot in range(sketch.shape[1]):
            sketch[row, slot] >>= 1


@njit(cache=True)
def _simulate(trace: Trace, capacity: int, items: int, window: int, protected: int, width: int) -> Hits:
    hits = np.zeros(trace.size, np.uint8)
    after, before = make(items, 3)
    place = np.full(items, -1, np.int64)
    sizes = np.zeros(3, np.int64)
    sketch = np.zeros((ROWS, width), np.uint8)
    main = capacity - window
    seen = 0
    for t in range(trace.size):
        x = trace[t]
        _count(sketch, x)
        seen += 1
        if seen == SAMPLE_FACTOR * capacity:
            _age(sketch)
            seen //= 2
        where = place[x]
        if where >= 0:
            hits[t] = 1
            unlink(after, before, x)
            sizes[where] -= 1
            target = WINDOW if where == WINDOW else PROTECTED
            if target == PROTECTED and protected == 0:
                target = PROBATION
            push(after, before, items + target, x)
            place[x] = target
            sizes[target] += 1
            if sizes[PROTECTED] > protected:
                demoted = before[items + PROTECTED]
                unlink(after, before, demoted)
                push(after, before, items + PROBATION, demoted)
                place[demoted] = PROBATION
                sizes[PROTECTED] -= 1
                sizes[PROBATION] += 1
            continue
        push(after, before, items + WINDOW, x)
        place[x] = WINDOW
        sizes[WINDOW] += 1
        if sizes[WINDOW] <= window:
            continue
        candidate = before[items + WINDOW]
        unlink(after, before, candidate)
        sizes[WINDOW] -= 1
        place[candidate] = -1
        if main == 0:
            continue
        if sizes[PROBATION] + sizes[PROTECTED] >= main:
            source = PROBATION if sizes[PROBATION] > 0 else PROTECTED
            victim = before[items + source]
            if _estimate(sketch, candidate) <= _estimate(sketch, victim):
                continue
            unlink(after, before, victim)
            place[victim] = -1
            sizes[source] -= 1
        push(after, before, items + PROBATION, candidate)
        place[candidate] = PROBATION
        sizes[PROBATION] += 1
    return hits


def shape(capacity: int, window_fraction: float) -> tuple[int, int, int]:
    """Places of the window and of the protected segment, and counters per sketch row (a power of two)."""
    window = min(capacity, max(1, int(capacity * window_fraction)))
    protected = int((capacity - window) * PROTECTED_FRACTION)
    width = 1 << max(4, (8 * capacity - 1).bit_length())
    return window, protected, width


def simulate(trace: Trace, capacity: int, items: int, window_fraction: float = 0.01) -> Hits:
    """Hits of W-TinyLFU: ``int64 (requests,)`` to ``uint8 (requests,)``.

    Four rows of four-bit counters with conservative update, halved, as is the number of requests they have seen,
    when that reaches ten times the capacity. A window victim enters the main part only if its estimate is above
    that of the main part's victim.
    """
    hits: Hits = _simulate(trace, capacity, items, *shape(capacity, window_fraction))
    return hits


def reference(trace: Sequence[int], capacity: int, window_fraction: float = 0.01) -> list[bool]:
    """The same over plain lists, oldest last, with the sketch as lists of integers."""
    window_places, protected_places, width = shape(capacity, window_fraction)
    window, probation, protected = [], [], []  # type: list[int], list[int], list[int]
    sketch = [[0] * width for _ in range(ROWS)]
    hits = []
    seen = 0

    def slots(x: int) -> list[int]:
        found = []
        for row in range(ROWS):
            h = (x + row + 1) * 0x9E3779B97F4A7C15 % 2**64
            h ^= h >> 29
            h = h * 0xBF58476D1CE4E5B9 % 2**64
            found.append((h ^ (h >> 32)) % width)
        return found

    def estimate(x: int) -> int:
        return min(MAX_COUNT, *(sketch[row][slot] for row, slot in enumerate(slots(x))))

    for x in trace:
        least = estimate(x)
        for row, slot in enumerate(slots(x)):
            if sketch[row][slot] == least < MAX_COUNT:
                sketch[row][slot] += 1
        seen += 1
        if seen == SAMPLE_FACTOR * capacity:
            sketch = [[c // 2 for c in row] for row in sketch]
            seen //= 2
        hits.append(x in window or x in probation or x in protected)
        if x in window:
            window.remove(x)
            window.insert(0, x)
        elif hits[-1]:
            (probation if x in probation else protected).remove(x)
            (protected if protected_places else probation).insert(0, x)
            if len(protected) > protected_places:
                probation.insert(0, protected.pop())
        else:
            window.insert(0, x)
            if len(window) <= window_places:
                continue
            candidate = window.pop()
            if capacity == window_places:
                continue
            if len(probation) + len(protected) >= capacity - window_places:
                segment = probation or protected
                if estimate(candidate) <= estimate(segment[-1]):
                    continue
                segment.pop()
            probation.insert(0, candidate)
    return hits
