"""Triton kernels run in Triton's interpreter, which must be chosen before the process imports them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def errors_of(script: Path, cases: Sequence[dict[str, Any]]) -> list[float]:
    """What `script` prints for the cases it reads: the largest error of each."""
    done = subprocess.run(
        [sys.executable, "-I", str(script)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        env={**os.environ, "TRITON_INTERPRET": "1"},
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    found: list[float] = json.loads(done.stdout)
    return found
