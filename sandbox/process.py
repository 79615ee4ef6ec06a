"""The process level: a separate process with its own scratch folder, limits, and host-side measurement.

It keeps honest scripts apart and stops runaway ones. It does not stop hostile code: the child runs as the same
user, so it can read that user's files and use the network (`docs/sandbox.md`).
"""

from __future__ import annotations

import os
import resource
import secrets
import select
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from evidentia.sandbox.descendants import HAS_PROC, Tree
from evidentia.sandbox.job import MIB, Job, Limits, Outcome, SandboxClosedError, environment
from evidentia.sandbox.outputs import take

LEVEL = "process"
_CHILD = str(Path(__file__).with_name("child.py"))
_MARKER = "EVIDENTIA_JOB"
_DISK_INTERVAL = 0.2


class ProcessSandbox:
    """Runs each job in a fresh interpreter. Safe for several threads."""

    level = LEVEL

    def __init__(self, scratch_root: Path, compile_cache: Path | None = None) -> None:
        self._root, self._cache = scratch_root, compile_cache
        self._closed = threading.Event()
        self._root.mkdir(parents=True, exist_ok=True)

    def run(self, job: Job) -> Outcome:
        """Run the job in a scratch folder of its own, which is gone afterwards."""
        if self._closed.is_set():
            raise SandboxClosedError("the sandbox is closed")
        scratch = self._root / secrets.token_hex(8)
        scratch.mkdir(mode=0o700)
        try:
            return self._run(job, scratch)
        finally:
            _remove(scratch)

    def close(self) -> None:
        """Kill what runs; the threads in `run` get SandboxClosedError."""
        self._closed.set()

    def _run(self, job: Job, scratch: Path) -> Outcome:
        for name, data in job.inputs.items():
            (scratch / name).write_bytes(data)
        (scratch / "experiment.py").write_text(job.script, encoding="utf-8")
        token = secrets.token_hex(16)
        variables = {**environment(str(scratch), job.environment), _MARKER: token}
        if self._cache is not None and self._cache.is_dir():
            shutil.copytree(self._cache, scratch / ".numba")
        variables["NUMBA_CACHE_DIR"] = str(scratch / ".numba")
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", _CHILD, *_arguments(job.limits)],
            cwd=scratch,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            close_fds=True,
        )
        watch = _Watch(process, job.limits, scratch, Tree(process.pid, f"{_MARKER}={token}".encode()), start)
        try:
            watch.until_end(self._closed)
        finally:
            watch.end()
        if self._closed.is_set() and watch.exceeded is None and watch.cancelled:
            raise SandboxClosedError("the sandbox was closed while the job ran")
        taken, refused = take(scratch, job.outputs, job.limits.disk_bytes)
        return watch.outcome(taken, refused)


def _arguments(limits: Limits) -> list[str]:
    data = 2 * limits.memory_bytes + 1024 * MIB
    return [str(os.getpid()), str(int(limits.cpu_seconds) + 1), str(data), str(limits.disk_bytes)]


@dataclass
class _Stream:
    """One captured pipe: at most `cap` bytes are kept."""

    handle: int
    cap: int
    data: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    open: bool = True

    def drain(self) -> None:
        try:
            chunk = os.read(self.handle, 65536)
        except BlockingIOError:
            return
        if not chunk:
            self.open = False
        room = self.cap - len(self.data)
        self.data += chunk[:room]
        self.truncated |= len(chunk) > room


