"""What the index is made from: the part of the ledger it has not read, and the manifests as they lie on disk."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from evidentia.errors import BadInputError
from evidentia.workspace.canonical import sha256
from evidentia.workspace.eventlog import GENESIS, events_in
from evidentia.workspace.package.store import MANIFEST
from evidentia.workspace.records import Event

ARTIFACTS = "evidence/rows/"
Texts = tuple[str, str, str, str, str, str]
LESSON = 4
"""Where among the texts the dead end's is."""


class Position(NamedTuple):
    """How far a ledger was read: bytes and their SHA-256, the last event's hash, the next event's number."""

    size: int = 0
    prefix: str = sha256(b"")
    last: str = GENESIS
    next: int = 0


@dataclass(frozen=True)
class Tail:
    """The events after a position, the position after them, and how the file lay when it was read.

    `anew` says that the ledger no longer begins with what was read before, so that the events are all of them.
    """

    events: list[Event]
    position: Position
    fingerprint: str
    anew: bool


def fingerprint(path: Path | str) -> str:
    """Size, times and inode of a file, which any change of it moves; empty where there is none."""
    try:
        seen = os.stat(path)  # a Path would cost as much again, ten thousand times
    except (OSError, ValueError):
        return ""
    return f"{seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns} {seen.st_ino}"


def read_tail(path: Path, position: Position) -> Tail:
    """What the ledger holds after `position`, its chain checked. Raises IntegrityError when the chain is broken."""
    lies = fingerprint(path)
    try:
        data = path.read_bytes() if lies else b""
    except OSError as error:
        raise BadInputError(f"cannot read the ledger {path}: {error.strerror}") from error
    anew = sha256(data[: position.size]) != position.prefix
    if anew:
        position = Position()
    whole = data.rfind(b"\n") + 1
    events = list(events_in(path, data[position.size : whole], position.last, position.next))
    if events:
        position = Position(whole, sha256(data[:whole]), events[-1].hash, events[-1].seq + 1)
    return Tail(events, position, lies, anew)


def manifest_path(packages: Path, package: str, version: int) -> str:
    """Where the manifest of a package lies; empty for a name that would lead out of the folder."""
    if package in ("", ".", "..") or "/" in package or "\0" in package:
        return ""
    return f"{packages}/{package}/v{version}/{MANIFEST}"


def read_manifest(path: str) -> bytes:
    """The bytes of a manifest, empty where they cannot be read."""
    try:
        return Path(path).read_bytes() if path else b""
    except OSError:
        return b""


def artifacts_of(manifest: bytes) -> dict[str, str]:
    """SHA-256 of what others may use as an input, by file: the recorded rows, but for empty ones."""
    files = _inside(_read(manifest), "files")
    found = files.items() if isinstance(files, dict) else ()
    return {
        name: digest
        for name, digest in found
        if name.startswith(ARTIFACTS) and isinstance(digest, str) and digest != sha256(b"")
    }


def cpu_seconds_of(manifest: bytes) -> float:
    """CPU seconds that all runs of a package took together, as the host measured them; 0 where none are told."""
    runs = _inside(_inside(_read(manifest), "branch"), "runs")
    taken = [_inside(_inside(run, "evidence"), "cpu_seconds") for run in runs] if isinstance(runs, list) else []
    return sum(float(t) for t in taken if isinstance(t, int | float) and math.isfinite(t))


def texts_of(manifest: bytes, summary: dict[str, Any]) -> Texts:
    """Title, statement, question, claims, dead end's lesson and tags: what a search looks through.

    A manifest of another form gives what it has; title and tags are those of the ledger.
    """
    data = _read(manifest)
    branch = _inside(data, "branch")
    dead_end = _inside(branch, "dead_end")
    claims = data.get("claims") if isinstance(data, dict) else None
    statements = [_text(c, "statement") for c in claims if isinstance(c, dict)] if isinstance(claims, list) else []
    return (
        str(summary["title"]),
        _text(_inside(branch, "hypothesis"), "statement"),
        _text(data, "question"),
        "\n".join(statements),
        f"{_text(dead_end, 'failure_mode')}\n{_text(dead_end, 'lesson')}".strip(),
        " ".join(str(tag) for tag in summary["tags"]),
    )


def _read(manifest: bytes) -> Any:
    try:
        return json.loads(manifest)
    except (ValueError, RecursionError):
        return None


def _inside(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: Any, name: str) -> str:
    found = _inside(value, name)
    return found if isinstance(found, str) else ""
