"""Control groups, version 1 or 2: a hard limit on memory and processes, and the kernel's own account of both.

Only used where this user may make groups below its own; the limits of the group it is in go on to hold.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_MEMBERS = "cgroup.procs"
_PREFIX = "evidentia-"


@dataclass
class Group:
    """One group, as the folder of each controller; `open_members` gives descriptors through which a process joins."""

    folders: dict[str, Path]
    version: int

    def open_members(self) -> list[int]:
        """Descriptors of the member files: a process that writes ``0`` to each has joined."""
        unique = dict.fromkeys(self.folders.values())
        return [os.open(folder / _MEMBERS, os.O_WRONLY | os.O_CLOEXEC) for folder in unique]

    def limit(self, memory_bytes: int, processes: int) -> None:
        """Bound the memory (swap included, where it is counted) and the number of tasks. Raises OSError."""
        memory, pids = self.folders["memory"], self.folders["pids"]
        if self.version == 1:
            _write(memory / "memory.limit_in_bytes", memory_bytes)
            with contextlib.suppress(OSError):
                _write(memory / "memory.memsw.limit_in_bytes", memory_bytes)
        else:
            _write(memory / "memory.max", memory_bytes)
            with contextlib.suppress(OSError):
                _write(memory / "memory.swap.max", 0)
            with contextlib.suppress(OSError):
                _write(memory / "memory.oom.group", 1)
        _write(pids / "pids.max", processes)

    @property
    def peak_memory_bytes(self) -> int:
        """The most memory the group has held at once: anonymous, files in memory and the kernel's for it."""
        name = "memory.max_usage_in_bytes" if self.version == 1 else "memory.peak"
        return _number(self.folders["memory"] / name)

    @property
    def cpu_seconds(self) -> float:
        """Processor time of all that was ever in the group."""
        if self.version == 1:
            return _number(self.folders["cpuacct"] / "cpuacct.usage") / 1e9
        return _counter(self.folders["cpu"] / "cpu.stat", "usage_usec") / 1e6

    @property
    def out_of_memory(self) -> bool:
        """Whether the kernel killed a process of the group for its memory."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        return _counter(self.folders["memory"] / name, "oom_kill") > 0

    @property
    def out_of_processes(self) -> bool:
        """Whether a fork or a thread was refused for the limit."""
        return _counter(self.folders["pids"] / "pids.events", "max") > 0

    def members(self) -> list[int]:
        """The processes in the group now."""
        with contextlib.suppress(OSError):
            return [int(word) for word in (self.folders["pids"] / _MEMBERS).read_text().split()]
        return []

    def kill(self, patience: float = 2.0) -> None:
        """Kill what is in the group until nothing is."""
        deadline = time.monotonic() + patience
        while (left := self.members()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.001)

    def remove(self, patience: float = 2.0) -> None:
        """Remove the group once it is empty; tries again for `patience` seconds while the kernel clears it."""
        deadline = time.monotonic() + patience
        for folder in dict.fromkeys(self.folders.values()):
            while folder.exists():
                try:
                    os.rmdir(folder)
                except OSError:
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.002)


def make() -> Group | None:
    """A new group below this process's own, or None where groups cannot be made."""
    name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(6)}"
    for version, needed, parents in _parents():
        folders: dict[str, Path] = {}
        try:
            for controller in needed:
                folders[controller] = parents[controller] / name
                folders[controller].mkdir(exist_ok=True)
            if version == 1:
                _write(folders["memory"] / "memory.use_hierarchy", 1, missing_ok=True)
            group = Group(folders, version)
            _ = group.peak_memory_bytes, group.cpu_seconds, group.out_of_memory, group.out_of_processes
            for handle in group.open_members():
                os.close(handle)
        except (OSError, KeyError, ValueError):
            for folder in dict.fromkeys(folders.values()):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            continue
        return group
    return None


def sweep() -> None:
    """Remove the empty groups that hosts have left which were killed."""
    for _, _, parents in _parents():
        for parent in dict.fromkeys(parents.values()):
            for folder in parent.glob(f"{_PREFIX}*"):
                host = folder.name.removeprefix(_PREFIX).partition("-")[0]
                if not Path(f"/proc/{host}").exists():
                    with contextlib.suppress(OSError):
                        folder.rmdir()


def _parents() -> list[tuple[int, tuple[str, ...], dict[str, Path]]]:
    """Where groups may be made: the version, the controllers needed and the folder of each, best first."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    old: dict[str, Path] = {}
    new: Path | None = None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers:
            for controller in controllers.split(","):
                for folder in (_ROOT / controllers, _ROOT / controller):
                    if (folder / path.lstrip("/") / _MEMBERS).exists():
                        old[controller] = folder / path.lstrip("/")
        else:
            new = _ROOT / path.lstrip("/")
    found: list[tuple[int, tuple[str, ...], dict[str, Path]]] = []
    if new is not None:
        # A group with processes of its own may not have groups with limits below it: beside it then.
        needed = ("memory", "pids", "cpu")
        parents = [p for p in (new, new.parent) if (p / "cgroup.controllers").exists()]
        found += [(2, needed, dict.fromkeys(needed, parent)) for parent in parents]
    if old:
        found.append((1, ("memory", "pids", "cpuacct"), old))
    return found


def _write(path: Path, value: int, *, missing_ok: bool = False) -> None:
    if missing_ok and not path.exists():
        return
    with path.open("w") as file:
        file.write(str(value))


def _number(path: Path) -> int:
    return int(path.read_text())


def _counter(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        word, _, value = line.partition(" ")
        if word == name:
            return int(value)
    return 0
