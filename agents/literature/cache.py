"""Answers of services on disk, so that a question asked twice costs one request. May be deleted at any time."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evidentia.workspace.canonical import canonical, sha256


@dataclass(frozen=True)
class Fetched:
    """An answer: the address asked (without keys), when (UTC, ISO 8601), the bytes, and whether they were on disk."""

    url: str
    retrieved: str
    body: bytes
    cached: bool = False

    @property
    def sha256(self) -> str:
        """The digest of the raw bytes."""
        return sha256(self.body)


class Cache:
    """A folder of answers, one file each: a line of JSON, then the bytes. Damaged and old files count as absent."""

    def __init__(self, folder: Path, days: float) -> None:
        self.folder, self.days = folder, days

    def path(self, url: str) -> Path:
        """Where the answer of this address lies, or would lie."""
        return self.folder / f"{sha256(url.encode())[:32]}.answer"

    def get(self, url: str) -> Fetched | None:
        """The answer, if it is there, whole, of this address and young enough."""
        try:
            head, _, body = self.path(url).read_bytes().partition(b"\n")
            about = json.loads(head)
            found = Fetched(about["url"], about["retrieved"], body, cached=True)
            age = datetime.now(UTC) - datetime.fromisoformat(found.retrieved)
            whole = found.url == url and found.sha256 == about["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if whole and timedelta(0) <= age <= timedelta(days=self.days) else None

    def put(self, answer: Fetched) -> None:
        """Keep an answer. A disk that refuses costs the next request only, so it is not an error."""
        about = {"url": answer.url, "retrieved": answer.retrieved, "sha256": answer.sha256}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        except OSError:
            return
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(canonical(about) + b"\n" + answer.body)
            os.replace(temporary, self.path(answer.url))
        except OSError:
            Path(temporary).unlink(missing_ok=True)

    def forget(self, url: str) -> None:
        """Take the answer of an address away."""
        with contextlib.suppress(OSError):
            self.path(url).unlink(missing_ok=True)

    def asked(self, service: str) -> Path:
        """The file under which a service is asked, one process at a time (`politeness.turn`)."""
        return self.folder / f".last-{service.lower()}"
