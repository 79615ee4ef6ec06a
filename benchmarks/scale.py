"""What a run costs beside models and experiments: overhead per node of real runs over a simulated laboratory, at
growing size, with what fsync takes of it; then memory, and the replay of a log of 100,000 events.

Packages are left out: each is a product of its own (figures, some forty files), timed in `packages.py`.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from evidentia.agents.brief import Brief, Budget
from evidentia.graph.journal import Journal
from evidentia.graph.running import work
from evidentia.graph.simulated.laboratory import SimulatedLaboratory
from evidentia.graph.simulated.mind import SimulatedMind
from evidentia.graph.simulated.planted import Item
from evidentia.graph.steps import Steps
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import open_workspace
from evidentia.workspace.records import Event, Form

MARKS = (100, 1000, 3000, 10_000)
FORMS: tuple[Form, ...] = ("comparison", "trend", "optimum", "bound", "interaction", "equivalence")


class Endless:
    """Planted items without end: every supported one leads to two more."""

    def __init__(self, nodes: int) -> None:
        self.nodes = nodes

    def item(self, number: int) -> Item:
        """Mostly clear gaps, some close to the line."""
        draw = random.Random(number)
        gap = draw.choice((6.0, 4.0, 3.0, 3.0, 3.0, 2.0, 0.6, -2.0))
        return Item(number, FORMS[number % len(FORMS)], gap, priority=0.5 + draw.random() / 2)

    def roots(self) -> range:
        """A dozen to begin with."""
        return range(min(12, self.nodes))

    def follow_ups(self, number: int) -> Iterator[int]:
        """Two more while there are any."""
        return (n for n in (2 * number + 12, 2 * number + 13) if n < self.nodes)


class WithoutPackages(Steps):
    """The steps of a run that compiles no packages."""

    def compile(self, name: str) -> None:
        """Left out: see the first lines of this file."""


class Fsync:
    """Counts what `os.fsync` takes."""

    def __init__(self) -> None:
        self.seconds, self.calls, self._real, self._guard = 0.0, 0, os.fsync, threading.Lock()

    def __call__(self, handle: int) -> None:
        """The real fsync, timed."""
        start = time.perf_counter()
        self._real(handle)
        with self._guard:
            self.seconds += time.perf_counter() - start
            self.calls += 1


def resident() -> float:
    """Resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def main() -> None:
    """Print ms per node between the marks, of which fsync; memory; seconds per 100,000 replayed events."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=MARKS[-1])
    nodes = parser.parse_args().nodes
    marks = [m for m in MARKS if m <= nodes]
    os.fsync = fsync = Fsync()  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "workspace", create=True)
        log = workspace.create_log("scale")
        questions = Endless(9_000_000)
        steps = WithoutPackages(
            workspace,
            Journal(log),
            SimulatedMind(questions),
            SimulatedLaboratory(questions, workspace.blobs),  # type: ignore[arg-type]
        )
        brief = Brief(question="How flat is it?", budget=Budget(max_experiments=100_000, max_minutes=600))
        last, concluded = [time.perf_counter(), 0.0, 0.0, resident(), time.process_time()], [0]

        def listener(event: Event) -> None:
            if event.kind != "branch.concluded":
                return
            concluded[0] += 1
            if concluded[0] in marks:
                now = time.perf_counter()
                count = concluded[0] - last[2]
                each, synced = 1000 * (now - last[0]) / count, 1000 * (fsync.seconds - last[1]) / count
                cpu = 1000 * (time.process_time() - last[4]) / count
                print(
                    f"nodes {int(last[2]):6d}–{concluded[0]:6d}: {each:6.2f} ms per node, fsync {synced:5.2f} of it, "
                    f"processor {cpu:5.2f}; "
                    f"{resident():6.0f} MB resident ({1000 * (resident() - last[3]) / count:.0f} kB per node)",
                    flush=True,
                )
                last[:] = [now, fsync.seconds, concluded[0], resident(), time.process_time()]
                if concluded[0] == marks[-1]:
                    steps.stopping.set()

        log.listener = listener
        steps.journal.append("run.started", {"brief": brief.to_json(), "mind": "simulated", "workers": 1}, "bench")
        work(steps, 1)
        events = len(log.events)
        path = log.path
        log.close()
        print(f"{events} events, {path.stat().st_size / 1e6:.0f} MB; the disk synced {fsync.calls} times")
        for what, replay in (("read and verify", _read), ("read, verify and rebuild the journal", _rebuild)):
            start = time.perf_counter()
            replay(path)
            seconds = time.perf_counter() - start
            print(f"{what}: {seconds:.2f} s, {100_000 * seconds / events:.2f} s per 100,000 events")


def _read(path: Path) -> None:
    for _ in read_events(path):
        pass


def _rebuild(path: Path) -> None:
    from evidentia.graph.replay import RecordedLog

    Journal(RecordedLog(path, "scale", list(read_events(path))))


if __name__ == "__main__":
    main()
