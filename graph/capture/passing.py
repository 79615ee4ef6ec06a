"""Running a person's own command: its output passes through as it comes, and what is kept of it is bounded."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from evidentia.sandbox.descendants import HAS_PROC, Tree

HALF = 512 * 1024
"""So many bytes of the beginning, and as many of the end, are kept of each stream."""
ACCOUNTING = "rusage, procfs" if HAS_PROC else "rusage"
_SHORTEST, _LONGEST = 0.002, 0.05
_CHUNK, _LINGER = 65536, 2.0


class Kept:
    """What is kept of one stream: the beginning, also in a file that outlives a killed process, and the end."""

    def __init__(self, spool: Path) -> None:
        self._spool = os.open(spool, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._head, self._tail = bytearray(), bytearray()
        self.total = 0

    def add(self, chunk: bytes) -> None:
        """Take what came."""
        self.total += len(chunk)
        room = HALF - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            with contextlib.suppress(OSError):  # a full disk must not stop the command
                os.write(self._spool, chunk[:room])
            chunk = chunk[room:]
        self._tail += chunk
        if len(self._tail) > 4 * HALF:
            del self._tail[:-HALF]

    @property
    def cut(self) -> bool:
        """Whether more came than is kept."""
        return self.total > 2 * HALF

    def data(self) -> bytes:
        """What is kept; a line in the middle says how much is left out."""
        if not self.cut:
            return bytes(self._head + self._tail)
        left_out = b"\n[... %d bytes left out of the record ...]\n" % (self.total - 2 * HALF)
        return bytes(self._head) + left_out + bytes(self._tail[-HALF:])

    def close(self) -> None:
        """Close the file of the beginning."""
        os.close(self._spool)


@dataclass(frozen=True)
class Ending:
    """How the command ended, as the host saw it. `cut` says that standard output is not kept whole."""

    exit_status: int | None
    signal: int | None
    interrupted: bool
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    stdout: bytes
    stderr: bytes
    cut: bool

    @property
    def status(self) -> int:
        """The exit status as a shell gives it."""
        return self.exit_status if self.exit_status is not None else 128 + (self.signal or 0)


class _Stream:
    """One output of the command: read here, passed on to `target`, kept. A terminal is given to the command where
    it would have had one, so that it prints as it would alone."""

    def __init__(self, target: int, kept: Kept) -> None:
        self.target, self.kept = target, kept
        self.terminal = os.isatty(target)
        self.read, self.write = os.openpty() if self.terminal else os.pipe()
        os.set_inheritable(self.read, False)
        self.open = True
        if self.terminal:
            settings = termios.tcgetattr(self.write)
            settings[1] &= ~termios.OPOST
            termios.tcsetattr(self.write, termios.TCSANOW, settings)
            self.resize()
        os.set_blocking(self.read, False)

    def resize(self) -> None:
        """Give the command's terminal the size of ours."""
        if self.terminal and self.open and hasattr(termios, "tcsetwinsize"):
            with contextlib.suppress(OSError):
                termios.tcsetwinsize(self.read, termios.tcgetwinsize(self.target))

    def drain(self) -> bool:
        """Take and pass on what is there now; whether there was anything."""
        try:
            chunk = os.read(self.read, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # a pseudo-terminal that nobody has open any more
            chunk = b""
        if not chunk:
            self.close()
            return False
        self.kept.add(chunk)
        if not _pass_on(self.target, chunk):
            self.close()  # nobody reads us any more: the command is told by its next write, as it would be alone
        return True

    def close(self) -> None:
        """Stop reading."""
        if self.open:
            self.open = False
            os.close(self.read)


def _pass_on(target: int, chunk: bytes) -> bool:
    while chunk:
        try:
            chunk = chunk[os.write(target, chunk) :]
        except BlockingIOError:
            select.select([], [target], [])
        except OSError:
            return False
    return True


class _Signals:
    """What reaches us goes to the command: Ctrl-C on a terminal is already there."""

    def __init__(self) -> None:
        self.pid, self.interrupted, self.asked = 0, False, 0
        self.streams: tuple[_Stream, ...] = ()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGWINCH:
            for stream in self.streams:
                stream.resize()
            return
        self.interrupted = True
        self.asked += 1
        if number == signal.SIGINT and self.asked == 1 and _on_our_terminal():
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.pid:
                os.kill(self.pid, number if self.asked < 3 else signal.SIGKILL)

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Handle the signals meanwhile; only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)
        before = {n: signal.signal(n, self) for n in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _on_our_terminal() -> bool:
    """Whether a terminal sends Ctrl-C to the whole group we are in."""
    for handle in (0, 1, 2):
        try:
            return os.tcgetpgrp(handle) == os.getpgrp()
        except OSError:
            continue
    return False


def run_passing(command: Sequence[str], spool: Path, *, quiet: bool) -> Ending:
    """Run the command as this user, in this folder, with this environment and standard input.

    Its standard output goes to ours, or with `quiet` to our standard error. Raises OSError when it cannot be
    started.
    """
    kept = Kept(spool / "stdout"), Kept(spool / "stderr")
    streams = _Stream(2 if quiet else 1, kept[0]), _Stream(2, kept[1])
    signals = _Signals()
    signals.streams = streams
    sys.stdout.flush()
    with signals.caught():
        start = time.monotonic()
        try:
            process = subprocess.Popen(list(command), stdout=streams[0].write, stderr=streams[1].write)
        except BaseException:
            for stream in streams:
                stream.close()
            raise
        finally:
            for stream in streams:
                os.close(stream.write)
        signals.pid = process.pid
        status, usage, polled = _follow(process, streams)
        wall = time.monotonic() - start
        signals.pid = 0
    for stream, one in zip(streams, kept, strict=True):
        stream.close()
        one.close()
    unit = 1 if sys.platform == "darwin" else 1024
    # The kernel counts the image we forked into the maximum: below our own it is only an upper bound.
    inherited = usage.ru_maxrss <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Ending(
        exit_status=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        interrupted=signals.interrupted,
        wall_seconds=wall,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_memory_bytes=polled if inherited and polled else usage.ru_maxrss * unit,
        stdout=kept[0].data(),
        stderr=kept[1].data(),
        cut=kept[0].cut,
    )


def _follow(process: subprocess.Popen[bytes], streams: tuple[_Stream, ...]) -> tuple[int, resource.struct_rusage, int]:
    """Pass output on until the command has ended; its status, the kernel's account, the highest memory seen."""
    tree, highest, interval = Tree(process.pid), 0, _SHORTEST
    next_look = time.monotonic() + _SHORTEST
    if HAS_PROC:
        highest = tree.look().highest_bytes
    handle = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else None
    try:
        while True:
            watched = [s.read for s in streams if s.open] + ([handle] if handle is not None else [])
            ready = select.select(watched, [], [], interval)[0]
            for stream in streams:
                if stream.open and stream.read in ready:
                    stream.drain()
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                break
            if HAS_PROC and time.monotonic() >= next_look:
                highest = max(highest, tree.look().highest_bytes)
                interval = min(interval * 1.5, _LONGEST)
                next_look = time.monotonic() + interval
    finally:
        if handle is not None:
            os.close(handle)
    end = time.monotonic() + _LINGER  # what the command left running may write on, but is not waited for
    for stream in streams:
        while stream.open and stream.drain() and time.monotonic() < end:
            pass
    return status, usage, highest
