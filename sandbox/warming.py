"""Compiling ahead of the jobs: Numba's code in one folder that only the library's own statements ever write."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from evidentia.sandbox.job import SandboxFailedError


class CompileCache:
    """A folder of compiled code for cold levels; jobs get a copy, so none can change what the next one runs.

    Without a folder it makes one of its own, which goes with `close`.
    """

    def __init__(self, folder: Path | None) -> None:
        self._given = folder
        self._own: tempfile.TemporaryDirectory[str] | None = None
        self._done: set[str] = set()
        self._guard = threading.Lock()

    def warm(self, statements: tuple[str, ...]) -> None:
        """Run the statements that were not run yet. Raises SandboxFailedError with the last line of the fault."""
        with self._guard:
            missing = [s for s in statements if s not in self._done]
            if not missing:
                return
            folder = self._folder()
            environment = {"PATH": os.defpath, "NUMBA_CACHE_DIR": str(folder), "HOME": str(folder)}
            command = [sys.executable, "-s", "-P", "-c", "\n".join(missing)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if done.returncode:
                last = done.stderr.strip().splitlines()[-1:] or ["no message"]
                raise SandboxFailedError(f"the library could not be made ready: {last[0]}")
            self._done.update(missing)

    def copy_to(self, target: Path) -> None:
        """Give a job its copy."""
        folder = Path(self._own.name) if self._own else self._given
        if folder is not None and folder.is_dir():
            shutil.copytree(folder, target)

    def close(self) -> None:
        """Remove a folder of its own."""
        with self._guard:
            if self._own:
                self._own.cleanup()
                self._own = None

    def _folder(self) -> Path:
        if self._given is not None:
            self._given.mkdir(parents=True, exist_ok=True)
            return self._given
        if self._own is None:
            self._own = tempfile.TemporaryDirectory(prefix="evidentia-compiled-")
        return Path(self._own.name)
