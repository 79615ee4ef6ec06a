"""The process level, and what all cold levels share: a fresh interpreter per job with limits, measured from outside.

It keeps honest scripts apart and stops runaway ones. It does not stop hostile code: the child runs as the same
user, so it can read that user's files and use the network (`docs/sandbox.md`).
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import secrets
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evidentia.sandbox.descendants import HAS_PROC, Tree
from evidentia.sandbox.job import MIB, Job, Limits, Outcome, SandboxClosedError, variables
from evidentia.sandbox.linux import cgroups
from evidentia.sandbox.outputs import take
from evidentia.sandbox.script import SCRIPT
from evidentia.sandbox.warming import CompileCache
from evidentia.sandbox.watch import Account, Ending, GroupAccount, TreeAccount, Watch, disk_use

LEVEL = "process"
_MARKER = "EVIDENTIA_JOB"
INTERPRETER = (sys.executable, "-s", "-P", "-B")


@dataclass(frozen=True)
class Wrapping:
    """How a cold level starts a command: words to put before it, and the scratch folder's name inside."""

    words: tuple[str, ...] = ()
    inside: str = ""
    handles: tuple[int, ...] = ()


class ProcessSandbox:
    """Runs each job in a fresh interpreter. Safe for several threads.

    Two things make a stronger level of it: `wrap`, which says for a scratch folder how to start the interpreter,
    and `confined`, by which the child gives up all but its scratch folder and `devices` before the script begins.
    """

    def __init__(
        self,
        scratch_root: Path,
        compile_cache: Path | None = None,
        *,
        level: str = LEVEL,
        wrap: Callable[[Path], Wrapping] | None = None,
        confined: bool = False,
        devices: tuple[str, ...] = (),
    ) -> None:
        self.level = level
        self._root, self._wrap, self._confined, self._devices = scratch_root.absolute(), wrap, confined, devices
        self._closed = threading.Event()
        self._root.mkdir(parents=True, exist_ok=True)
        self._cache = CompileCache(compile_cache)
        cgroups.sweep()

    def run(self, job: Job) -> Outcome:
        """Run the job in a scratch folder of its own, which is gone afterwards."""
        if self._closed.is_set():
            raise SandboxClosedError("the sandbox is closed")
        self._cache.warm(job.warm)
        scratch = self._root / secrets.token_hex(8)
        scratch.mkdir(mode=0o700)
        # What the script does to the folder's name and permissions does not matter: this stays the folder.
        handle = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            return self._run(job, scratch, handle)
        finally:
            os.close(handle)
            remove(scratch)

    def close(self) -> None:
        """Kill what runs; the threads in `run` get SandboxClosedError."""
        self._closed.set()
        self._cache.close()

    def _run(self, job: Job, scratch: Path, handle: int) -> Outcome:
        for name, data in job.inputs.items():
            (scratch / name).write_bytes(data)
        (scratch / SCRIPT).write_text(job.script, encoding="utf-8")
        self._cache.copy_to(scratch / ".numba")
        group = cgroups.make()
        try:
            if group is not None:
                group.limit(job.limits.memory_bytes, job.limits.processes)
            return self._run_counted(job, scratch, handle, group)
        finally:
            if group is not None:
                group.remove()

    def _run_counted(self, job: Job, scratch: Path, handle: int, group: cgroups.Group | None) -> Outcome:
        wrapping = self._wrap(scratch) if self._wrap else Wrapping()
        inside = wrapping.inside or str(scratch)
        token = secrets.token_hex(16)
        members = tuple(group.open_members()) if group else ()
        handles = (*wrapping.handles, *members)
        environment = {**variables(inside), _MARKER: token, "NUMBA_CACHE_DIR": f"{inside}/.numba"}
        start = time.monotonic()
        try:
            process = subprocess.Popen(
                [*wrapping.words, *INTERPRETER, "-m", "evidentia.sandbox.child", self._settings(job, members)],
                cwd=scratch,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=handles,
            )
        finally:
            for given in handles:
                os.close(given)
        tree = Tree(process.pid, f"{_MARKER}={token}".encode())
        account: Account = GroupAccount(group) if group else TreeAccount(tree)
        watch, ending = self._follow(process, tree, account, job.limits, scratch, start)
        if group is not None:
            group.kill()
        if watch.cancelled:
            raise SandboxClosedError("the sandbox was closed while the job ran")
        os.fchmod(handle, stat.S_IRWXU)
        taken, refused = take(handle, job.outputs, job.limits.disk_bytes)
        return watch.outcome(self.level, ending, taken, refused)

    def _settings(self, job: Job, members: Sequence[int]) -> str:
        limits = job.limits
        return json.dumps(
            {
                "parent": 0 if self._wrap else os.getpid(),
                "groups": members,
                "cpu_seconds": limits.cpu_seconds,
                "data_bytes": None if self._devices else 2 * limits.memory_bytes + 1024 * MIB,
                "disk_bytes": limits.disk_bytes,
                "confined": self._confined,
                "devices": self._devices,
                # In a namespace of processes all that can be seen are the job's own.
                "processes": "/proc" if self._wrap else "/proc/self",
                "seed": job.seed,
            }
        )

    def _follow(
        self,
        process: subprocess.Popen[bytes],
        tree: Tree,
        account: Account,
        limits: Limits,
        scratch: Path,
        start: float,
    ) -> tuple[Watch, Ending]:
        assert process.stdout
        assert process.stderr
        streams = (os.dup(process.stdout.fileno()), os.dup(process.stderr.fileno()))
        process.stdout.close()
        process.stderr.close()
        watch = Watch(limits, streams, account, lambda: disk_use(scratch), start)
        child = _Child(process)
        handle = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else None
        try:
            watch.until_end(lambda: handle is not None or child.reap(os.WNOHANG), handle, self._closed)
        finally:
            if handle is not None:
                os.close(handle)
            tree.kill()
            child.reap(0)
            watch.finish()
        assert child.ending
        return watch, child.ending