class _Watch:
    """Follows one child until it ends or exceeds a limit, and measures it from outside."""

    def __init__(
        self, process: subprocess.Popen[bytes], limits: Limits, scratch: Path, tree: Tree, start: float
    ) -> None:
        self.process, self.limits, self.scratch, self.tree, self.start = process, limits, scratch, tree, start
        self.exceeded: str | None = None
        self.cancelled = False
        self.cpu, self.peak, self.status, self.wall = 0.0, 0, 0, 0.0
        self._reaped = False
        assert process.stdout
        assert process.stderr
        self.streams = [_Stream(p.fileno(), limits.output_bytes) for p in (process.stdout, process.stderr)]
        for stream in self.streams:
            os.set_blocking(stream.handle, False)

    def until_end(self, closed: threading.Event) -> None:
        ended = os.pidfd_open(self.process.pid) if hasattr(os, "pidfd_open") else None
        interval, next_disk = 0.005, self.start + _DISK_INTERVAL
        try:
            while self.exceeded is None:
                watched = [s.handle for s in self.streams if s.open] + ([ended] if ended is not None else [])
                ready = select.select(watched, [], [], interval)[0]
                for stream in self.streams:
                    if stream.handle in ready:
                        stream.drain()
                if (ended in ready) if ended is not None else self._reap(os.WNOHANG):
                    return
                if closed.is_set():
                    self.cancelled = True
                    return
                now = time.monotonic()
                self.exceeded = self._exceeded(now, now >= next_disk)
                if now >= next_disk:
                    next_disk = now + _DISK_INTERVAL
                interval = min(interval * 1.5, 0.03)
        finally:
            if ended is not None:
                os.close(ended)

    def _exceeded(self, now: float, disk: bool) -> str | None:
        limits = self.limits
        if now - self.start > limits.wall_seconds:
            return f"wall: {limits.wall_seconds:g} s limit"
        if any(s.truncated for s in self.streams):
            return f"output: {_size(limits.output_bytes)} limit"
        if HAS_PROC:
            usage = self.tree.look(limits.processes)
            if usage.processes > limits.processes:
                return f"processes: {limits.processes} limit"
            self.peak = max(self.peak, usage.resident_bytes, usage.highest_bytes)
            if usage.resident_bytes > limits.memory_bytes:
                return f"memory: {_size(limits.memory_bytes)} limit"
            if usage.cpu_seconds > limits.cpu_seconds:
                return f"cpu: {limits.cpu_seconds:g} s limit"
        if disk and _disk_use(self.scratch) > limits.disk_bytes:
            return f"disk: {_size(limits.disk_bytes)} limit"
        return None

    def end(self) -> None:
        """Kill what is left, collect the rest of the output and the kernel's account of the child."""
        self.wall = time.monotonic() - self.start
        self.tree.kill()
        self._reap(0)
        for stream in self.streams:
            while stream.open and select.select([stream.handle], [], [], 0)[0] and not stream.truncated:
                stream.drain()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    def _reap(self, flags: int) -> bool:
        if self._reaped:
            return True
        pid, status, usage = os.wait4(self.process.pid, flags)
        if pid == 0:
            return False
        self._reaped, self.status = True, status
        self.process.returncode = os.waitstatus_to_exitcode(status)
        unit = 1 if sys.platform == "darwin" else 1024
        self.cpu = usage.ru_utime + usage.ru_stime
        # The kernel counts the forked image of the host into the child's maximum: below the host's own it says
        # nothing about the child.
        inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if HAS_PROC else 0
        if usage.ru_maxrss > inherited:
            self.peak = max(self.peak, usage.ru_maxrss * unit)
        return True

    def outcome(self, taken: dict[str, bytes], refused: dict[str, str]) -> Outcome:
        killed = os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None
        exceeded = self.exceeded or self._named_after_the_end(killed)
        out, err = self.streams
        return Outcome(
            level=LEVEL,
            exit_status=os.WEXITSTATUS(self.status) if os.WIFEXITED(self.status) else None,
            signal=killed,
            exceeded=exceeded,
            wall_seconds=self.wall,
            cpu_seconds=self.cpu,
            peak_memory_bytes=self.peak,
            stdout=bytes(out.data),
            stderr=bytes(err.data),
            stdout_truncated=out.truncated,
            stderr_truncated=err.truncated,
            outputs=taken,
            refused=refused,
        )

    def _named_after_the_end(self, killed: int | None) -> str | None:
        """Limits that the kernel enforced, or that were passed between two looks."""
        limits = self.limits
        if killed == signal.SIGXCPU or self.cpu > limits.cpu_seconds:
            return f"cpu: {limits.cpu_seconds:g} s limit"
        if self.peak > limits.memory_bytes:
            return f"memory: {_size(limits.memory_bytes)} limit"
        if killed == signal.SIGXFSZ or _disk_use(self.scratch) > limits.disk_bytes:
            return f"disk: {_size(limits.disk_bytes)} limit"
        if any(s.truncated for s in self.streams):
            return f"output: {_size(limits.output_bytes)} limit"
        return None


def _size(count: int) -> str:
    return f"{count // MIB} MiB" if count >= MIB else f"{count} bytes"


def _disk_use(folder: Path) -> int:
    """Bytes on disk below a folder; links are not followed, sparse files count what they hold."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_blocks * 512
            except OSError:
                continue
    return total


def _remove(folder: Path) -> None:
    """Remove a scratch folder, also one whose permissions were taken away."""

    def allow_and_retry(function: object, path: str, _: object) -> None:
        try:
            os.chmod(os.path.dirname(path), stat.S_IRWXU)
            if not os.path.islink(path):
                os.chmod(path, stat.S_IRWXU)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)
        except OSError:
            return

    shutil.rmtree(folder, onerror=allow_and_retry)
