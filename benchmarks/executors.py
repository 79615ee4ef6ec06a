"""What an executor costs and how it scales: overhead per job, and throughput against slots, `local` beside `ray`.

Three kinds of job: one that does nothing (its time is the overhead), one that sleeps (it scales with the slots whatever
the processors do), and one that computes for a known processor time (it scales with the slots as far as there are
idle processors: the load of the machine is printed). The cluster is a private one on this machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from evidentia.graph.executors import Executor, Opening, open_executor
from evidentia.graph.executors.ray_cluster.connection import connect
from evidentia.kernels import registry
from evidentia.sandbox import Job, Limits

SECONDS = 0.2
SLOTS = (1, 2)
LIMITS = Limits(memory_bytes=512 * 1024**2)
NOTHING = Job("", limits=LIMITS)
SLEEPING = Job(f"import time; time.sleep({SECONDS})", limits=LIMITS)
COMPUTING = Job(f"import time\nwhile time.process_time() < {SECONDS}: pass", limits=LIMITS)


@contextmanager
def opened(name: str, opening: Opening) -> Iterator[Executor]:
    """An executor all of whose slots are warm."""
    executor = open_executor(name, opening)
    try:
        per_second(executor, SLEEPING, opening.workers, 4 * opening.workers)
        yield executor
    finally:
        executor.close()


def per_second(executor: Executor, job: Job, slots: int, count: int) -> float:
    """Jobs per second, with as many at once as there are slots."""
    start = time.perf_counter()
    with ThreadPoolExecutor(slots) as pool:
        outcomes = list(pool.map(lambda _: executor.run(job), range(count)))
    taken = time.perf_counter() - start
    assert all(outcome.ok for outcome in outcomes)
    return count / taken


def overhead(executor: Executor, count: int) -> list[float]:
    """Milliseconds from asking for a job that does nothing to having its outcome, less what the job itself took."""
    found = []
    for _ in range(count):
        start = time.perf_counter()
        outcome = executor.run(NOTHING)
        found.append(1e3 * (time.perf_counter() - start - outcome.wall_seconds))
    return sorted(found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40, help="jobs per figure")
    count = parser.parse_args().count
    print(f"{count} jobs per figure; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; sleeping or computing")
    print(f"for {SECONDS:g} s a job\n")
    print("executor  slots  overhead ms: median (to 90 %)   sleeping/s  x of 1   computing/s  x of 1")
    with tempfile.TemporaryDirectory() as folder:
        opening = Opening(Path(folder) / "scratch", registry.compile_cache(Path(folder) / "numba"))
        for name in ("local", "ray"):
            leave = connect(max(SLOTS)) if name == "ray" else None
            first: list[float] = []
            for slots in SLOTS:
                with opened(name, replace(opening, workers=slots)) as executor:
                    lost = overhead(executor, count)
                    rates = [per_second(executor, job, slots, count) for job in (SLEEPING, COMPUTING)]
                first = first or rates
                spread = f"{statistics.median(lost):8.1f}  ({lost[int(0.9 * len(lost))]:6.1f})"
                (asleep, busy), (one, other) = rates, first
                print(
                    f"{name:9} {slots:5d}  {spread:31} {asleep:10.2f} {asleep / one:7.2f} {busy:13.2f} "
                    f"{busy / other:7.2f}"
                )
            if leave is not None:
                leave()


if __name__ == "__main__":
    main()
