"""A run's log as the pages read it: taken in once, later only what was added, with what every event changed.

Only the tree, the world model and what was spent are built, not the whole journal, which takes several times as long.
The last few runs are kept; a log that was replaced or cut is read anew.
"""

from __future__ import annotations

import gc
import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from evidentia.errors import BadInputError, IntegrityError
from evidentia.graph.branch import Branch
from evidentia.graph.progress import Progress
from evidentia.graph.told import Recall
from evidentia.graph.world import World
from evidentia.hub.app.instants import Instants, latest
from evidentia.hub.app.moments import DECISIONS, failed
from evidentia.workspace.eventlines import GENESIS, Events, checked
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import Event

KEPT = 4
KINDS = ("question", "experiment", "decision", "pivot", "dead_end", "attack", "repair", "aggregate")
DEAD_END = KINDS.index("dead_end")
WORKS = {"falsify": "attack", "debug": "repair", "aggregate": "aggregate"}


class RunLog:
    """One run: its tree, and per event and node what the tree's page, the replay and the live view need.

    Nodes are numbered in the order they came. `born` has the event of each, `changes` the events, nodes and states of
    all changes of state, `about` the node that an event is mainly about (-1 for none).
    """

    def __init__(self, path: Path, run: str) -> None:
        self.lock = threading.RLock()
        self.path, self.run = path, run
        self.progress, self.world = Progress(), World()
        self.tree = self.progress.tree
        self.events = Events(path)
        self.branches: dict[str, Branch] = {}
        self._recall = Recall(lambda seq: self.events[seq])
        self._file = _identity(path)
        self.names: list[str] = []
        self.number: dict[str, int] = {}
        self.kinds = bytearray()
        self.parents = array("l")
        self.born = array("l")
        self.states: list[str] = [""]
        self.state = bytearray()
        self.changes = (array("l"), array("l"), bytearray())
        self.event_kinds: list[str] = []
        self.event_kind = bytearray()
        self._codes: dict[str, int] = {}
        self.about = array("l")
        self.times = array("Q")
        self.decisions, self.failures = array("l"), array("l")
        self.instants = Instants()
        self.hypothesis_of: dict[str, str] = {}
        self.effects: dict[int, float] = {}
        self._experiments: dict[str, int] = {}
        self._told: list[Any] = []

    @property
    def last(self) -> int:
        """The number of the last event; -1 before the first."""
        return len(self.times) - 1

    @property
    def stopped(self) -> str:
        """Why the run stopped; empty while it goes on, or where it was killed."""
        return self.progress.stopped

    @property
    def head(self) -> str:
        """The hash of the last event: it names everything before it."""
        return self.events.last.hash if self.events.last else GENESIS

    def replaced(self) -> bool:
        """Whether the file is no longer the one that was read."""
        file = _identity(self.path)
        return file[:2] != self._file[:2] or file[2] < self.events.size

    def refresh(self) -> None:
        """Take in what was written since. Raises IntegrityError when the log is not what was written."""
        with self.lock, _without_collecting():
            for event in self._new():
                try:
                    self._take(event)
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    told = f"{self.path}: event {event.seq} ({event.kind}) does not follow from those before it"
                    raise IntegrityError(told) from error

    def _new(self) -> Iterator[Event]:
        path, start = self.path, self.events.size
        if _identity(path)[2] <= start:
            return
        with path.open("rb") as file:
            file.seek(start)
            prev = self.events.last.hash if self.events.last else GENESIS
            for event, length in checked(path, iter(file.readline, b""), prev, len(self.times)):
                self.events.append(event, length)
                yield event

    def _take(self, event: Event) -> None:
        before = len(self.names)
        self.progress.apply(event)
        self.world.apply(event)
        if (code := self._codes.get(event.kind)) is None:
            self._codes[event.kind] = code = len(self.event_kinds)
            self.event_kinds.append(event.kind)
        self.event_kind.append(code)
        self.times.append(int(1000 * datetime.fromisoformat(event.time).timestamp()))
        grown = len(self.tree.graph) - before
        for name in latest(self.tree.graph, grown):
            self._add(name, event.seq)
        touched = self._touched(event)
        for number in dict.fromkeys((*range(before, before + grown), *touched)):
            self._note(number, event)
        new = next((n for n in range(before, before + grown) if self.kinds[n] != DEAD_END), -1)
        self.about.append(new if new >= 0 else touched[0] if touched else before if grown else -1)
        if event.kind in DECISIONS:
            self.decisions.append(event.seq)
        if failed(event):
            self.failures.append(event.seq)
        self.instants.take(event, self.world, self.progress)

    def _add(self, name: str, seq: int) -> None:
        node, told = self.tree.node(name), self.tree.attributes(name)
        self.number[name] = number = len(self.names)
        self.names.append(name)
        kind = WORKS.get(told.get("work", ""), node.type) if node.type == "experiment" else node.type
        self.kinds.append(KINDS.index(kind))
        self.parents.append(self.number[node.parent] if node.parent else -1)
        self.born.append(seq)
        self.state.append(0)
        self._told.append(None)
        if experiment := told.get("experiment"):
            self._experiments[experiment] = number

    def _touched(self, event: Event) -> list[int]:
        """The nodes that an event names, by themselves, their hypothesis or their experiment; the closest first."""
        payload, found = event.payload, []
        planned = payload.get("experiment")
        if isinstance(planned, dict):
            name = self.hypothesis_of[payload["id"]] = planned["hypothesis"]
        elif event.kind == "hypothesis.registered":
            name = payload["id"]
            self.branches[name] = Branch(name, payload, self._recall)
        else:
            name = payload.get("hypothesis") or self.hypothesis_of.get(planned or "", "")
            if planned in self._experiments:
                found.append(self._experiments[planned])
        if (node := self.number.get(payload.get("node") or "")) is not None:
            found.append(node)
        place = self.tree.node_of
        if name in self.branches:
            found.append(self.number[place[name]])
            self.branches[name].take(event)
            if event.kind == "branch.concluded":
                self.branches[name].outcome = payload["outcome"]
                self.effects[found[-1]] = self.branches[name].effect
        several = payload.get("hypotheses")
        if isinstance(several, list):
            found += [self.number[place[name]] for name in several if name in place]
        return found

    def _note(self, number: int, event: Event) -> None:
        """Remember a change of a node's state, package or claims."""
        told = self.tree.graph.nodes[self.names[number]]
        seen = (told.get("status", ""), told.get("package"), told.get("claims"))
        if seen == self._told[number]:
            return
        self._told[number] = seen
        if seen[0] not in self.states:
            self.states.append(seen[0])
        self.state[number] = code = self.states.index(seen[0])
        self.changes[0].append(event.seq)
        self.changes[1].append(number)
        self.changes[2].append(code)

    def branch(self, node: str) -> Branch | None:
        """The hypothesis that a node stands for, or that an attack or a repair is about; None where there is none."""
        told = self.tree.attributes(node)
        return self.branches.get(told.get("hypothesis") or self.hypothesis_of.get(told.get("experiment", ""), ""))


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Nothing that a log gives becomes garbage while it is read, and looking for some takes a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _identity(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise BadInputError(f"cannot read the log {path}: {error.strerror}") from error
    return found.st_dev, found.st_ino, found.st_size


_KEPT: OrderedDict[Path, RunLog] = OrderedDict()
_OPENING = threading.Lock()


def run_log(workspace: Workspace, run: str) -> RunLog:
    """The run's log up to its last whole line. Raises BadInputError for an unknown run, IntegrityError when the log is
    not what was written."""
    path = workspace.log_path(run).resolve()
    with _OPENING:
        found = _KEPT.get(path)
        if found is None or found.replaced():
            found = _KEPT[path] = RunLog(path, run)
        _KEPT.move_to_end(path)
        while len(_KEPT) > KEPT:
            _KEPT.popitem(last=False)
    try:
        found.refresh()
    except Exception:
        with _OPENING:
            _KEPT.pop(path, None)
        raise
    return found
