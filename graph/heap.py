"""A heap of names that drops lazily what no longer counts."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass


class Heap:
    """Names by falling score, ties by the greater name."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, _Reversed]] = []

    def push(self, score: float, name: str) -> None:
        """Add one."""
        heapq.heappush(self._entries, (-score, _Reversed(name)))

    def first(self, holds: Callable[[str], object]) -> str | None:
        """The first for which it `holds`, or None; those for which it no longer does are dropped."""
        while self._entries and not holds(self._entries[0][1].text):
            heapq.heappop(self._entries)
        return self._entries[0][1].text if self._entries else None


@dataclass(frozen=True)
class _Reversed:
    text: str

    def __lt__(self, other: _Reversed) -> bool:
        return self.text > other.text
