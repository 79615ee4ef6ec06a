"""What goes into a sandbox and what comes out: jobs, limits and outcomes, the same for every level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What one job may use. `disk_bytes` bounds each file and the scratch folder as a whole; `output_bytes`
    bounds standard output and standard error each."""

    wall_seconds: float = 60.0
    cpu_seconds: float = 60.0
    memory_bytes: int = 2048 * MIB
    processes: int = 64
    disk_bytes: int = 256 * MIB
    output_bytes: int = MIB


@dataclass(frozen=True)
class Job:
    """A Python script to run as the main program, with the files it finds and the files it is to leave."""

    script: str
    outputs: tuple[str, ...] = ()
    inputs: Mapping[str, bytes] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()


@dataclass(frozen=True)
class Outcome:
    """What the host saw. Times, memory and exit status are measured outside the child."""

    level: str
    exit_status: int | None
    signal: int | None
    exceeded: str | None
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    stdout: bytes
    stderr: bytes
    stdout_truncated: bool
    stderr_truncated: bool
    outputs: Mapping[str, bytes]
    refused: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Exit status 0, no limit exceeded, every declared output taken."""
        return self.exit_status == 0 and self.exceeded is None and not self.refused


class SandboxClosedError(RuntimeError):
    """The sandbox was closed while, or before, the job ran; the job was killed and left nothing."""


class Sandbox(Protocol):
    """One level of isolation. `run` may be called from several threads at once."""

    level: str

    def run(self, job: Job) -> Outcome:
        """Run the job to its end or its limit. Raises SandboxClosedError after `close`."""

    def close(self) -> None:
        """Kill whatever runs and refuse further jobs."""


def environment(scratch: str, extra: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a job: nothing is inherited. Raises ValueError for a name not allowed."""
    allowed = ("SEED", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    for name in extra:
        if name not in allowed:
            raise ValueError(f"the variable {name} may not be passed into a sandbox; allowed are {', '.join(allowed)}")
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": scratch,
        "TMPDIR": scratch,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        **extra,
    }
