"""No sandbox at all: scripts run as a careless host would run them. It shows that attacks are what they claim."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

from evidentia.sandbox import Job, Outcome


class Careless:
    """Inherits environment and descriptors, takes outputs by their names, and removes only its folder."""

    level = "careless"

    def __init__(self, scratch_root: Path) -> None:
        self._root = scratch_root

    def run(self, job: Job) -> Outcome:
        """Run the job; of the limits only the wall time is kept."""
        scratch = self._root / secrets.token_hex(8)
        scratch.mkdir()
        for name, data in {**job.inputs, "experiment.py": job.script.encode()}.items():
            (scratch / name).write_bytes(data)
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "experiment.py"],
            cwd=scratch,
            capture_output=True,
            close_fds=False,
            timeout=job.limits.wall_seconds,
        )
        outputs = {name: (scratch / name).read_bytes() for name in job.outputs}
        shutil.rmtree(scratch, ignore_errors=True)
        if scratch.is_symlink():
            scratch.unlink()
        return Outcome(
            level=self.level,
            accounting="none",
            exit_status=done.returncode,
            signal=None,
            exceeded=None,
            wall_seconds=time.monotonic() - start,
            cpu_seconds=0,
            peak_memory_bytes=0,
            stdout=done.stdout,
            stderr=done.stderr,
            stdout_truncated=False,
            stderr_truncated=False,
            outputs=outputs,
            refused={},
        )

    def close(self) -> None:
        """Nothing is held."""
