"""The zygote and the inits of its jobs, from outside: starting, asking, killing, letting go."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from evidentia.sandbox.descendants import Tree
from evidentia.sandbox.job import Job, SandboxFailedError, variables
from evidentia.sandbox.linux import cgroups
from evidentia.sandbox.process import INTERPRETER
from evidentia.sandbox.watch import Ending, TreeAccount
from evidentia.sandbox.zygote import messages, root

_PATIENCE = 60.0
_NOBODY = 65534
_EXPERIMENT = 1000


class Init:
    """The first process of one job, from outside: its scratch folder, its end."""

    def __init__(self, end: socket.socket, streams: tuple[int, int], scratch: int, pid: int) -> None:
        self.end, self.streams, self.scratch, self.pid = end, streams, scratch, pid
        self.ending: Ending | None = None
        self.failed = ""
        try:
            self._handle = os.pidfd_open(pid)
        except OSError as error:  # gone already: nothing of the job has begun
            os.close(scratch)
            raise EOFError from error

    def account(self) -> TreeAccount:
        """Counts by looking, where there is no control group; what the fork began with does not count."""
        began = Tree(self.pid).look().resident_bytes
        return TreeAccount(Tree(self.pid, inherited=began), own_processes=1)

    def write(self, name: str, data: bytes) -> None:
        """Put a file into the scratch folder."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o644, dir_fd=self.scratch), "wb") as file:
            file.write(data)

    def go(self) -> None:
        """Let the experiment begin. Raises EOFError when the init is gone."""
        try:
            messages.send(self.end, {"go": True})
        except OSError as error:
            raise EOFError from error

    def ended(self) -> bool:
        """Take the report of the end; called when there is something to read."""
        try:
            message, _, _ = messages.receive(self.end)
        except EOFError:
            return True
        self.failed = message.get("failed", "")
        if "status" in message:
            self.ending = Ending(message["status"], message["cpu_seconds"], 0)
        return True

    def kill(self) -> None:
        """Kill the job with everything it has started, and wait until the kernel has done so."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        select.select([self._handle], [], [], _PATIENCE)

    def disk_use(self) -> tuple[int, int]:
        """Bytes and files in the scratch folder, whatever their names and permissions."""
        state = os.fstatvfs(self.scratch)
        return (state.f_blocks - state.f_bfree) * state.f_frsize, max(0, state.f_files - state.f_ffree - 64)

    def close(self) -> None:
        """Let go of the folder, which is then gone."""
        self.kill()
        os.close(self._handle)
        os.close(self.scratch)
        self.end.close()


class Zygote:
    """The warm process, from outside."""

    def __init__(self, scratch_root: Path, cache: Path | None, devices: tuple[str, ...]) -> None:
        self._place = Path(tempfile.mkdtemp(prefix=".root-", dir=scratch_root))
        self._warmed: set[str] = set()
        self.end, theirs = messages.pair()
        environment = {**variables(root.SCRATCH), "NUMBA_CACHE_DIR": root.CACHE}
        with theirs:
            self._process = subprocess.Popen(
                [*INTERPRETER, "-m", "evidentia.sandbox.zygote", str(theirs.fileno())],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True)
        try:
            launcher = self._hear("unshared")
            user = _map_users(launcher)
            messages.send(
                self.end,
                {
                    "place": str(self._place),
                    "cache": str(cache.resolve()) if cache else None,
                    "devices": devices,
                    "user": user,
                },
            )
            self._hear("ready")
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise SandboxFailedError(f"the sandbox's warm process cannot be started: {error}") from error
            raise

    @property
    def gone(self) -> bool:
        """Whether it has hung up."""
        ready = select.select([self.end], [], [], 0)[0]
        return bool(ready) and not self.end.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)

    def warm(self, statements: tuple[str, ...]) -> None:
        """Run the statements that it has not run yet. Raises SandboxFailedError with the fault."""
        missing = [s for s in statements if s not in self._warmed]
        if missing:
            self._ask({"warm": missing})
            self._hear("warmed", patience=None)
            self._warmed.update(missing)

    @contextlib.contextmanager
    def start(self, job: Job, group: cgroups.Group | None) -> Iterator[Init]:
        """Fork the init of a job, which waits for `Init.go`. Raises EOFError when the zygote is gone."""
        ours, theirs = messages.pair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        handles = [out_end, err_end, *(group.open_members() if group else [])]
        request = {**asdict(job.limits), "seed": job.seed}
        try:
            self._ask(request, [theirs.fileno(), *handles])
        finally:
            theirs.close()
            for handle in handles:
                os.close(handle)
        init = None
        try:
            message, folder, pid = messages.receive(ours)
            if "failed" in message:
                raise SandboxFailedError(f"no confinement could be made: {message['failed']}")
            init = Init(ours, (out, err), folder[0], pid)
            yield init
        finally:
            if init is None:
                ours.close()
                os.close(out)
                os.close(err)
            else:
                init.close()

    def kill(self) -> None:
        """Kill it at once with all that it has started, whatever it is doing. Safe from any thread."""
        self._process.kill()

    def close(self) -> None:
        """Hang up: the zygote ends, and with it everything that it has started."""
        self.end.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._place, ignore_errors=True)

    def _ask(self, message: dict[str, Any], handles: list[int] | None = None) -> None:
        try:
            messages.send(self.end, message, handles or [])
        except OSError as error:
            raise EOFError from error

    def _hear(self, word: str, patience: float | None = _PATIENCE) -> Any:
        if not select.select([self.end], [], [], patience)[0]:
            raise SandboxFailedError("the warm process of the sandbox does not answer")
        message, _, _ = messages.receive(self.end)
        if "failed" in message:
            raise SandboxFailedError(message["failed"])
        return message[word]


def _map_users(launcher: int) -> int | None:
    """Say who the users of the new namespace are outside, and return whom experiments become inside.

    For root they become nobody, so that not even a file of root's that is shown could be written; for others they
    are who they are.
    """
    write = partial(_write_map, launcher)
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0 and _others_may_read():
        with contextlib.suppress(OSError):
            write("uid_map", f"0 0 1\n{_EXPERIMENT} {_NOBODY} 1\n")
            write("gid_map", f"0 0 1\n{_EXPERIMENT} {_NOBODY} 1\n")
            return _EXPERIMENT
    write("setgroups", "deny")
    write("uid_map", f"{_EXPERIMENT} {uid} 1\n")
    write("gid_map", f"{_EXPERIMENT} {gid} 1\n")
    return None


def _write_map(launcher: int, name: str, content: str) -> None:
    with open(f"/proc/{launcher}/{name}", "w") as file:
        file.write(content)


def _others_may_read() -> bool:
    """Whether the interpreter and the library are readable for everyone, as they are under the usual umask."""
    return all(os.stat(path).st_mode & 0o005 == 0o005 for path in root.own_paths())
