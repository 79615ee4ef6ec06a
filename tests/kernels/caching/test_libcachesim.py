"""Policies against libCacheSim, hit for hit, where both define the policy alike.

Left out: perfect LFU and MRU, which libCacheSim does not have, and W-TinyLFU, SLRU (four segments there), LRU-K and
LFU with aging, which it defines otherwise. 2Q has no newcomer there when the capacity is one. LIRS is compared by hit
rate, since its stack is bounded there, and random eviction, since it draws other numbers.
S3-FIFO is compared by hit rate: libCacheSim keeps to the main queue's share only when it evicts, not at each
promotion, and counts use without the cap of three until an item is put back.
"""

from __future__ import annotations

import numpy as np
import pytest

from evidentia.kernels import registry
from evidentia.kernels.caching.arrays import Trace
from evidentia.kernels.caching.workloads import scan, shifting, uniform, zipf

libcachesim = pytest.importorskip("libcachesim")

ITEMS, REQUESTS = 1_000, 20_000
TRACES = {
    "zipf": zipf(1, ITEMS, REQUESTS, 0.9),
    "scan": scan(2, ITEMS, REQUESTS, 1.1, 0.2),
    "shifting": shifting(3, ITEMS, REQUESTS, 1.0, 2_000),
    "dense": uniform(4, 15, REQUESTS),
}
SAME = {
    "lru": libcachesim.LRU,
    "fifo": libcachesim.FIFO,
    "lfu-in-cache": libcachesim.LFU,
    "clock": libcachesim.Clock,
    "sieve": libcachesim.Sieve,
    "arc": libcachesim.ARC,
    "belady": libcachesim.Belady,
}


def theirs(policy: type, trace: Trace, capacity: int) -> list[bool]:
    """Hits of libCacheSim, whose items are told when they come next, for Belady."""
    never = np.iinfo(np.int64).max
    upcoming = np.full(ITEMS, never)
    ahead = np.empty(trace.size, np.int64)
    for t in range(trace.size - 1, -1, -1):
        ahead[t] = upcoming[trace[t]]
        upcoming[trace[t]] = t
    cache = policy(capacity, hashpower=12)
    request = libcachesim.Request()
    request.obj_size = 1
    found = []
    for t, item in enumerate(trace.tolist()):
        request.obj_id = item + 1
        request.clock_time = t
        request.next_access_vtime = int(ahead[t])
        found.append(bool(cache.get(request)))
    return found


@pytest.mark.parametrize("capacity", [1, 4, 50, 300])
@pytest.mark.parametrize("workload", sorted(TRACES))
@pytest.mark.parametrize("name", sorted(SAME))
def test_hits_agree_with_libcachesim(name: str, workload: str, capacity: int) -> None:
    ours = registry.kernel("caching", name).load()(TRACES[workload], capacity, ITEMS)
    assert ours.astype(bool).tolist() == theirs(SAME[name], TRACES[workload], capacity)


@pytest.mark.parametrize("capacity", [4, 50, 300])
@pytest.mark.parametrize("workload", sorted(TRACES))
def test_hits_of_2q_agree_with_libcachesim(workload: str, capacity: int) -> None:
    ours = registry.kernel("caching", "2q").load()(TRACES[workload], capacity, ITEMS)
    assert ours.astype(bool).tolist() == theirs(libcachesim.TwoQ, TRACES[workload], capacity)


@pytest.mark.parametrize("capacity", [50, 300])
@pytest.mark.parametrize("workload", sorted(TRACES))
@pytest.mark.parametrize(("name", "policy"), [("random", libcachesim.Random), ("lirs", libcachesim.LIRS)])
def test_hit_rates_are_close_to_libcachesim(name: str, policy: type, workload: str, capacity: int) -> None:
    ours = registry.kernel("caching", name).load()(TRACES[workload], capacity, ITEMS)
    assert np.mean(ours) == pytest.approx(np.mean(theirs(policy, TRACES[workload], capacity)), abs=0.02)


@pytest.mark.parametrize("workload", sorted(TRACES))
def test_s3fifo_is_close_to_its_authors(workload: str) -> None:
    ours = registry.kernel("caching", "s3-fifo").load()(TRACES[workload], 100, ITEMS)
    assert np.mean(ours) == pytest.approx(np.mean(theirs(libcachesim.S3FIFO, TRACES[workload], 100)), abs=0.01)
