"""The warm level as the rest of the program sees it: jobs in, outcomes out, one zygote behind."""

from __future__ import annotations

import contextlib
import threading
import time
from functools import cache
from pathlib import Path

from evidentia.sandbox.job import Job, Outcome, SandboxClosedError, SandboxFailedError
from evidentia.sandbox.linux import cgroups, landlock, seccomp, syscalls
from evidentia.sandbox.outputs import take
from evidentia.sandbox.probing import probe_folder
from evidentia.sandbox.script import SCRIPT
from evidentia.sandbox.watch import Account, GroupAccount, Watch
from evidentia.sandbox.zygote.warm import Init, Zygote

LEVEL = "namespaces+landlock+seccomp"
_ATTEMPTS = 2


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
    with probe_folder() as folder:
        sandbox = ZygoteSandbox(folder)
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
