"""The graphics cards of this machine: what CUDA calls them, and the device files through which a job reaches them."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from evidentia.sandbox.job import variables
from evidentia.sandbox.process import INTERPRETER

_PATTERNS = ("nvidia[0-9]*", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-caps/nvidia-cap[0-9]*")
_ASK = "import torch; [print(torch.cuda.get_device_name(i)) for i in range(torch.cuda.device_count())]"
_PATIENCE = 120.0


def gpu_files(folder: Path = Path("/dev")) -> tuple[str, ...]:
    """NVIDIA's device files, all cards and what they share; empty where there are none."""
    found = [path for pattern in _PATTERNS for path in sorted(folder.glob(pattern))]
    return tuple(str(path) for path in found if path.is_char_device())


@cache
def gpu_names() -> tuple[str, ...]:
    """The names of the CUDA devices in CUDA's own order, so that a job measures on the first; empty where torch has
    none. Asked of another process with the variables of a job: this one stays without a context on the card."""
    with tempfile.TemporaryDirectory(prefix="evidentia-gpu-") as scratch:
        command = [*INTERPRETER, "-c", _ASK]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, env=variables(scratch), cwd=scratch, timeout=_PATIENCE
            )
        except (OSError, subprocess.SubprocessError):
            return ()
    return tuple(done.stdout.split("\n")[:-1]) if done.returncode == 0 else ()
