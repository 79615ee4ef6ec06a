"""Binary search: halve the range until it is one element. O(log n)."""

from __future__ import annotations

from collections.abc import Sequence


def find(values: Sequence[int], wanted: int) -> int:
    """The position of `wanted` in the sorted `values`, or -1."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(values) and values[low] == wanted else -1
