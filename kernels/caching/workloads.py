"""Request streams: integer traces that depend on the seed and the conditions alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evidentia.kernels.caching.arrays import Trace


def popularity(items: int, exponent: float) -> NDArray[np.float64]:
    """Zipf probabilities ``1 / rank**exponent``, normalised, most popular first: ``(items,)``."""
    weights = np.arange(1, items + 1, dtype=np.float64) ** -exponent
    found: NDArray[np.float64] = weights / weights.sum()
    return found


def _draw(generator: np.random.Generator, items: int, requests: int, exponent: float) -> Trace:
    cumulative = np.cumsum(popularity(items, exponent))
    drawn = np.searchsorted(cumulative, generator.random(requests) * cumulative[-1], side="right")
    trace: Trace = np.minimum(drawn, items - 1).astype(np.int64)
    return trace


def zipf(seed: int, items: int, requests: int, exponent: float) -> Trace:
    """Independent requests with Zipf popularity; item 0 is the most popular. Returns ``(requests,)``."""
    return _draw(np.random.default_rng(seed), items, requests, exponent)


def uniform(seed: int, items: int, requests: int) -> Trace:
    """Independent requests, all items alike."""
    return np.random.default_rng(seed).integers(0, items, requests, dtype=np.int64)


def loop(seed: int, items: int, requests: int, loop_length: int) -> Trace:
    """The same `loop_length` items over and over, from a random start.

    Raises ValueError when the loop is longer than there are items.
    """
    if loop_length > items:
        raise ValueError(f"loop_length must be at most items ({items}), not {loop_length}")
    start = int(np.random.default_rng(seed).integers(0, loop_length))
    return np.arange(start, start + requests, dtype=np.int64) % loop_length


def scan(seed: int, items: int, requests: int, exponent: float, scan_fraction: float) -> Trace:
    """Zipf requests interrupted by sequential scans over the less popular half of the items.

    A scan is 100 requests long and goes on where the last one stopped, from the least popular item upwards;
    `scan_fraction` is the share of requests that belong to one.
    """
    generator = np.random.default_rng(seed)
    trace = _draw(generator, items, requests, exponent)
    blocks = -(-requests // 100)
    scanned = np.repeat(generator.random(blocks) < scan_fraction, 100)[:requests]
    cold = max(1, items // 2)
    trace[scanned] = items - 1 - np.arange(int(scanned.sum()), dtype=np.int64) % cold
    return trace


def shifting(seed: int, items: int, requests: int, exponent: float, shift_every: int) -> Trace:
    """Zipf requests whose popularity order is drawn anew every `shift_every` requests."""
    generator = np.random.default_rng(seed)
    trace = _draw(generator, items, requests, exponent)
    for start in range(0, requests, shift_every):
        trace[start : start + shift_every] = generator.permutation(items)[trace[start : start + shift_every]]
    return trace


def bursts(seed: int, items: int, requests: int, exponent: float, burst_length: int) -> Trace:
    """Zipf requests of which every other one repeats an item of a burst: correlated in time, not in popularity.

    A burst is one item, drawn from all alike, that takes `burst_length` of those requests in a row.
    """
    generator = np.random.default_rng(seed)
    trace = _draw(generator, items, requests, exponent)
    taken = trace[1::2].size
    drawn = generator.integers(0, items, -(-taken // burst_length), dtype=np.int64)
    trace[1::2] = np.repeat(drawn, burst_length)[:taken]
    return trace


WORKLOADS: dict[str, Callable[..., Trace]] = {
    "zipf": zipf,
    "uniform": uniform,
    "scan": scan,
    "loop": loop,
    "shifting": shifting,
    "bursts": bursts,
}
"""By name; each takes seed, items and requests, and the settings the registry lists for it."""
