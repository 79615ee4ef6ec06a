"""The event log: append-only, hash-chained JSON lines, durable at every acknowledged step.

The log is the truth of a run; everything else is rebuilt from it. An event is acknowledged once `append` has
returned, which is after fsync.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
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
    """One writer's view of a log. Several threads may append; a second process is refused.

    `repaired` says in one sentence what was cut off when the last line had been torn by a crash.
    """

    def __init__(self, path: Path, run: str) -> None:
        self.path, self.run = path, run
        self.repaired: str | None = None
        self.listener: Callable[[Event], None] | None = None
        self._guard = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise BadInputError(f"cannot write the log {path}: {error.strerror}; choose another workspace") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise BadInputError(f"{run} is being written by another process; wait for it, or stop it first") from None
        try:
            self.repaired = _cut_torn_line(path, self._file)
            self.events: list[Event] = list(read_events(path))
        except BaseException:
            os.close(self._file)
            raise

    def append(self, kind: str, payload: dict[str, Any], actor: str) -> Event:
        """Write one event durably. Raises BadInputError when the disk refuses; the log then ends as before."""
        with self._guard:
            last = self.events[-1] if self.events else None
            body = {
                "schema": "event/1",
                "seq": last.seq + 1 if last else 0,
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "run": self.run,
                "kind": kind,
                "actor": actor,
                "payload": payload,
                "prev": last.hash if last else GENESIS,
            }
            event = Event.model_validate({**body, "hash": content_id(body)})
            self._write(canonical(event.to_json()) + b"\n")
            self.events.append(event)
        if self.listener:
            self.listener(event)
        return event

    def _write(self, line: bytes) -> None:
        size = os.fstat(self._file).st_size
        try:
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, size)
            raise BadInputError(
                f"cannot write the log {self.path}: {error.strerror}; nothing acknowledged is lost, "
                f"make room and continue with `evidentia resume {self.run}`"
            ) from error

    def close(self) -> None:
        """Release the log for other writers."""
        os.close(self._file)


def read_events(path: Path) -> Iterator[Event]:
    """The events of a log, each checked against the chain.

    A torn last line (a crash in mid-write) is left out. Raises IntegrityError naming the first event whose
    content, order or link is not what was written.
    """
    prev, expected = GENESIS, 0
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"cannot read the log {path}: {error.strerror}") from error
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
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
