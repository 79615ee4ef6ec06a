"""What a run costs beside models and experiments: overhead per node of real runs over a simulated laboratory, at
growing size, with what fsync takes of it; then memory, and opening a log of 100,000 events.

Packages are left out: each is a product of its own (figures, some forty files), timed in `packages.py`. Times on the
clock depend on how long the disk takes to sync and on who else uses it; those of the processor much less.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evidentia.agents.brief import Brief, Budget
from evidentia.graph.journal import Journal
from evidentia.graph.replay import RecordedLog
from evidentia.graph.running import work
from evidentia.graph.simulated.laboratory import SimulatedLaboratory
from evidentia.graph.simulated.mind import SimulatedMind
from evidentia.graph.simulated.planted import Item
from evidentia.graph.steps import Steps
from evidentia.workspace.eventlines import Events
from evidentia.workspace.eventlog import EventLog, read_events
from evidentia.workspace.home import open_workspace
from evidentia.workspace.records import Event, Form

MARKS = (100, 1000, 3000, 9000, 10_000)
MOST_MS, MOST_GROWTH, MOST_KB, MOST_SECONDS = 10.0, 1.5, 30.0, 3.0
"""The limits: ms per node, growth from the nodes after the start-up to the last ones, kB per node, seconds to open a
log of 100,000 events."""
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
    """The steps of a run that makes no packages: that they were compiled is only noted."""

    def compile(self, name: str) -> None:
        """Note that the branch is over."""
        branch = self.journal.branches[name]
        if not branch.over:
            told = {"hypothesis": name, "package": f"none-{name}", "version": 1, "outcome": branch.outcome}
            self._write("package.compiled", told, "bench", wait=False)


class Outside:
    """A mind or laboratory, and the processor time its answers take: no overhead of the run."""

    seconds = 0.0

    def __init__(self, real: object) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        return partial(self._timed, found) if callable(found) else found

    def _timed(self, real: Callable[..., Any], *given: Any) -> Any:
        start = time.thread_time()
        try:
            return real(*given)
        finally:
            Outside.seconds += time.thread_time() - start


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


@dataclass(frozen=True)
class Mark:
    """Where a run stands at a node."""

    node: int
    clock: float
    processor: float
    synced: float
    syncs: int
    memory: float


def mark(node: int, fsync: Fsync) -> Mark:
    """Where the run stands now."""
    processor = time.process_time() - Outside.seconds
    return Mark(node, time.perf_counter(), processor, fsync.seconds, fsync.calls, resident())


def told(first: Mark, last: Mark) -> str:
    """What the nodes between two marks took."""
    n = last.node - first.node
    clock, processor = 1000 * (last.clock - first.clock) / n, 1000 * (last.processor - first.processor) / n
    syncs = last.syncs - first.syncs
    return (
        f"nodes {first.node:6d}–{last.node:6d}: {clock:6.2f} ms per node, processor {processor:5.2f} "
        f"(limit {MOST_MS:g}); {syncs / n:.1f} fsyncs of "
        f"{1000 * (last.synced - first.synced) / max(1, syncs):.2f} ms; {last.memory:.0f} MB resident"
    )


def main() -> None:
    """Print ms per node between the marks, memory, and seconds to open 100,000 events, beside the limits."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=MARKS[-1])
    nodes = parser.parse_args().nodes
    wanted = sorted({m for m in MARKS if m < nodes} | {nodes})
    os.fsync = fsync = Fsync()  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "workspace", create=True)
        log = workspace.create_log("scale")
        questions = Endless(9_000_000)
        steps = WithoutPackages(
            workspace,
            Journal(log),
            Outside(SimulatedMind(questions)),
            Outside(SimulatedLaboratory(questions, workspace.blobs)),  # type: ignore[arg-type]
        )
        brief = Brief(question="How flat is it?", budget=Budget(max_experiments=100_000, max_minutes=600))
        marks, concluded = [mark(0, fsync)], 0

        def listener(event: Event) -> None:
            nonlocal concluded
            concluded += event.kind == "branch.concluded"
            if concluded in wanted and concluded > marks[-1].node:
                marks.append(mark(concluded, fsync))
                print(told(marks[-2], marks[-1]), flush=True)
                if concluded == wanted[-1]:
                    steps.stopping.set()

        log.listener = listener
        steps.journal.append("run.started", {"brief": brief.to_json(), "mind": "simulated", "workers": 1}, "bench")
        work(steps, 1)
        log.close()
        events = len(log.events)
        path = log.path
        if len(marks) > 3:
            _print_growth(marks)
        print(f"{events} events, {path.stat().st_size / 1e6:.0f} MB")
        for what, opened in (
            ("read and verify", _read),
            ("replay: read, verify, rebuild tree, journal and world", _replay),
            ("resume: lock, verify, then rebuild", _resume),
        ):
            start = time.process_time()
            opened(path)
            seconds = time.process_time() - start
            per = 100_000 * seconds / events
            print(f"{what}: {seconds:.2f} s, {per:.2f} s per 100,000 events (limit {MOST_SECONDS:g})", flush=True)


def _print_growth(marks: list[Mark]) -> None:
    """How the last nodes compare with those after the start-up, and memory per node from there on."""
    (_, first, second), (before, last) = marks[:3], marks[-2:]
    early = (second.processor - first.processor) / (second.node - first.node)
    late = (last.processor - before.processor) / (last.node - before.node)
    memory = 1000 * (last.memory - first.memory) / (last.node - first.node)
    print(f"growth: {late / early:.2f} times the processor time of the first (limit {MOST_GROWTH:g})")
    print(f"memory: {memory:.1f} kB per node (limit {MOST_KB:g})")


def _read(path: Path) -> None:
    for _ in read_events(path):
        pass


def _replay(path: Path) -> None:
    Journal(RecordedLog(path, "scale", Events(path)))


def _resume(path: Path) -> None:
    log = EventLog(path, "scale")
    Journal(log)
    log.close()


if __name__ == "__main__":
    main()
