"""An indexed binary min-heap over item numbers: two-part keys, removal from the middle, O(log n)."""

from __future__ import annotations

from numba import njit

from evidentia.kernels.caching.arrays import Ints


@njit(cache=True)
def _less(first: Ints, second: Ints, a: int, b: int) -> bool:
    return bool(first[a] < first[b] or (first[a] == first[b] and second[a] < second[b]))


@njit(cache=True)
def _swap(heap: Ints, place: Ints, i: int, j: int) -> None:
    heap[i], heap[j] = heap[j], heap[i]
    place[heap[i]] = i
    place[heap[j]] = j


@njit(cache=True)
def rise(heap: Ints, place: Ints, first: Ints, second: Ints, i: int) -> None:
    """Move the entry at `i` up to where it belongs."""
    while i > 0 and _less(first, second, heap[i], heap[(i - 1) >> 1]):
        _swap(heap, place, i, (i - 1) >> 1)
        i = (i - 1) >> 1


@njit(cache=True)
def sink(heap: Ints, place: Ints, first: Ints, second: Ints, size: int, i: int) -> None:
    """Move the entry at `i` down to where it belongs among the first `size`."""
    while True:
        child = 2 * i + 1
        if child >= size:
            return
        if child + 1 < size and _less(first, second, heap[child + 1], heap[child]):
            child += 1
        if not _less(first, second, heap[child], heap[i]):
            return
        _swap(heap, place, i, child)
        i = child
