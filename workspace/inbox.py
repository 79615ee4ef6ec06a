"""A run's inbox: what people ask of a run while another process may be writing its log.

A request is a JSON file that is on the disk, whole, before `put` returns. Whoever holds the log takes the requests in
the order they were put: it writes each into the log, with its ticket, and only then removes the file. A ticket that
the log has already is removed unread, so a crash in between takes nothing twice.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evidentia.errors import BadInputError
from evidentia.workspace.canonical import canonical

MOST_BYTES = 1_000_000
"""A larger file was not put here by `put`."""


def put(folder: Path, request: Mapping[str, Any]) -> str:
    """Lay a request into the folder, durably, behind those that lie there; its ticket. Raises BadInputError when the
    disk refuses."""
    temporary: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder) as handle:
            last = max((int(p.name.split("-")[0]) for p in _files(folder)), default=0)
            ticket = f"{max(time.time_ns(), last + 1):020d}-{secrets.token_hex(4)}"
            temporary = folder / f".{ticket}.new"
            with temporary.open("wb") as file:
                file.write(canonical(request))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, folder / f"{ticket}.json")
            os.fsync(handle)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise BadInputError(f"cannot write to {folder}: {error.strerror}; nothing was asked of the run") from error
    return ticket


def waiting(folder: Path) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """The tickets that lie in the folder with their requests, oldest first; None for a file that is no request."""
    for path in sorted(_files(folder)):
        try:
            if path.stat().st_size > MOST_BYTES:
                yield path.stem, None
                continue
            request = json.loads(path.read_bytes())
        except FileNotFoundError:
            continue
        except ValueError:
            request = None
        yield path.stem, request if isinstance(request, dict) else None


def holds(folder: Path, ticket: str) -> bool:
    """Whether a request still lies in the folder."""
    return (folder / f"{ticket}.json").exists()


def remove(folder: Path, ticket: str) -> None:
    """Remove a request that is in the log."""
    (folder / f"{ticket}.json").unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return [folder / n for n in names if n.endswith(".json") and n.split("-")[0].isdecimal()]


@contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """The folder, held against other writers for the moment it takes to put one file."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)