class _Child:
    """A child that is reaped here, for the kernel's account of it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.ending: Ending | None = None

    def reap(self, flags: int) -> bool:
        if self.ending is not None:
            return True
        pid, status, usage = os.wait4(self.process.pid, flags)
        if pid == 0:
            return False
        self.process.returncode = os.waitstatus_to_exitcode(status)
        unit = 1 if sys.platform == "darwin" else 1024
        # The kernel counts the forked image of the host into the child's maximum: below the host's own it says
        # nothing about the child.
        inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if HAS_PROC else 0
        peak = usage.ru_maxrss * unit if usage.ru_maxrss > inherited else 0
        self.ending = Ending(status, usage.ru_utime + usage.ru_stime, peak)
        return True


def remove(folder: Path) -> None:
    """Remove a scratch folder, however deep, and also one whose permissions were taken away; links are not followed.

    Folders inside are moved up before they are emptied, so that no path grows too long.
    """
    root = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    waiting, number = [folder.name], 0
    try:
        while waiting:
            name = waiting.pop()
            with contextlib.suppress(OSError):
                handle = _open_to_empty(name, root)
                try:
                    for entry in list(os.scandir(handle)):
                        if entry.is_dir(follow_symlinks=False):
                            number += 1
                            moved = f"{folder.name}.{number}"
                            os.chmod(entry.name, stat.S_IRWXU, dir_fd=handle)
                            os.rename(entry.name, moved, src_dir_fd=handle, dst_dir_fd=root)
                            waiting.append(moved)
                        else:
                            os.unlink(entry.name, dir_fd=handle)
                finally:
                    os.close(handle)
                os.rmdir(name, dir_fd=root)
    finally:
        os.close(root)


def _open_to_empty(name: str, root: int) -> int:
    """A descriptor of a folder in `root`, with the right to change it; what is no folder is removed at once."""
    if not stat.S_ISDIR(os.lstat(name, dir_fd=root).st_mode):
        os.unlink(name, dir_fd=root)
    os.chmod(name, stat.S_IRWXU, dir_fd=root)
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)


def open_level(scratch_root: Path, compile_cache: Path | None, devices: tuple[str, ...]) -> ProcessSandbox:
    """Open a sandbox of this level. It closes no device to a job, so there is none to open."""
    return ProcessSandbox(scratch_root, compile_cache, devices=devices)


def probe() -> tuple[bool, str]:
    """Whether this machine has the level."""
    if sys.platform == "win32":
        return False, "needs a POSIX system; use Linux, macOS or WSL"
    if not HAS_PROC:
        return True, "weak: without /proc, memory and processes are bounded by rlimits only"
    return True, "weak: own process, scratch, limits and environment; files of the same user and network stay open"
