"""Lines of an event log: how an event becomes one, and how lines are read back and checked against the chain.

A line is canonical JSON, and `hash` is the SHA-256 of the line without it. So the chain is checked over the bytes as
they lie there; that they are the canonical ones is checked beside it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, overload

import orjson
from pydantic import TypeAdapter

from evidentia.errors import BadInputError, IntegrityError
from evidentia.workspace.canonical import canonical, is_canonical, sha256
from evidentia.workspace.records import Event

GENESIS = "0" * 64
_validated = TypeAdapter(Event).validator.validate_python


def next_event(last: Event | None, run: str, kind: str, payload: dict[str, Any], actor: str) -> tuple[Event, bytes]:
    """The event that follows `last`, and its line."""
    hashed = canonical(
        {
            "schema": "event/1",
            "seq": last.seq + 1 if last else 0,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "run": run,
            "kind": kind,
            "actor": actor,
            "payload": payload,
            "prev": last.hash if last else GENESIS,
        }
    )
    # In the order of keys the hash comes second, after the actor.
    start = len(b'{"actor":' + canonical(actor) + b",")
    line = hashed[:start] + _told(sha256(hashed)) + hashed[start:]
    # Parsed back from its line, so that a run and its resumption see the same keys in the same order.
    return Event.model_validate(orjson.loads(line)), line + b"\n"


def _told(digest: str) -> bytes:
    return b'"hash":"%b",' % digest.encode()


def parse(path: Path, line: bytes, number: int) -> Event:
    """The event of the line of this number. Raises IntegrityError for what is none."""
    return _parsed(path, line, number)[0]


def _parsed(path: Path, line: bytes, number: int) -> tuple[Event, Any]:
    """The event of a line, and the JSON value it was made of."""
    try:
        value = orjson.loads(line)
        return _validated(value), value
    except ValueError as error:  # pydantic's own error is one, too
        raise IntegrityError(f"{path}: event {number - 1} is not a readable event (line {number})") from error


def checked(path: Path, lines: Iterable[bytes], prev: str = GENESIS, expected: int = 0) -> Iterator[tuple[Event, int]]:
    """The events of lines, which follow event `expected` - 1 with the hash `prev`, each with the length of its line.

    An unfinished last line is left out. Raises IntegrityError naming the first event whose content, order or link is
    not what was written.
    """
    for number, line in enumerate(lines, start=expected + 1):
        if not line.endswith(b"\n"):
            return
        event, value = _parsed(path, line, number)
        if event.seq != expected:
            raise IntegrityError(f"{path}: event {expected} is missing; line {number} holds event {event.seq}")
        if event.prev != prev or not _is_whole(line, event) or not is_canonical(line[:-1], value):
            raise IntegrityError(f"{path}: event {event.seq} was changed after it was written (line {number})")
        yield event, len(line)
        prev, expected = event.hash, expected + 1


def _is_whole(line: bytes, event: Event) -> bool:
    """Whether the line has the hash it names. In canonical JSON the first of these bytes are the event's own field:
    only the actor comes before, and in a string the quotes would be escaped."""
    return sha256(line[:-1].replace(_told(event.hash), b"", 1)) == event.hash


class Events(Sequence[Event]):
    """The events of a log as far as it went when it was opened, each checked when first read.

    Only the places of the lines are kept in memory; an event is read from the file whenever it is looked at. Reading
    raises IntegrityError for what is not what was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._size = path.stat().st_size
        except OSError as error:
            raise BadInputError(f"cannot read the log {path}: {error.strerror}") from error
        self._starts = array("Q", [0])
        self.last: Event | None = None

    def __iter__(self) -> Iterator[Event]:
        number = 0
        while True:
            with self.path.open("rb") as file:
                file.seek(self._starts[number])
                while number < self._known:
                    number += 1
                    yield parse(self.path, file.readline(), number)
            for event in self._rest():
                number += 1
                yield event
                if number < self._known:
                    break  # somebody has looked further meanwhile
            if number == self._known:
                return

    @property
    def _known(self) -> int:
        return len(self._starts) - 1

    def _rest(self) -> Iterator[Event]:
        """The events not read before, which are checked."""
        if self._starts[-1] >= self._size:
            return
        with self.path.open("rb") as file:
            file.seek(self._starts[-1])
            prev = self.last.hash if self.last else GENESIS
            lines = iter(file.readline, b"")
            for event, length in checked(self.path, lines, prev, self._known):
                self.append(event, length)
                yield event
                if self._starts[-1] >= self._size:
                    return
        self._size = self._starts[-1]

    def append(self, event: Event, length: int) -> None:
        """Take in the event of a line of `length` bytes that was written at the end."""
        self._starts.append(self._starts[-1] + length)
        self.last = event

    @property
    def size(self) -> int:
        """The bytes of the events read or taken in so far."""
        return self._starts[-1]

    def check(self) -> None:
        """Read all that was not read before."""
        for _ in self._rest():
            pass

    def __len__(self) -> int:
        self.check()
        return self._known

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = index if 0 <= index < self._known else range(len(self))[index]
        with self.path.open("rb") as file:
            file.seek(self._starts[number])
            line = file.read(self._starts[number + 1] - self._starts[number])
        event = parse(self.path, line, number + 1)
        if not _is_whole(line, event):
            raise IntegrityError(f"{self.path}: event {event.seq} was changed after it was written (line {number + 1})")
        return event
