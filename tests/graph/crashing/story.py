"""A story: a run that is killed again and again, and resumed until it ends; and what did not hold of it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import open_workspace
from tests.graph.crashing.launcher import OPERATIONS
from tests.graph.crashing.told import Told, aside, faults, told

HERE = Path(__file__).parent
WALL = "any moment"
BRIEF, SHORT = HERE / "brief.toml", HERE / "short.toml"
PATIENCE = 5.0
"""Seconds in which all that a killed session has started must be gone."""


@dataclass(frozen=True)
class Session:
    """One process of a story: its end, what it said on standard error, its notes."""

    status: int
    lived: float
    outlived: float
    orphans: list[str]
    said: str
    notes: list[dict[str, Any]]

    def noted(self, name: str) -> list[Any]:
        """The values of one kind of note."""
        return [note[name] for note in self.notes if name in note]


@dataclass(frozen=True)
class Instant:
    """Where a session is to die: at the n-th time of an operation, or after so many seconds."""

    operation: str
    phase: str = ""
    number: int = 0
    share: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Whole:
    """An undisturbed run: what it came to, its operations, the seconds it took and the events it wrote."""

    told: Told
    counts: dict[str, int]
    seconds: float
    events: int


@dataclass
class Story:
    """What was done to a run, and what did not hold."""

    kills: list[tuple[Instant, Session]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)
    refusals: int = 0
    lived: float = 0.0
    before: bytes = b""

    def go_on(self, root: Path, brief: Path, instant: Instant | None = None) -> Session:
        """One more session: the run resumed, or begun if there is none yet; and what must hold right after it."""
        log = started(root)
        finished = executed(log)
        arguments = ("resume", log.parent.name) if log else ("run", str(brief))
        done = session(root, instant, *arguments)
        self.processes += done.noted("process")
        self.lived = done.lived
        if done.orphans:
            self.faults.append(f"outlived their run: {done.orphans}")
        log = started(root)
        now = log.read_bytes() if log else b""
        now = now[: now.rfind(b"\n") + 1]
        if not now.startswith(self.before):
            self.faults.append("the log is not a continuation of what it was")
        self.before = now
        self.faults += unacknowledged(done) + repeated(done, finished, log)
        return done

    def ended(self, root: Path, whole: Whole, last: Session) -> Story:
        """This story, with what does not hold of its end."""
        log = started(root)
        if log is None or last.status != 0:
            self.faults.append("the run did not come to its end")
            return self
        workspace = open_workspace(root)
        self.faults += faults(workspace, log.parent.name, self.processes)
        self.faults += differences(whole.told, told(workspace, log.parent.name))
        return self

    @property
    def inside(self) -> int:
        """The kills inside an operation that had not returned."""
        return sum(i.phase == "inside" and not s.noted("returned") for i, s in self.kills)


def session(root: Path, instant: Instant | None, *arguments: str) -> Session:
    """Run the command line once, until it ends or the instant comes."""
    scratch = aside(root) / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    handle, notes = tempfile.mkstemp(dir=aside(root), prefix="notes-")
    os.close(handle)
    plan: dict[str, Any] = {"notes": notes}
    if instant and instant.operation != WALL:
        plan |= {"operation": instant.operation, "phase": instant.phase, "number": instant.number}
        plan["share"] = instant.share
    seconds = instant.seconds if instant else 0.0
    launched = [sys.executable, str(HERE / "launcher.py"), json.dumps(plan), *arguments, "--workspace", str(root)]
    done = subprocess.run(
        [sys.executable, str(HERE / "supervisor.py"), str(seconds), str(PATIENCE), *launched, "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONSAFEPATH": "1", "TMPDIR": str(scratch)},
    )
    end = json.loads(done.stdout.splitlines()[-1])
    written = [json.loads(line) for line in Path(notes).read_text().splitlines()]
    return Session(end["status"], end["lived"], end["outlived"], end["orphans"], done.stderr, written)


def undisturbed(root: Path, brief: Path = BRIEF) -> Whole:
    """The run that nothing happens to."""
    done = session(root, None, "run", str(brief))
    assert done.status == 0, done.said
    (log,) = root.glob("runs/*/events.jsonl")
    (counts,) = done.noted("counts")
    workspace = open_workspace(root)
    assert not (wrong := faults(workspace, log.parent.name, done.noted("process"))), wrong
    return Whole(told(workspace, log.parent.name), counts, done.lived, len(log.read_bytes().splitlines()))


def drawn(whole: Whole, chance: random.Random, left: float, target: tuple[str, str]) -> Instant:
    """An instant: for the target `WALL` evenly over the time still to go, else evenly over what is left of the
    operation. `left` is the share of the run that is still to do."""
    operation, phase = target
    if operation == WALL:
        return Instant(WALL, seconds=0.2 + chance.random() * (2.0 + left * (whole.seconds - 2.0)))
    times = max(1, round(left * whole.counts.get(operation, 1)))
    return Instant(operation, phase, chance.randint(1, times), chance.random())


TARGETS = [(WALL, "")] + [(operation, phase) for operation, phases in OPERATIONS.items() for phase in phases]


def tell(root: Path, whole: Whole, chance: random.Random, targets: list[tuple[str, str]], brief: Path = BRIEF) -> Story:
    """Kill a run at an instant of each of the targets in turn, then resume it to its end. One that ends earlier than
    its instant leaves the rest of the targets out."""
    story = Story()
    for target in [*targets, None]:
        log = started(root)
        left = 1.0 - len(log.read_bytes().splitlines()) / whole.events if log else 1.0
        instant = drawn(whole, chance, max(0.0, left), target) if target else None
        done = story.go_on(root, brief, instant)
        if done.status == 0:
            break
        if done.status != -9 or instant is None:
            story.faults.append(f"ended with {done.status}: {done.said[-600:]}")
            break
        story.kills.append((instant, done))
    return story.ended(root, whole, done)


def started(root: Path) -> Path | None:
    """The log of the run that has been registered, if one has."""
    return next((p for p in sorted(root.glob("runs/*/events.jsonl")) if b"\n" in p.read_bytes()), None)


def executed(log: Path | None) -> Counter[str]:
    """How many experiments of each script are finished in the log."""
    if log is None:
        return Counter()
    events = list(read_events(log))
    script = {e.payload["id"]: e.payload["experiment"]["script"] for e in events if e.kind == "experiment.planned"}
    return Counter(script[e.payload["experiment"]] for e in events if e.kind == "experiment.finished")


def repeated(done: Session, finished: Counter[str], log: Path | None) -> list[str]:
    """Experiments executed in a session although they were finished before it, or twice within it."""
    if log is None:
        return []
    events = list(read_events(log))
    planned = Counter(e.payload["experiment"]["script"] for e in events if e.kind == "experiment.planned")
    ran = Counter(done.noted("executed"))
    return [f"executed again: the script {s[:12]}" for s in ran if ran[s] > planned[s] - finished[s]]


def unacknowledged(done: Session) -> list[str]:
    """Events that a session acknowledged and that its logs do not have."""
    known: dict[str, set[str]] = {}
    lost = []
    for note in done.notes:
        if "acknowledged" in note:
            path = note["acknowledged"]
            if path not in known:
                known[path] = {event.hash for event in read_events(Path(path))}
            if note["hash"] not in known[path]:
                lost.append(f"acknowledged and lost: {note['hash'][:12]} of {Path(path).name}")
    return lost


def differences(expected: Told, found: Told) -> list[str]:
    """What came out otherwise than in the undisturbed run."""
    wrong = [
        f"{n}: {found.conclusions.get(n)}, not {c}"
        for n, c in expected.conclusions.items()
        if found.conclusions.get(n) != c
    ]
    wrong += [f"{n}: not in the undisturbed run" for n in found.conclusions.keys() - expected.conclusions.keys()]
    if found.tree != expected.tree:
        wrong.append("the tree is another")
    if found.experiments != expected.experiments:
        wrong.append(f"experiments counted otherwise: {found.experiments.items() ^ expected.experiments.items()}")
    if found.stopped != expected.stopped:
        wrong.append(f"stopped because {found.stopped!r}, not {expected.stopped!r}")
    return wrong
