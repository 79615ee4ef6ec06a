"""Cache simulators: requests per second beside an OrderedDict LRU, in one run on one core."""

from __future__ import annotations

import time
from collections import OrderedDict

from evidentia.kernels import registry
from evidentia.kernels.caching.curves import lru_miss_ratios, sampled_lru_miss_ratios
from evidentia.kernels.caching.workloads import zipf

REQUESTS, ITEMS, CAPACITY = 1_000_000, 10_000, 1_000


def ordered_dict_lru(trace: list[int], capacity: int) -> int:
    """The usual LRU of a few lines: the peer."""
    cache: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for item in trace:
        if item in cache:
            hits += 1
            cache.move_to_end(item)
        else:
            if len(cache) == capacity:
                cache.popitem(last=False)
            cache[item] = None
    return hits


def main() -> None:
    """Print million requests per second and the ratio to the peer."""
    trace = zipf(0, ITEMS, REQUESTS, 1.0)
    plain = trace.tolist()
    start = time.perf_counter()
    ordered_dict_lru(plain, CAPACITY)
    peer = REQUESTS / (time.perf_counter() - start)
    print(f"{'OrderedDict LRU':16} {peer / 1e6:8.1f} M/s   1.0x")
    for kernel in registry.kernels("caching"):
        simulate = kernel.load()
        simulate(trace, CAPACITY, ITEMS)
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            simulate(trace, CAPACITY, ITEMS)
            best = min(best, time.perf_counter() - start)
        print(f"{kernel.name:16} {REQUESTS / best / 1e6:8.1f} M/s {REQUESTS / best / peer:5.1f}x")
    long = zipf(1, 1_000_000, 10_000_000, 0.9)
    capacities = [100, 1_000, 10_000, 100_000]
    lru_miss_ratios(trace[:1000], ITEMS, capacities)
    for name, curve in (
        ("exact", lambda: lru_miss_ratios(long, 1_000_000, capacities)),
        ("sample of 1 %", lambda: sampled_lru_miss_ratios(long, 1_000_000, capacities, 0.01)),
    ):
        start = time.perf_counter()
        ratios = curve()
        told = ", ".join(f"{r:.3f}" for r in ratios)
        print(f"LRU miss-ratio curve of 10 M requests, {name}: {time.perf_counter() - start:.2f} s ({told})")


if __name__ == "__main__":
    main()
