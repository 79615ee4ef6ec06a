"""The ledger's chain, checked event by event and kept as places in the file: any page of it is read without the rest.

What was checked before is known again by its SHA-256, so that only new events are checked one by one. A ledger whose
beginning changed is checked anew, which finds where it was broken.
"""

from __future__ import annotations

import hashlib
import threading
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evidentia.errors import EvidentiaError
from evidentia.workspace.eventlines import parse
from evidentia.workspace.index_sources import fingerprint
from evidentia.workspace.records import Event
from evidentia.workspace.standing import concerned
from evidentia.workspace.tailing import LogTail


@dataclass(frozen=True)
class Chain:
    """What is known of the chain: how many events are whole, the hash of the last of them, and in one sentence where
    it is broken, if it is."""

    count: int
    head: str
    broken: str


class LedgerChain:
    """One ledger, safe to be asked by several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._anew()

    def _anew(self) -> None:
        self._tail, self._prefix = LogTail(self.path), hashlib.sha256()
        self._starts = array("Q", [0])
        self._of_kind: dict[str, array[int]] = {}
        self._of_package: dict[str, array[int]] = {}
        self._seen, self._broken = "", ""

    def check(self, *, anew: bool = False) -> Chain:
        """Check what is new, or with `anew` everything."""
        with self._lock:
            lies = fingerprint(self.path)
            if anew or lies != self._seen:
                if anew or self._broken or not lies or not self._begins_as_before():
                    self._anew()
                if lies:
                    self._go_on()
                self._seen = lies
            return Chain(self._tail.next, self._tail.hash, self._broken)

    def _begins_as_before(self) -> bool:
        """Whether the bytes that were checked lie there still."""
        digest, left = hashlib.sha256(), self._tail.offset
        try:
            with self.path.open("rb") as file:
                while left and (data := file.read(min(left, 1 << 20))):
                    digest.update(data)
                    left -= len(data)
        except OSError:
            return False
        return not left and digest.digest() == self._prefix.digest()

    def _go_on(self) -> None:
        try:
            with self.path.open("rb") as file:
                file.seek(self._tail.offset)
                for event, length in self._tail.new():
                    self._prefix.update(file.read(length))
                    self._starts.append(self._starts[-1] + length)
                    self._of_kind.setdefault(event.kind, array("L")).append(event.seq)
                    for name in concerned(event):
                        self._of_package.setdefault(name, array("L")).append(event.seq)
        except (EvidentiaError, OSError) as error:
            self._broken = str(error)

    def kinds(self) -> dict[str, int]:
        """How many events there are of each kind."""
        with self._lock:
            return {kind: len(seqs) for kind, seqs in sorted(self._of_kind.items())}

    def find(self, package: str = "", kind: str = "") -> Sequence[int]:
        """The numbers of the events that concern a package and are of a kind, oldest first; empty names leave it."""
        with self._lock:
            of_package = self._of_package.get(package, array("L"))
            of_kind = self._of_kind.get(kind, array("L"))
            if package and kind:
                wanted = set(of_kind)
                return [seq for seq in of_package if seq in wanted]
            if package or kind:
                return (of_package if package else of_kind)[:]
            return range(self._tail.next)

    def read(self, seqs: Sequence[int]) -> list[Event]:
        """Events by their numbers. Raises IntegrityError for a line that is no event any more."""
        with self._lock, self.path.open("rb") as file:
            found = []
            for seq in seqs:
                file.seek(self._starts[seq])
                line = file.read(self._starts[seq + 1] - self._starts[seq])
                found.append(parse(self.path, line, seq + 1))
            return found
