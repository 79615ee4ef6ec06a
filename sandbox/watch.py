"""Following one job from outside: its output, its use of everything that is limited, its end."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from evidentia.sandbox.descendants import HAS_PROC, Tree
from evidentia.sandbox.job import MIB, Limits, Outcome
from evidentia.sandbox.linux.cgroups import Group

_SHORTEST, _LONGEST, _DISK_INTERVAL = 0.005, 0.03, 0.2


@dataclass
class Stream:
    """One captured pipe: at most `cap` bytes are kept."""

    handle: int
    cap: int
    data: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    open: bool = True

    def drain(self) -> None:
        """Take what is there now."""
        try:
            chunk = os.read(self.handle, 65536)
        except BlockingIOError:
            return
        if not chunk:
            self.open = False
        room = self.cap - len(self.data)
        self.data += chunk[:room]
        self.truncated |= len(chunk) > room

    def rest(self) -> None:
        """Take what is left once nobody writes any more, and close."""
        while self.open and select.select([self.handle], [], [], 0)[0] and not self.truncated:
            self.drain()
        os.close(self.handle)


class Account(Protocol):
    """Somebody who counts what a job uses; `name` is how the record calls it."""

    name: str
    peak_memory_bytes: int
    cpu_seconds: float

    def exceeded(self, limits: Limits) -> str | None:
        """Look once, and name the limit that is passed."""


@dataclass
class TreeAccount:
    """Counts by walking the processes in ``/proc``: a shorter spike between two looks is not seen.

    `own_processes` of the tree are the sandbox's.
    """

    tree: Tree
    own_processes: int = 0
    name: str = "procfs" if HAS_PROC else "rusage"
    peak_memory_bytes: int = 0
    cpu_seconds: float = 0.0

    def exceeded(self, limits: Limits) -> str | None:
        """Look once, and name the limit that is passed."""
        if not HAS_PROC:
            return None
        most = limits.processes + self.own_processes
        usage = self.tree.look(most)
        if usage.processes > most:
            return f"processes: {limits.processes} limit"
        self.peak_memory_bytes = max(self.peak_memory_bytes, usage.resident_bytes, usage.highest_bytes)
        self.cpu_seconds = max(self.cpu_seconds, usage.cpu_seconds)
        if usage.resident_bytes > limits.memory_bytes:
            return f"memory: {size(limits.memory_bytes)} limit"
        return None


@dataclass
class GroupAccount:
    """Counts by the kernel's control group, which misses nothing and itself refuses what is too much."""

    group: Group
    name: str = "cgroup"
    peak_memory_bytes: int = 0
    cpu_seconds: float = 0.0

    def exceeded(self, limits: Limits) -> str | None:
        """Look once, and name the limit that is passed."""
        self.peak_memory_bytes = self.group.peak_memory_bytes
        self.cpu_seconds = self.group.cpu_seconds
        if self.group.out_of_processes:
            return f"processes: {limits.processes} limit"
        if self.group.out_of_memory:
            return f"memory: {size(limits.memory_bytes)} limit"
        return None


@dataclass(frozen=True)
class Ending:
    """How the main process ended and what the kernel says that it used, as its parent saw it."""

    status: int
    cpu_seconds: float
    peak_memory_bytes: int


