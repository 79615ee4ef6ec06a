"""Watching many runs at once: each log is read on from where one was, and what a finished run came to is kept.

What is kept lies in ``cache/runs.json`` with the log's fingerprint, so that a list of many runs with long logs is read
once; it may be deleted.
"""

from __future__ import annotations

import json
import os
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

from evidentia.errors import EvidentiaError
from evidentia.graph.progress import Progress
from evidentia.graph.running import INTERRUPTED, WAITING
from evidentia.graph.sentences import sentence
from evidentia.workspace.home import Workspace
from evidentia.workspace.index_sources import fingerprint
from evidentia.workspace.records import PERSON, Event
from evidentia.workspace.tailing import LogTail
from evidentia.workspace.writers import lock_holders, writer_of

HELD = 8
"""Runs whose tree is held in memory: those that were looked at last."""
SECONDS_TO_READ = 0.5
SCHEMA = 1


@dataclass(frozen=True)
class Summary:
    """One run in a list. `status` is ``live``, ``paused`` (it stopped, or was killed, and can be gone on with),
    ``finished``, ``recorded`` (a person's), ``unread`` (not read yet) or ``damaged``; `stopped` tells why it stopped,
    `waiting` how many questions wait for a person."""

    run: str
    question: str = ""
    status: str = "unread"
    nodes: int = 0
    experiments: int = 0
    budget: int = 0
    packages: int = 0
    created: str = ""
    stopped: str = ""
    waiting: int = 0


class Told(NamedTuple):
    """One line of the account of a run."""

    seq: int
    time: str
    kind: str
    text: str


class Watched:
    """One run as far as its log was read. Whoever looks into `progress` holds the `lock`, since others read on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._anew()

    def _anew(self) -> None:
        self.progress, self.account, self.seen = Progress(), list[Told](), ""
        self._tail = LogTail(self.path)

    def update(self) -> None:
        """Read on. Raises IntegrityError for a broken chain, BadInputError for a log that cannot be read."""
        with self.lock:
            lies = fingerprint(self.path)
            if lies == self.seen:
                return
            if self._tail.replaced():
                self._anew()
            for event, _ in self._tail.new():
                self._take(event)
            self.seen = lies

    def _take(self, event: Event) -> None:
        self.progress.apply(event)
        if text := sentence(self.progress.tree, event):
            self.account.append(Told(event.seq, event.time, event.kind, text))

    @property
    def next(self) -> int:
        """The number of the event that comes next."""
        return self._tail.next

    def since(self, seq: int, most: int) -> list[Told]:
        """The lines of the account from event `seq` on; of more than `most` the last."""
        found: list[Told] = []
        with self.lock:
            for line in reversed(self.account):
                if line.seq < seq or len(found) == most:
                    break
                found.append(line)
        return found[::-1]

    def before(self, seq: int, most: int) -> list[Told]:
        """The last `most` lines of the account before event `seq`."""
        with self.lock:
            place = bisect_left(self.account, seq, key=lambda line: line.seq)
            return self.account[max(0, place - most) : place]


class Runs:
    """The runs of a workspace. Safe to be asked by several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._watched: OrderedDict[str, Watched] = OrderedDict()
        self._kept: dict[str, tuple[str, Summary]] | None = None
        self._lock = threading.Lock()

    def watch(self, run: str) -> Watched:
        """A run, read up to its end. Raises BadInputError when there is none of that name."""
        path = self.workspace.log_path(run)
        with self._lock:
            found = self._watched.setdefault(run, Watched(path))
            self._watched.move_to_end(run)
            while len(self._watched) > HELD:
                self._watched.popitem(last=False)
        found.update()
        return found

    def summaries(self, *, clock: Callable[[], float] = time.monotonic) -> list[Summary]:
        """All runs, newest first. Logs that changed are read for about `SECONDS_TO_READ`; the rest is "unread" until
        one asks again."""
        with self._lock:
            kept = self._load() if self._kept is None else self._kept
            end, changed, found = clock() + SECONDS_TO_READ, False, []
            holders = lock_holders()
            names = self.workspace.run_names()
            for name in reversed(names):
                path = self.workspace.log_path(name)
                lies = fingerprint(path)
                if kept.get(name, ("",))[0] != lies:
                    if changed and clock() > end:
                        found.append(kept[name][1] if name in kept else Summary(name, created=_time_of(path)))
                        continue
                    kept[name] = lies, self._read(name, path)
                    changed = True
                found.append(_live(kept[name][1], path, holders))
            for name in kept.keys() - set(names):
                del kept[name]
                changed = True
            self._kept = kept
            if changed:
                self._save(kept)
        return sorted(found, key=lambda s: (s.created, s.run), reverse=True)

    def now(self, found: Summary) -> Summary:
        """A run of which the log says that it could go on: live, if a process is at work on it."""
        return _live(found, self.workspace.log_path(found.run), lock_holders())

    def _read(self, name: str, path: Path) -> Summary:
        watched = self._watched.get(name) or Watched(path)
        try:
            watched.update()
        except EvidentiaError as error:
            return Summary(name, status="damaged", stopped=str(error), created=_time_of(path))
        with watched.lock:
            return summary(watched.progress, name)

    def _file(self) -> Path:
        return self.workspace.cache / "runs.json"

    def _load(self) -> dict[str, tuple[str, Summary]]:
        try:
            told = json.loads(self._file().read_bytes())
            if told["schema"] != SCHEMA:
                return {}
            return {name: (lies, Summary(**facts)) for name, (lies, facts) in told["runs"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _save(self, kept: dict[str, tuple[str, Summary]]) -> None:
        """A cache: where it cannot be written, the logs are read again."""
        told = {"schema": SCHEMA, "runs": {name: (lies, asdict(facts)) for name, (lies, facts) in kept.items()}}
        new = self._file().with_suffix(f".{os.getpid()}.new")
        try:
            new.parent.mkdir(exist_ok=True)
            new.write_text(json.dumps(told), encoding="utf-8")
            os.replace(new, self._file())
        except OSError:
            new.unlink(missing_ok=True)


def summary(progress: Progress, run: str) -> Summary:
    """A run in a list, as far as its log tells; whether it is live the log does not tell."""
    status = "finished"
    if progress.mind == PERSON:
        status = "recorded"
    elif progress.stopped in ("", INTERRUPTED, WAITING) or progress.people.reopened:
        status = "paused"
    return Summary(
        run=run,
        question=progress.question,
        status=status,
        nodes=progress.tree.graph.number_of_nodes(),
        experiments=progress.experiments,
        budget=progress.budget,
        packages=progress.packages,
        created=progress.created,
        stopped=progress.stopped,
        waiting=len(progress.people.open(progress.approve)),
    )


def _live(found: Summary, path: Path, holders: dict[int, list[int]]) -> Summary:
    if found.status in ("paused", "recorded") and writer_of(path, holders) is not None:
        return replace(found, status="live")
    return found


def _time_of(path: Path) -> str:
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")
    except OSError:
        return ""
