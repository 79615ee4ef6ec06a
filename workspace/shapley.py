"""Shapley values of a factorial: how much each condition adds, averaged over all orders in which they can be moved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations

from evidentia.workspace.records import Value

Moved = frozenset[str]


def corners(start: Mapping[str, Value], end: Mapping[str, Value]) -> Iterator[tuple[Moved, dict[str, Value]]]:
    """The 2^k corners between two settings of the same k conditions, each with the names that were moved to `end`."""
    for size in range(len(start) + 1):
        for moved in combinations(sorted(start), size):
            yield frozenset(moved), {name: end[name] if name in moved else start[name] for name in start}


def shapley(worth: Mapping[Moved, float], player: str) -> float:
    """The Shapley value of one player: its mean gain over all orders of joining, from the worth of every coalition.

    Source: L. S. Shapley, A value for n-person games, in Contributions to the theory of games II, 1953.
    """
    players = max(worth, key=len)
    k = len(players)
    return math.fsum(
        (worth[others | {player}] - value) * math.factorial(len(others)) * math.factorial(k - len(others) - 1)
        for others, value in worth.items()
        if player not in others
    ) / math.factorial(k)
