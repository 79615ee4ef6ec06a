"""Linear scan: look at one element after the other. O(n)."""

from __future__ import annotations

from collections.abc import Sequence


def find(values: Sequence[int], wanted: int) -> int:
    """The position of `wanted` in the sorted `values`, or -1."""
    for i, value in enumerate(values):
        if value == wanted:
            return i
    return -1
