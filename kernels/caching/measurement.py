"""Measuring one policy on one workload with one seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from evidentia.kernels import registry, timing
from evidentia.kernels.caching.arrays import Hits, Trace
from evidentia.kernels.caching.workloads import WORKLOADS
from evidentia.kernels.registry import Value

_SETTINGS = ("exponent", "scan_fraction", "loop_length", "shift_every", "burst_length")
_REPEATS = 5


@lru_cache(maxsize=4)
def _trace(workload: str, seed: int, items: int, requests: int, settings: tuple[tuple[str, Value], ...]) -> Trace:
    trace = WORKLOADS[workload](seed, items, requests, **dict(settings))
    trace.flags.writeable = False
    return trace


def measure(
    kernel: str,
    metrics: tuple[str, ...],
    *,
    seed: int,
    workload: str,
    items: int,
    requests: int,
    capacity: int,
    warmup: int,
    **settings: Value,
) -> dict[str, float]:
    """``hit_rate`` in % of the requests after the first `warmup`, which count towards `requests`;
    ``throughput`` in requests per second of the whole trace.

    Raises ValueError when the warm-up leaves no request to count.
    """
    if warmup >= requests:
        raise ValueError(f"warmup must be below requests ({requests}), not {warmup}")
    own = {k: v for k, v in settings.items() if k not in _SETTINGS}
    drawn = tuple(sorted((k, v) for k, v in settings.items() if k in _SETTINGS))
    trace = _trace(workload, seed, items, requests, drawn)
    simulate = registry.kernel("caching", kernel).load()
    hits = simulate(trace, capacity, items, **own)
    found: dict[str, float] = {}
    if "hit_rate" in metrics:
        found["hit_rate"] = 100.0 * int(np.count_nonzero(hits[warmup:])) / (requests - warmup)
    if "throughput" in metrics:
        found["throughput"] = throughput(lambda: simulate(trace, capacity, items, **own), requests)
    return found


def throughput(run: Callable[[], Hits], requests: int) -> float:
    """Requests per second on one core, from the median time of five runs after one, without outliers
    (`evidentia.kernels.timing` has the rule)."""
    return requests / timing.median_seconds(run, _REPEATS)
