"""The blob store: bytes under the name of their SHA-256, written once, checked when read."""

from __future__ import annotations

import glob
import os
import tempfile
from pathlib import Path

from evidentia.errors import IntegrityError
from evidentia.workspace.canonical import sha256


class BlobStore:
    """A folder of blobs, ``ab/cdef…``. Safe for several threads and processes.

    Files still being written have the `writer` in their names, so that whoever holds its lock can `clear` them.
    """

    def __init__(self, root: Path, writer: str = "") -> None:
        self.root, self._prefix = root, f".new-{writer}-"

    def path(self, digest: str) -> Path:
        """Where the blob of this digest lies, or would lie."""
        return self.root / digest[:2] / digest[2:]

    def put(self, data: bytes) -> str:
        """Store `data` durably and return its SHA-256."""
        digest = sha256(data)
        target = self.path(digest)
        if target.exists():
            return digest
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=self._prefix)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            os.chmod(temporary, 0o444)
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return digest

    def clear(self) -> None:
        """Remove what a killed process of this writer has left half written."""
        for path in self.root.glob(f"*/{glob.escape(self._prefix)}*"):
            path.unlink(missing_ok=True)

    def get(self, digest: str) -> bytes:
        """The blob's bytes. Raises IntegrityError when it is missing or not what its name says."""
        path = self.path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise IntegrityError(f"the blob {digest[:12]}… is missing from {self.root}") from None
        if sha256(data) != digest:
            raise IntegrityError(f"the blob {path} is not what its name says: its content was changed")
        return data
