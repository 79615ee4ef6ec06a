"""Compiling kernels once per workspace, ahead of the experiments that use them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from evidentia.errors import EvidentiaError
from evidentia.kernels import registry

_WARM = (
    "import sys; from evidentia.kernels import registry\n"
    "for name in sys.argv[2:]: "
    "registry.measure(sys.argv[1], name, [registry.family(sys.argv[1]).metrics[0].name], seed=0)\n"
)


class CompileCache:
    """Numba's compiled code in one folder, filled by the host only.

    Experiments get a copy (see `evidentia.sandbox`), so none can change what the next one runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ready: set[tuple[str, str]] = set()
        self._guard = threading.Lock()

    def prepare(self, family: str, kernels: tuple[str, ...]) -> None:
        """Compile those kernels that this process has not seen compiled; families that need none cost nothing.

        Raises EvidentiaError when a kernel cannot be compiled or run at its defaults.
        """
        if not registry.family(family).compiled:
            return
        with self._guard:
            missing = [k for k in kernels if (family, k) not in self._ready]
            if not missing:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            environment = {"PATH": os.defpath, "NUMBA_CACHE_DIR": str(self.folder), "HOME": str(self.folder)}
            done = subprocess.run(
                [sys.executable, "-I", "-c", _WARM, family, *missing], env=environment, capture_output=True, text=True
            )
            if done.returncode:
                last = done.stderr.strip().splitlines()[-1:] or ["no message"]
                raise EvidentiaError(f"the kernels {', '.join(missing)} of {family} could not be compiled: {last[0]}")
            self._ready.update((family, k) for k in missing)
