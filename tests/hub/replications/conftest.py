"""The command as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def evidentia(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``evidentia ARGUMENTS`` on the workspace `home`, in a wide terminal."""
    command = [sys.executable, "-m", "evidentia", *arguments, "--workspace", str(home)]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, env={**os.environ, "COLUMNS": "200"})