class Watch:
    """Follows one job until it ends, exceeds a limit or is called off."""

    def __init__(
        self,
        limits: Limits,
        streams: tuple[int, int],
        account: Account,
        disk_use: Callable[[], tuple[int, int]],
        start: float,
    ) -> None:
        self.limits, self.account, self.start = limits, account, start
        self.exceeded: str | None = None
        self.cancelled = False
        self._disk_use = disk_use
        self._streams = [Stream(handle, limits.output_bytes) for handle in streams]
        for stream in self._streams:
            os.set_blocking(stream.handle, False)
        self._wall = 0.0

    def until_end(self, ended: Callable[[], bool], handle: int | None, closed: threading.Event) -> None:
        """Wait for `ended`, of which `handle` being readable is the sign, for a limit, or for `closed`."""
        interval, next_disk = _SHORTEST, self.start + _DISK_INTERVAL
        while True:
            watched = [s.handle for s in self._streams if s.open] + ([handle] if handle is not None else [])
            ready = select.select(watched, [], [], interval)[0]
            for stream in self._streams:
                if stream.handle in ready:
                    stream.drain()
            if (handle is None or handle in ready) and ended():
                break
            if closed.is_set():
                self.cancelled = True
                break
            now = time.monotonic()
            self.exceeded = self._exceeded(now) or (self._disk_exceeded() if now >= next_disk else None)
            if self.exceeded:
                break
            if now >= next_disk:
                next_disk = now + _DISK_INTERVAL
            interval = min(interval * 1.5, _LONGEST)
        self._wall = time.monotonic() - self.start

    def _exceeded(self, now: float) -> str | None:
        limits = self.limits
        if now - self.start > limits.wall_seconds:
            return f"wall: {limits.wall_seconds:g} s limit"
        if any(s.truncated for s in self._streams):
            return f"output: {size(limits.output_bytes)} limit"
        if named := self.account.exceeded(limits):
            return named
        if self.account.cpu_seconds > limits.cpu_seconds:
            return f"cpu: {limits.cpu_seconds:g} s limit"
        return None

    def _disk_exceeded(self) -> str | None:
        used, files = self._disk_use()
        if used > self.limits.disk_bytes:
            return f"disk: {size(self.limits.disk_bytes)} limit"
        if files > self.limits.files:
            return f"disk: {self.limits.files} files limit"
        return None

    def finish(self) -> None:
        """Take the rest of the output, once everything of the job is dead."""
        for stream in self._streams:
            stream.rest()

    def outcome(self, level: str, ending: Ending | None, taken: dict[str, bytes], refused: dict[str, str]) -> Outcome:
        """What the host saw; without an `ending` the job was killed with all around it."""
        status = ending.status if ending else signal.SIGKILL
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        named = self.exceeded or self._named_after_the_end(killed, ending)
        out, err = self._streams
        return Outcome(
            level=level,
            accounting=self.account.name,
            exit_status=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            signal=killed,
            exceeded=named,
            wall_seconds=self._wall,
            cpu_seconds=max(self.account.cpu_seconds, ending.cpu_seconds if ending else 0.0),
            peak_memory_bytes=max(self.account.peak_memory_bytes, ending.peak_memory_bytes if ending else 0),
            stdout=bytes(out.data),
            stderr=bytes(err.data),
            stdout_truncated=out.truncated,
            stderr_truncated=err.truncated,
            outputs=taken,
            refused=refused,
        )

    def _named_after_the_end(self, killed: int | None, ending: Ending | None) -> str | None:
        """Limits that the kernel enforced, or that were passed between two looks."""
        limits = self.limits
        cpu = ending.cpu_seconds if ending else 0.0
        memory = ending.peak_memory_bytes if ending else 0
        if named := self.account.exceeded(limits):
            return named
        if killed == signal.SIGXCPU or max(cpu, self.account.cpu_seconds) > limits.cpu_seconds:
            return f"cpu: {limits.cpu_seconds:g} s limit"
        if max(memory, self.account.peak_memory_bytes) > limits.memory_bytes:
            return f"memory: {size(limits.memory_bytes)} limit"
        if killed == signal.SIGXFSZ:
            return f"disk: {size(limits.disk_bytes)} limit"
        if any(s.truncated for s in self._streams):
            return f"output: {size(limits.output_bytes)} limit"
        return self._disk_exceeded()


def size(count: int) -> str:
    """A number of bytes for people."""
    return f"{count // MIB} MiB" if count >= MIB else f"{count} bytes"


def disk_use(folder: Path) -> tuple[int, int]:
    """Bytes on disk and files below a folder; links are not followed, sparse files count what they hold.

    A path too long to be followed counts as too many files: nobody needs one.
    """
    total = files = 0
    waiting = [str(folder)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError as error:
            files += sys.maxsize if error.errno == errno.ENAMETOOLONG else 0
            continue
        for entry in entries:
            files += 1
            with contextlib.suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return total, files
