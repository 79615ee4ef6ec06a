"""What goes into a sandbox and what comes out: jobs, limits and outcomes, the same for every level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What one job may use. `disk_bytes` bounds each file and the scratch folder as a whole, `files` the number of
    files in it; `output_bytes` bounds standard output and standard error each. Where control groups count the
    `processes`, threads count too."""

    wall_seconds: float = 60.0
    cpu_seconds: float = 60.0
    memory_bytes: int = 2048 * MIB
    processes: int = 64
    disk_bytes: int = 256 * MIB
    files: int = 16384
    output_bytes: int = MIB


@dataclass(frozen=True)
class Job:
    """A Python script to run as the main program, with the files it finds and the files it is to leave.

    `warm` are statements of the library's own, never of a script's author, that compile or load what the script
    will use; they run once in each sandbox, outside of any job. `seed` sets the generators of Python, NumPy and
    torch before the script begins.
    """

    script: str
    outputs: tuple[str, ...] = ()
    inputs: Mapping[str, bytes] = field(default_factory=dict)
    limits: Limits = Limits()
    warm: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """What the host saw. Times, memory and exit status are measured outside the child; `accounting` says by what:
    ``cgroup`` (the kernel's count of the job's own memory) or ``procfs`` (resident memory, looked up now and then)."""

    level: str
    accounting: str
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


class SandboxFailedError(RuntimeError):
    """The sandbox itself could not do its work, through no fault of the job."""


class Sandbox(Protocol):
    """One level of isolation. `run` may be called from several threads at once."""

    level: str

    def run(self, job: Job) -> Outcome:
        """Run the job to its end or its limit. Raises SandboxClosedError after `close`, SandboxFailedError when the
        job could not be started or its `warm` statements failed."""

    def close(self) -> None:
        """Kill whatever runs and refuse further jobs."""


def variables(scratch: str) -> dict[str, str]:
    """The whole environment of a job: nothing is inherited."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": scratch,
        "TMPDIR": scratch,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{scratch}/.matplotlib",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
    }
