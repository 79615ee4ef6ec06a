"""How this library times anything: on one core, after a warm-up, by the median of repeats under one outlier rule.

The rule: a repeat is an outlier if it took longer than the median of its fellows by more than five of their scaled
median absolute deviations (1.4826 MAD, a standard deviation for normal noise), and by more than 5 %. Only slow ones can
be: what disturbs a timing adds to it. Outliers are left out and timed anew, at most as many as there are repeats. The
result is the median of what is kept; it stays among the undisturbed timings while fewer than half are disturbed.
(Chen and Revels, Robust benchmarking in noisy environments, arXiv:1608.04295, on why the noise is one-sided.)
"""

from __future__ import annotations

import ctypes
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

REPEATS = 7
DEVIATIONS, SHARE = 5.0, 0.05
_NORMAL = 1.4826
_cores: dict[int, int | None] = {}
"""By process id, for a fork chooses anew: the core its timings are pinned to."""


@contextmanager
def pinned() -> Iterator[int | None]:
    """Keep this thread on one core and give its number; None where the system cannot. Undone at the end.

    It is the core the process was on when it first timed something, and stays the same for all it times: what is
    compared has run on one core. Threads started meanwhile are pinned with it. Told once on standard error, which an
    experiment's evidence keeps.
    """
    try:
        before = os.sched_getaffinity(0)
        core = _cores.get(os.getpid())
        if core is None or core not in before:
            here = int(ctypes.CDLL(None).sched_getcpu())
            core = here if here in before else max(before)
        os.sched_setaffinity(0, {core})
    except (AttributeError, OSError):  # not Linux, or not allowed
        _tell(None)
        yield None
        return
    _tell(core)
    try:
        yield core
    finally:
        os.sched_setaffinity(0, before)


def _tell(core: int | None) -> None:
    if _cores.get(os.getpid(), -1) != core:
        _cores[os.getpid()] = core
        where = (
            "on no fixed core: this system pins no threads"
            if core is None
            else f"on core {core}, to which it is pinned"
        )
        print(f"timed {where}", file=sys.stderr, flush=True)


def outlier_limit(times: Sequence[float]) -> float:
    """The time above which a timing among `times` is an outlier, in their unit."""
    middle = statistics.median(times)
    deviation = _NORMAL * statistics.median(abs(t - middle) for t in times)
    return middle + max(DEVIATIONS * deviation, SHARE * middle)


def typical(times: Sequence[float]) -> float:
    """The median of `times` without outliers: for timings that cannot be taken anew."""
    limit = outlier_limit(times)
    return statistics.median(t for t in times if t <= limit)


def typical_of(take: Callable[[], float], repeats: int) -> float:
    """The median of `repeats` timings given by `take`, outliers taken anew, `repeats` of them at most."""
    times, spare = [take() for _ in range(repeats)], repeats
    while True:
        limit = outlier_limit(times)
        kept = [t for t in times if t <= limit]
        again = min(len(times) - len(kept), spare)
        if not again:
            return statistics.median(kept)
        spare -= again
        times = kept + [take() for _ in range(again)]


def median_seconds(run: Callable[[], object], repeats: int = REPEATS, *, pin: bool = True) -> float:
    """Seconds of one call of `run`: the median of `repeats` by the rule, after one call that warms up.

    On one core, unless `run` uses several threads and is not to be pinned (`pin`).
    """

    def take() -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    with pinned() if pin else nullcontext():
        run()
        return typical_of(take, repeats)
