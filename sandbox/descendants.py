"""Finding and killing every process a job has started, also those that left its process group."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_PROC = Path("/proc")
HAS_PROC = (_PROC / "self" / "stat").exists()
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Usage:
    """What a process tree uses at one moment; `highest_bytes` is the most any one of its processes ever used."""

    processes: int = 0
    resident_bytes: int = 0
    highest_bytes: int = 0
    cpu_seconds: float = 0.0


@dataclass
class Tree:
    """The processes of one job, by pid and start time, remembered from one look to the next.

    `marker` is an environment entry the job was started with: a daemon that has left the tree still has it.
    `inherited` bytes are taken off each process's memory: what a fork of a warm process began with.
    """

    root: int
    marker: bytes = b""
    inherited: int = 0
    known: dict[int, str] = field(default_factory=dict)

    def look(self, most: int | None = None) -> Usage:
        """Walk the tree once; no further than one process beyond `most`, or a fork bomb would outrun the walk."""
        usage, queue = Usage(), [self.root, *self.known]
        seen: set[int] = set()
        while queue:
            pid = queue.pop()
            if pid in seen:
                continue
            seen.add(pid)
            fields = _stat(pid)
            if fields is None or self.known.setdefault(pid, fields[19]) != fields[19]:
                self.known.pop(pid, None)
                continue
            usage.processes += 1
            if most is not None and usage.processes > most:
                return usage
            usage.resident_bytes += max(0, int(fields[21]) * _PAGE - self.inherited)
            usage.highest_bytes = max(usage.highest_bytes, _high_water(pid) - self.inherited)
            usage.cpu_seconds += (int(fields[11]) + int(fields[12])) / _TICK
            queue += _children(pid)
        return usage

    def kill(self, patience: float = 2.0) -> None:
        """Kill the process group, everything ever seen in the tree, and everything that carries the marker."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.root, signal.SIGKILL)
        if not HAS_PROC:
            return
        deadline = time.monotonic() + patience
        while True:
            self.look()
            strays = {
                pid
                for pid in (*self.known, *(_marked(self.marker) if self.marker else ()))
                if pid != self.root and _alive(pid)
            }
            if not strays or time.monotonic() > deadline:
                return
            _kill(strays)
            time.sleep(0.002)


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _stat(pid: int) -> list[str] | None:
    """The fields of ``/proc/PID/stat`` after the command name; field 19 is the start time, 21 resident pages."""
    try:
        return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _high_water(pid: int) -> int:
    """``VmHWM`` of a process in bytes: its peak since it became the program it is."""
    try:
        for line in (_PROC / str(pid) / "status").read_text(errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def _alive(pid: int) -> bool:
    fields = _stat(pid)
    return fields is not None and fields[0] not in "ZX"


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(_PROC / str(pid) / "task"):
            found += map(int, (_PROC / str(pid) / "task" / thread / "children").read_text().split())
    except OSError:
        pass
    return found


def _marked(marker: bytes) -> list[int]:
    found = []
    for name in os.listdir(_PROC):
        if name.isdigit():
            try:
                if marker in (_PROC / name / "environ").read_bytes():
                    found.append(int(name))
            except OSError:
                continue
    return found
