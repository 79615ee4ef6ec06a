"""Logs kept in memory as long as their files lie as they did, so that a page of a long run is found fast."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from evidentia.workspace.eventlines import Events
from evidentia.workspace.index_sources import fingerprint

KEPT = 16


def events_of(path: Path) -> Events:
    """The events of a log, the whole chain checked once. Raises IntegrityError when it was changed."""
    return _events(path, fingerprint(path))


@lru_cache(maxsize=KEPT)
def _events(path: Path, lies: str) -> Events:
    """`lies` is how the file lay: written to, it is read again."""
    found = Events(path)
    found.check()
    return found
