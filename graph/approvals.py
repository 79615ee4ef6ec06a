"""What a run has to do with people while it works: it takes their requests into its log, and waits at the gates that
the brief names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidentia.errors import BadInputError
from evidentia.graph.journal import Journal
from evidentia.graph.people import Gate, Request
from evidentia.graph.steering_requests import read_request
from evidentia.workspace import inbox


@dataclass(frozen=True)
class Reply:
    """What a person says to a request: the ids that they drop, and why."""

    name: str
    dropped: tuple[str, ...] = ()
    why: str = ""


Asker = Callable[[Request, Callable[[], bool]], Reply | None]
"""Asks a person; None if they leave it open. The second argument takes what has come in and says whether the request is
still open: somebody may answer it elsewhere meanwhile."""
Write = Callable[[str, Mapping[str, Any], str], None]


def inbox_of(journal: Journal) -> Path:
    """The folder in which other processes leave their requests to a run."""
    return journal.log.path.parent / "inbox"


def take(journal: Journal, write: Callable[[str, dict[str, Any], str], Any]) -> int:
    """Write the requests of the inbox into the log and remove them; how many there were.

    One request is one event with its ticket. One that the run cannot do (any more) is an event that says why.
    """
    folder, taken = inbox_of(journal), 0
    for ticket, data in inbox.waiting(folder):
        taken += 1
        if ticket not in journal.people.taken:
            name = "somebody"
            try:
                if data is None:
                    raise BadInputError("the file is not a request")
                asked = read_request(data)
                name = asked.name
                kind, payload = asked.event(journal)
            except BadInputError as error:
                kind, payload = (
                    "request.refused",
                    {"because": str(error), "asked": str((data or {}).get("act", ""))[:40]},
                )
            write(kind, {**payload, "ticket": ticket}, f"person/{name}")
        inbox.remove(folder, ticket)
    return taken


class Desk:
    """Where a working run and people meet. Its methods may be called from several threads."""

    def __init__(self, journal: Journal, write: Write) -> None:
        self.journal, self._write = journal, write
        self._alone = threading.Lock()

    def take(self) -> None:
        """Take what lies in the inbox."""
        with self._alone:
            take(self.journal, self._write)

    def ask(self, gate: Gate, about: str, items: Callable[[], Sequence[Mapping[str, Any]]], **more: Any) -> str | None:
        """The name of the request that waits for a person at this gate, asked now if it was not yet; None where nobody
        need be asked, or all is answered."""
        people, brief = self.journal.people, self.journal.brief
        if brief is None or gate not in brief.approve:
            return None
        with self._alone:
            asked = people.request(gate, about)
            if asked is None:
                found = [dict(item) for item in items()]
                name = f"A{len(people.requests) + 1:03d}"
                told = {"request": name, "gate": gate, "about": about, "items": found, **more}
                self._write("approval.asked", told, "orchestrator")
                return name
        return None if asked.name in people.answers else asked.name

    def passed(self, gate: Gate, about: str, item: str) -> bool:
        """Whether an item passed the gate; all do where nobody dropped any."""
        answer = self.journal.people.answer(gate, about)
        return answer is None or item not in answer.dropped

    def settle(self, asker: Asker | None, stopping: Callable[[], bool]) -> bool:
        """Ask a person whatever is open; whether nothing is left open."""
        self.take()
        for request in self.journal.open_requests():
            if asker is None or stopping():
                return False

            def still_open(name: str = request.name) -> bool:
                self.take()
                return not stopping() and name not in self.journal.people.answers

            reply = asker(request, still_open)
            if reply is not None and request.name not in self.journal.people.answers:
                self._answer(request, reply)
        return not self.journal.open_requests()

    def _answer(self, request: Request, reply: Reply) -> None:
        """What was answered here goes the way of all requests, so that it is on the disk before it is acted on."""
        said = {"act": "approve", "name": reply.name, "why": reply.why}
        inbox.put(inbox_of(self.journal), {**said, "request": request.name, "dropped": list(reply.dropped)})
        self.take()
