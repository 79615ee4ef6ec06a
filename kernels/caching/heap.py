"""An indexed binary min-heap over item numbers: two-part keys, removal from the middle, O(log n)."""

from __future__ import annotations

from numba import njit


@njit(cache=True)
def _less(first, second, a, b):
    return first[a] < first[b] or (first[a] == first[b] and second[a] < second[b])


@njit(cache=True)
def _swap(heap, place, i, j):
    heap[i], heap[j] = heap[j], heap[i]
    place[heap[i]] = i
    place[heap[j]] = j


@njit(cache=True)
def rise(heap, place, first, second, i):
    """Move the entry at `i` up to where it belongs."""
    while i > 0 and _less(first, second, heap[i], heap[(i - 1) >> 1]):
        _swap(heap, place, i, (i - 1) >> 1)
        i = (i - 1) >> 1


@njit(cache=True)
def sink(heap, place, first, second, size, i):
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
