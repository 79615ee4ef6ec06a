"""The warm level as the rest of the program sees it: jobs in, outcomes out, one zygote behind."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

from evidentia.sandbox.descendants import Tree
from evidentia.sandbox.job import Job, Outcome, SandboxClosedError, SandboxFailedError, variables
from evidentia.sandbox.linux import cgroups, landlock, seccomp, syscalls
from evidentia.sandbox.outputs import take
from evidentia.sandbox.process import INTERPRETER
from evidentia.sandbox.script import SCRIPT
from evidentia.sandbox.watch import Account, Ending, GroupAccount, TreeAccount, Watch
from evidentia.sandbox.zygote import messages, root

LEVEL = "namespaces+landlock+seccomp"
_PATIENCE = 60.0
_ATTEMPTS = 2
_NOBODY = 65534
_EXPERIMENT = 1000


class ZygoteSandbox:
    """Forks each job from one warm process into namespaces of its own. Safe for several threads."""

    level = LEVEL

    def __init__(self, scratch_root: Path, compile_cache: Path | None = None, devices: tuple[str, ...] = ()) -> None:
        self._root, self._cache, self._devices = scratch_root.absolute(), compile_cache, devices
        self._closed = threading.Event()
        # A signal's handler may close it in the thread that is just warming it.
        self._guard = threading.RLock()
        self._zygote: Zygote | None = None
        self._root.mkdir(parents=True, exist_ok=True)
        cgroups.sweep()

    def run(self, job: Job) -> Outcome:
        """Run the job in a fork of its own. What it changes is gone afterwards."""
        for _ in range(_ATTEMPTS):
            try:
                return self._run(self._warm(job.warm), job)
            except EOFError:
                # The zygote is gone, by the machine's doing: no job can reach it. Another one then.
                self._retire()
        raise SandboxFailedError("the sandbox's warm process ends again and again; is the machine out of memory?")

    def close(self) -> None:
        """Kill what runs; the threads in `run` get SandboxClosedError."""
        self._closed.set()
        if (zygote := self._zygote) is not None:
            zygote.kill()
        with self._guard:
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None

    def _retire(self) -> None:
        with self._guard:
            if self._zygote is not None and self._zygote.gone:
                self._zygote.close()
                self._zygote = None

    def _warm(self, statements: tuple[str, ...]) -> Zygote:
        with self._guard:
            if self._closed.is_set():
                raise SandboxClosedError("the sandbox is closed")
            if self._zygote is None:
                self._zygote = Zygote(self._root, self._cache, self._devices)
            self._zygote.warm(statements)
            return self._zygote

    def _run(self, zygote: Zygote, job: Job) -> Outcome:
        with contextlib.ExitStack() as stack:
            group = cgroups.make()
            if group is not None:
                stack.callback(group.remove)
                group.limit(job.limits.memory_bytes, job.limits.processes + 1)
            init = stack.enter_context(zygote.start(job, group))
            return self._follow(init, job, group)

    def _follow(self, init: Init, job: Job, group: cgroups.Group | None) -> Outcome:
        try:
            for name, data in {**job.inputs, SCRIPT: job.script.encode()}.items():
                init.write(name, data)
        except OSError as error:
            raise SandboxFailedError(f"the job's files cannot be put into its scratch folder: {error}") from error
        account: Account = GroupAccount(group) if group else init.account()
        start = time.monotonic()
        init.go()
        watch = Watch(job.limits, init.streams, account, init.disk_use, start)
        try:
            watch.until_end(init.ended, init.end.fileno(), self._closed)
        finally:
            init.kill()
            watch.finish()
        if watch.cancelled or (self._closed.is_set() and init.ending is None):
            raise SandboxClosedError("the sandbox was closed while the job ran")
        if init.failed:
            raise SandboxFailedError(f"the job could not be confined: {init.failed}")
        taken, refused = take(init.scratch, job.outputs, job.limits.disk_bytes)
        return watch.outcome(LEVEL, init.ending, taken, refused)


class Init:
    """The first process of one job, from outside: its scratch folder, its end."""

    def __init__(self, end: socket.socket, streams: tuple[int, int], scratch: int, pid: int) -> None:
        self.end, self.streams, self.scratch, self.pid = end, streams, scratch, pid
        self.ending: Ending | None = None
        self.failed = ""
        self._handle = os.pidfd_open(pid)

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
        except BaseException:
            self.close()
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


def open_level(scratch_root: Path, compile_cache: Path | None, devices: tuple[str, ...]) -> ZygoteSandbox:
    """Open a sandbox of this level; its process starts with the first job."""
    return ZygoteSandbox(scratch_root, compile_cache, devices)


_CLOSED_NAMESPACES = (
    "user namespaces are closed to this user ({}); open them with sysctl user.max_user_namespaces=15000, "
    "kernel.unprivileged_userns_clone=1 (Debian) or kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); a "
    "container needs --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
)


@cache
def probe() -> tuple[bool, str]:
    """Whether this machine has the level, found out by running a script in it."""
    if not syscalls.SUPPORTED:
        return False, "needs Linux on x86_64 or aarch64; elsewhere use a virtual machine with it"
    if (version := landlock.abi()) == 0:
        return False, "the kernel has no Landlock: Linux 5.13 or newer, booted with lsm=landlock,… in its command line"
    if not seccomp.available():
        return False, "the kernel takes no seccomp filters (CONFIG_SECCOMP_FILTER)"
    with tempfile.TemporaryDirectory(prefix="evidentia-probe-") as folder:
        sandbox = ZygoteSandbox(Path(folder))
        try:
            seen = sandbox.run(Job("print('confined')"))
        except (SandboxFailedError, OSError) as error:
            return False, _CLOSED_NAMESPACES.format(error)
        finally:
            sandbox.close()
    if seen.stdout != b"confined\n":
        return False, f"a script that prints one word failed in it: {seen.stderr.decode(errors='replace')[-200:]}"
    counted = (
        "control groups bound memory and processes"
        if seen.accounting == "cgroup"
        else "no control groups may be made: memory and processes are looked up every 30 ms; to have them, run as root "
        "or with systemd-run --user --scope -p Delegate=yes"
    )
    return True, f"warm; Landlock version {version}; {counted}"
