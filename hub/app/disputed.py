"""Tensions as the page shows them: the list, read again when the ledger has changed, and both claims of each."""

from __future__ import annotations

import threading
import time
from typing import Any

from fastapi import Request

from evidentia.hub.tensions import Detected, Measured, detect
from evidentia.hub.tensions.index import claim, open_index
from evidentia.workspace.home import Workspace
from evidentia.workspace.index_sources import fingerprint

SHARE = 5
"""A list that took a second to find is not made again for so many seconds, however fast packages are published."""
PATIENCE = 1.0
"""Seconds a page waits for a comparison that goes on."""
STATES = {
    "open": "Open",
    "boundary": "Boundary",
    "explained": "Explained",
    "resolved": "Resolved",
    "unexplained": "Unexplained",
}
TOLD = {
    "open": "equal conditions, and the values differ by more than chance and tolerance",
    "boundary": "the values differ, and so do the conditions: where one ends, the other begins",
    "explained": "a factorial attributes the difference to conditions",
    "resolved": "explained, and the factorial's package came out again when it was verified",
    "unexplained": "a factorial was run, and the conditions do not account for the difference",
}


def state_of(item: dict[str, Any]) -> str:
    """One of `STATES`."""
    if item["state"] == "explained":
        return "resolved" if item["explanation_verified"] else "explained"
    if item["state"] == "unexplained":
        return "unexplained"
    return "boundary" if item["class"] == "boundary" else "open"


class Tensions:
    """The tensions of a workspace, kept between requests. They are compared beside the requests: a first comparison
    of very many packages takes longer than anybody waits for a page."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._lock = threading.Lock()
        self._work: threading.Thread | None = None
        self._found: Detected | Exception | None = None
        self._seen = ""
        self._fresh_until = 0.0

    def found(self) -> Detected:
        """What is known now, or was a moment ago; a first comparison is waited for. Raises IntegrityError when the
        ledger was changed."""
        found = self.soon()
        while found is None:
            found = self.soon()
        return found

    def soon(self) -> Detected | None:
        """The same within `PATIENCE` seconds; None while the first comparison goes on."""
        with self._lock:
            moved = fingerprint(self.workspace.ledger_path) != self._seen and time.monotonic() > self._fresh_until
            if (self._found is None or moved) and self._work is None:
                self._work = threading.Thread(target=self._detect, daemon=True)
                self._work.start()
            work = self._work
        if work:
            work.join(PATIENCE)
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    def _detect(self) -> None:
        began = time.monotonic()
        found: Detected | Exception
        try:
            found = detect(self.workspace)
        except Exception as error:  # whoever asks for the page is told
            found = error
        with self._lock:
            # What was detected stands in the ledger now.
            self._found, self._seen = found, fingerprint(self.workspace.ledger_path)
            now = time.monotonic()
            self._fresh_until, self._work = now + SHARE * (now - began), None


def tensions_of(request: Request) -> Tensions:
    """The server's list of tensions."""
    state = request.app.state
    if not hasattr(state, "tensions"):
        state.tensions = Tensions(state.workspace)
    found: Tensions = state.tensions
    return found


def sides(workspace: Workspace, items: list[dict[str, Any]]) -> dict[str, Measured]:
    """The claims that tensions are about, by reference; those of packages that were replaced are left out."""
    with open_index(workspace) as index:
        found = {ref: claim(index, ref) for item in items for ref in item["claims"]}
    return {ref: measured for ref, measured in found.items() if measured}
