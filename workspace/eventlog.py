"""The event log: append-only, hash-chained JSON lines, durable at every acknowledged step.

The log is the truth of a run; everything else is rebuilt from it. An event is acknowledged once `append` or `sync` has
returned, which is after fsync. A line lies in the file after all lines before it, so one fsync makes them all durable:
events of one step, and of steps that run side by side, share one.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from evidentia.errors import BadInputError
from evidentia.workspace.eventlines import GENESIS, Events, checked, next_event, parse
from evidentia.workspace.records import Event

LINGER = 0.02
"""Seconds after which an event that nobody waits for is made durable, where no other was meanwhile."""

__all__ = ["GENESIS", "EventLog", "append_event", "events_in", "read_events"]


class EventLog:
    """One writer's view of a log. Several threads may append; a second process is refused, after waiting
    `patience` seconds for the first to close.

    `repaired` says in one sentence what was cut off when the last line had been torn by a crash. The `listener` is
    told of every event once it is acknowledged, in order.
    """

    def __init__(self, path: Path, run: str, *, patience: float = 0.0) -> None:
        self.path, self.run = path, run
        self.repaired: str | None = None
        self.listener: Callable[[Event], None] | None = None
        self._writing, self._syncing = threading.Lock(), threading.Lock()
        self._waiting: list[Event] = []
        self._broken: Exception | None = None
        self._lingering: threading.Thread | None = None
        self._deferred, self._closing = threading.Event(), threading.Event()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise BadInputError(f"cannot write the log {path}: {error.strerror}; choose another workspace") from error
        if not _locked(self._file, patience):
            os.close(self._file)
            raise BadInputError(f"{run} is being written by another process; wait for it, or stop it first")
        try:
            self.repaired = _cut_torn_line(path, self._file)
            self.events = Events(path)
            self.events.check()
        except BaseException:
            os.close(self._file)
            raise
        self._durable = self.events.size

    def append(self, kind: str, payload: dict[str, Any], actor: str, *, wait: bool = True) -> Event:
        """Write one event, and `wait` until it is durable; otherwise it is acknowledged with the next one somebody
        waits for, or after `LINGER`.

        Raises BadInputError when the disk refuses; the log then ends as before.
        """
        with self._writing:
            if self._broken:
                raise self._broken
            event, line = next_event(self.events.last, self.run, kind, payload, actor)
            _write(self.path, self._file, self.run, line)
            self.events.append(event, len(line))
            self._waiting.append(event)
        if wait:
            self.sync()
        else:
            self._defer()
        return event

    def sync(self) -> None:
        """Wait until every event written so far is durable. Threads that wait meanwhile share the next fsync.

        Raises BadInputError when the disk refuses; the log then ends with the last acknowledged event and takes no
        more, since what was built on the others is wrong.
        """
        written = self.events.size
        with self._syncing:
            if self._broken:
                raise self._broken
            if self._durable >= written:
                return
            with self._writing:
                written, acknowledged, self._waiting = self.events.size, self._waiting, []
            try:
                os.fsync(self._file)
            except OSError as error:
                with self._writing:
                    os.ftruncate(self._file, self._durable)
                    self._broken = _refused(self.path, self.run, error)
                raise self._broken from error
            self._durable = written
            if self.listener:
                for event in acknowledged:
                    self.listener(event)

    def _defer(self) -> None:
        with self._writing:
            if self._lingering is None:
                self._lingering = threading.Thread(target=self._linger, name=f"log of {self.run}", daemon=True)
                self._lingering.start()
        self._deferred.set()

    def _linger(self) -> None:
        # `close` sets closing before deferred: cleared in between, the loop still ends.
        while not self._closing.is_set():
            self._deferred.wait()
            self._closing.wait(LINGER)
            self._deferred.clear()
            try:
                self.sync()
            except Exception as error:  # the next to write is told, whatever the listener raised
                self._broken = self._broken or error
                return

    def close(self) -> None:
        """Make the last events durable and release the log for other writers."""
        try:
            if self._lingering:
                self._closing.set()
                self._deferred.set()
                self._lingering.join()
            if not self._broken:
                self.sync()
        finally:
            os.close(self._file)


def append_event(
    path: Path, run: str, kind: str, payload: dict[str, Any], actor: str, *, patience: float = 10.0
) -> Event:
    """Append one event to a log that several processes share, reading only its last line.

    Waits up to `patience` seconds for another writer. Raises BadInputError when the log stays busy or the disk
    refuses, IntegrityError when the last line is not an event.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        if not _locked(handle, patience):
            raise BadInputError(f"{path} is being written by another process; try again")
        _cut_torn_line(path, handle)
        event, line = next_event(_last_event(path, handle), run, kind, payload, actor)
        _write(path, handle, run, line)
        size = os.fstat(handle).st_size
        try:
            os.fsync(handle)
        except OSError as error:
            os.ftruncate(handle, size - len(line))
            raise _refused(path, run, error) from error
        return event
    finally:
        os.close(handle)


def _locked(handle: int, patience: float) -> bool:
    """Whether the log could be locked for this writer within `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)


def _write(path: Path, handle: int, run: str, line: bytes) -> None:
    """Append a line; on failure the file is as long as before."""
    size = os.fstat(handle).st_size
    try:
        written = 0
        while written < len(line):
            written += os.write(handle, line[written:])
    except OSError as error:
        os.ftruncate(handle, size)
        raise _refused(path, run, error) from error


def _refused(path: Path, run: str, error: OSError) -> BadInputError:
    return BadInputError(
        f"cannot write the log {path}: {error.strerror}; nothing acknowledged is lost: "
        f"make room, then `evidentia resume {run}`"
    )


def _last_event(path: Path, handle: int) -> Event | None:
    size, step = os.fstat(handle).st_size, 4096
    if size == 0:
        return None
    while True:
        start = max(0, size - step)
        tail = os.pread(handle, size - start, start)[:-1]
        cut = tail.rfind(b"\n")
        if cut >= 0 or start == 0:
            return parse(path, tail[cut + 1 :], -1)
        step *= 4


def read_events(path: Path) -> Iterator[Event]:
    """The events of a log, each checked against the chain.

    A torn last line (a crash in mid-write) is left out. Raises IntegrityError naming the first event whose
    content, order or link is not what was written.
    """
    return iter(Events(path))


def events_in(path: Path, data: bytes, prev: str = GENESIS, expected: int = 0) -> Iterator[Event]:
    """The events of a part of a log that follows the event number `expected` - 1 with the hash `prev`."""
    return (event for event, _ in checked(path, data.splitlines(keepends=True), prev, expected))


def _cut_torn_line(path: Path, handle: int) -> str | None:
    """Cut an unfinished last line off: it was never acknowledged."""
    size = os.fstat(handle).st_size
    if size == 0 or os.pread(handle, 1, size - 1) == b"\n":
        return None
    data = path.read_bytes()
    keep = data.rfind(b"\n") + 1
    os.ftruncate(handle, keep)
    os.fsync(handle)
    return f"{path.name}: the last line was torn by a crash and was cut off ({size - keep} bytes, never acknowledged)"
