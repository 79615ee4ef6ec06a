"""An indexed binary min-heap over item numbers: keys beside the items, changes from the middle, O(log n).

`heap` and `keys` are by position, `place` by item. An entry that moves leaves a hole, which travels instead of
swapping two entries at every level.
"""

from __future__ import annotations

from numba import njit

from evidentia.kernels.caching.arrays import Ints


@njit(cache=True)
def _settle(heap: Ints, keys: Ints, place: Ints, i: int, item: int, key: int) -> None:
    heap[i] = item
    keys[i] = key
    place[item] = i


@njit(cache=True)
def rise(heap: Ints, keys: Ints, place: Ints, i: int, item: int, key: int) -> None:
    """Put `item` at position `i`, or above it where its key belongs."""
    while i > 0 and key < keys[(i - 1) >> 1]:
        parent = (i - 1) >> 1
        _settle(heap, keys, place, i, heap[parent], keys[parent])
        i = parent
    _settle(heap, keys, place, i, item, key)


@njit(cache=True)
def sink(heap: Ints, keys: Ints, place: Ints, size: int, i: int, item: int, key: int) -> None:
    """Put `item` at position `i`, or below it where its key belongs among the first `size`."""
    child = 2 * i + 1
    while child < size:
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if key <= keys[child]:
            break
        _settle(heap, keys, place, i, heap[child], keys[child])
        i = child
        child = 2 * i + 1
    _settle(heap, keys, place, i, item, key)
