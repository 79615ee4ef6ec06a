"""Reading a log on from where one is: what a live view needs, without reading the whole at each look."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from evidentia.errors import BadInputError
from evidentia.workspace.eventlines import GENESIS, checked
from evidentia.workspace.records import Event


class LogTail:
    """One reader of a log: `offset` is the byte after the last event it has read, `hash` that event's, `next` the
    number of the event to come.

    It trusts what it has read before: whoever wants proof of the whole reads the whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset, self.hash, self.next = 0, GENESIS, 0
        self._inode = 0

    def replaced(self) -> bool:
        """Whether another log lies there now, or a shorter one: then a new reader begins anew."""
        try:
            lies = self.path.stat()
        except OSError as error:
            raise BadInputError(f"cannot read the log {self.path}: {error.strerror}") from error
        return self._inode not in (0, lies.st_ino) or lies.st_size < self.offset

    def new(self) -> Iterator[tuple[Event, int]]:
        """The events since the last one that was taken, each with the length of its line, checked against the chain.
        An unfinished last line waits.

        Raises IntegrityError for a broken chain, BadInputError for a log that cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                self._inode = os.fstat(file.fileno()).st_ino
                file.seek(self.offset)
                for event, length in checked(self.path, iter(file.readline, b""), self.hash, self.next):
                    self.offset, self.hash, self.next = self.offset + length, event.hash, event.seq + 1
                    yield event, length
        except OSError as error:
            raise BadInputError(f"cannot read the log {self.path}: {error.strerror}") from error
