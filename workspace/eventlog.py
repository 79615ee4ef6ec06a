"""The event log: append-only, hash-chained JSON lines, durable at every acknowledged step.

The log is the truth of a run; everything else is rebuilt from it. An event is acknowledged once `append` has
returned, which is after fsync.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evidentia.errors import BadInputError, IntegrityError
from evidentia.workspace.canonical import canonical, content_id
from evidentia.workspace.records import Event

GENESIS = "0" * 64


class EventLog:
    """One writer's view of a log. Several threads may append; a second process is refused, after waiting
    `patience` seconds for the first to close.

    `repaired` says in one sentence what was cut off when the last line had been torn by a crash.
    """

    def __init__(self, path: Path, run: str, *, patience: float = 0.0) -> None:
        self.path, self.run = path, run
        self.repaired: str | None = None
        self.listener: Callable[[Event], None] | None = None
        self._guard = threading.Lock()
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
            self.events: list[Event] = list(read_events(path))
        except BaseException:
            os.close(self._file)
            raise

    def append(self, kind: str, payload: dict[str, Any], actor: str) -> Event:
        """Write one event durably. Raises BadInputError when the disk refuses; the log then ends as before."""
        with self._guard:
            event = _next_event(self.events[-1] if self.events else None, self.run, kind, payload, actor)
            _write(self.path, self._file, event)
            self.events.append(event)
        if self.listener:
            self.listener(event)
        return event

    def close(self) -> None:
        """Release the log for other writers."""
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
        event = _next_event(_last_event(path, handle), run, kind, payload, actor)
        _write(path, handle, event)
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


def _next_event(last: Event | None, run: str, kind: str, payload: dict[str, Any], actor: str) -> Event:
    body = {
        "schema": "event/1",
        "seq": last.seq + 1 if last else 0,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "run": run,
        "kind": kind,
        "actor": actor,
        "payload": payload,
        "prev": last.hash if last else GENESIS,
    }
    # Parsed back from its line, so that a run and its resumption see the same keys in the same order.
    return Event.model_validate_json(canonical({**body, "hash": content_id(body)}))


def _write(path: Path, handle: int, event: Event) -> None:
    """Append the event's line and fsync it; on failure the file is as long as before."""
    line = canonical(event.to_json()) + b"\n"
    size = os.fstat(handle).st_size
    try:
        written = 0
        while written < len(line):
            written += os.write(handle, line[written:])
        os.fsync(handle)
    except OSError as error:
        os.ftruncate(handle, size)
        raise BadInputError(
            f"cannot write the log {path}: {error.strerror}; nothing acknowledged is lost: "
            f"make room, then `evidentia resume {event.run}`"
        ) from error


def _last_event(path: Path, handle: int) -> Event | None:
    size, step = os.fstat(handle).st_size, 4096
    if size == 0:
        return None
    while True:
        start = max(0, size - step)
        tail = os.pread(handle, size - start, start)[:-1]
        cut = tail.rfind(b"\n")
        if cut >= 0 or start == 0:
            return _parse(path, tail[cut + 1 :], -1)
        step *= 4


def read_events(path: Path) -> Iterator[Event]:
    """The events of a log, each checked against the chain.

    A torn last line (a crash in mid-write) is left out. Raises IntegrityError naming the first event whose
    content, order or link is not what was written.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"cannot read the log {path}: {error.strerror}") from error
    return events_in(path, data)


def events_in(path: Path, data: bytes, prev: str = GENESIS, expected: int = 0) -> Iterator[Event]:
    """The events of a part of a log that follows the event number `expected` - 1 with the hash `prev`."""
    for number, line in enumerate(data.splitlines(keepends=True), start=expected + 1):
        if not line.endswith(b"\n"):
            return
        event = _parse(path, line, number)
        if event.seq != expected:
            raise IntegrityError(f"{path}: event {expected} is missing; line {number} holds event {event.seq}")
        body = event.to_json()
        digest = body.pop("hash")
        if event.prev != prev or content_id(body) != digest or canonical(event.to_json()) + b"\n" != line:
            raise IntegrityError(f"{path}: event {event.seq} was changed after it was written (line {number})")
        yield event
        prev, expected = event.hash, expected + 1


def _parse(path: Path, line: bytes, number: int) -> Event:
    try:
        return Event.model_validate(json.loads(line))
    except (ValueError, ValidationError) as error:
        raise IntegrityError(f"{path}: event {number - 1} is not a readable event (line {number})") from error


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
