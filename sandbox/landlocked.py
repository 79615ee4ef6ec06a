"""The level of Landlock and seccomp alone: a fresh interpreter per job that confines itself, without namespaces.

For machines that allow no user namespaces. Other processes can be seen, but not read or signalled; there is no
network and nothing can be written outside the scratch folder.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from evidentia.sandbox.linux import landlock, seccomp, syscalls
from evidentia.sandbox.process import ProcessSandbox
from evidentia.sandbox.zygote import root

LEVEL = "landlock+seccomp"
# With this version of Landlock signals and abstract sockets end at the job's own processes.
_SCOPED = 6
_KERNEL_FILES = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu")


def confine(scratch: str, devices: tuple[str, ...], processes: str = "/proc/self") -> None:
    """Confine this process for good, by seccomp and by what the kernel has of Landlock; `processes` is what may be
    read of ``/proc``. Raises OSError."""
    syscalls.drop_capabilities()
    if landlock.abi():
        readable = [(path, landlock.READ_EXECUTE) for path in root.readable()]
        readable += [(path, landlock.READ) for path in (processes, *_KERNEL_FILES)]
        readable += [(path, landlock.DEVICE) for path in (*root.DEVICES, *devices)]
        landlock.restrict(readable, (scratch,))
    seccomp.restrict(("memfd_create",) if devices else ())


def open_level(scratch_root: Path, compile_cache: Path | None, devices: tuple[str, ...]) -> ProcessSandbox:
    """Open a sandbox of this level."""
    return ProcessSandbox(scratch_root, compile_cache, level=LEVEL, confined=True, devices=devices)


@cache
def probe() -> tuple[bool, str]:
    """Whether this machine has the level."""
    version = landlock.abi()
    if version == 0:
        return False, "needs Linux 5.13 or newer on x86_64 or aarch64, booted with lsm=landlock,… in its command line"
    if not seccomp.available():
        return False, "the kernel takes no seccomp filters (CONFIG_SECCOMP_FILTER)"
    lacking = "" if version >= _SCOPED else f"; version {version} cannot stop signals to this user's processes (6 can)"
    return True, f"cold; Landlock version {version}{lacking}; names of other processes can be seen"
