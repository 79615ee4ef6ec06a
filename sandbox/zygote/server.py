"""The zygote: enters its namespaces, loads the libraries once, then forks a confined child for every job.

Three kinds of process: the *launcher*, which the host started and which only waits; the *zygote*, first process of
a namespace of processes of its own, so that with it everything it ever started dies; and for each job an *init*,
first process of a further namespace, which starts the experiment, reaps what it leaves and reports how it ended.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import resource
import select
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

from evidentia.sandbox import script
from evidentia.sandbox.linux import syscalls
from evidentia.sandbox.zygote import messages, root
from evidentia.sandbox.zygote.confinement import confine

_ZYGOTE_NAMESPACES = (
    syscalls.CLONE_NEWUSER
    | syscalls.CLONE_NEWPID
    | syscalls.CLONE_NEWNS
    | syscalls.CLONE_NEWNET
    | syscalls.CLONE_NEWIPC
    | syscalls.CLONE_NEWUTS
)
_JOB_NAMESPACES = (
    syscalls.CLONE_NEWNS
    | syscalls.CLONE_NEWNET
    | syscalls.CLONE_NEWIPC
    | syscalls.CLONE_NEWUTS
    | syscalls.CLONE_NEWCGROUP
)


def main(handle: int) -> NoReturn:
    """Become the launcher, then the zygote; `handle` is the zygote's end of the socket to the host."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end = socket.socket(fileno=handle)
    try:
        # Before any library is loaded: with threads or their leftovers the kernel refuses.
        syscalls.unshare(_ZYGOTE_NAMESPACES)
        messages.send(end, {"unshared": os.getpid()})
        settings, _, _ = messages.receive(end)
    except (OSError, EOFError) as error:
        _fail(end, error)
    child = os.fork()
    if child:
        end.close()
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    try:
        zygote = _set_up(end, settings)
    except Exception as error:
        _fail(end, error)
    with contextlib.suppress(EOFError, OSError):
        zygote.serve()
    os._exit(0)


def _fail(end: socket.socket, error: BaseException) -> NoReturn:
    with contextlib.suppress(OSError):
        messages.send(end, {"failed": str(error) or type(error).__name__})
    os._exit(1)


def _set_up(end: socket.socket, settings: dict[str, Any]) -> _Zygote:
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    root.enter(settings["place"], settings["cache"], settings["devices"])
    socket.sethostname("sandbox")
    sys.dont_write_bytecode = True
    messages.send(end, {"ready": True})
    return _Zygote(end, settings["user"], tuple(settings["devices"]))


@dataclass
class _Zygote:
    """Answers the host until it hangs up. `user` is whom experiments become (None: whom the zygote is)."""

    end: socket.socket
    user: int | None
    devices: tuple[str, ...]

    def __post_init__(self) -> None:
        self._own_processes = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._inits: dict[int, int] = {}

    def serve(self) -> None:
        """Fork and warm on request, and reap. Ends with EOFError when the host has hung up."""
        while True:
            ready, _, _ = select.select([self.end.fileno(), *self._inits], [], [])
            for handle in ready:
                if handle == self.end.fileno():
                    self._answer()
                else:
                    os.waitpid(self._inits.pop(handle), 0)
                    os.close(handle)

    def _answer(self) -> None:
        message, handles, _ = messages.receive(self.end)
        if "warm" in message:
            messages.send(self.end, _warm(message["warm"]))
            gc.collect()
            gc.freeze()
            return
        try:
            self._start({**message, "user": self.user, "devices": self.devices}, handles)
        finally:
            for handle in handles:
                os.close(handle)

    def _start(self, request: dict[str, Any], handles: list[int]) -> None:
        """Fork the init of a job as the first process of a new namespace, and come back to one's own."""
        syscalls.unshare(syscalls.CLONE_NEWPID)
        try:
            pid = os.fork()
        except OSError as error:
            syscalls.setns(self._own_processes, syscalls.CLONE_NEWPID)
            with socket.socket(fileno=os.dup(handles[0])) as job:
                messages.send(job, {"failed": str(error)})
            return
        if pid == 0:
            _init(request, handles)
        syscalls.setns(self._own_processes, syscalls.CLONE_NEWPID)
        self._inits[os.pidfd_open(pid)] = pid


def _warm(statements: list[str]) -> dict[str, Any]:
    try:
        for statement in statements:
            exec(compile(statement, "<warm>", "exec"), {})  # noqa: S102
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"[:1000]}
    return {"warmed": len(statements)}


def _init(request: dict[str, Any], handles: list[int]) -> NoReturn:
    """The first process of a job: confinement around it, the experiment within, the report at the end."""
    job = socket.socket(fileno=handles[0])
    streams, groups = (handles[1], handles[2]), handles[3:]
    try:
        for group in groups:
            os.write(group, b"0")
            os.close(group)
        syscalls.unshare(_JOB_NAMESPACES)
        owner = os.getuid() if request["user"] is None else request["user"]
        scratch = root.mount_scratch(request["disk_bytes"], request["files"], owner, loadable=bool(request["devices"]))
        root.mount_proc()
        messages.send(job, {"ready": True}, [scratch])
        messages.receive(job)
        confined = mmap.mmap(-1, 1)
        child = os.fork()
        if child == 0:
            _become_experiment(request, scratch, streams, confined)
    except BaseException as error:
        _fail(job, error)
    for handle in (*streams, scratch):
        os.close(handle)
    status = _wait_for(child)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    if confined[0] != 1:
        _fail(job, RuntimeError("the confinement could not be put on"))
    with contextlib.suppress(OSError):
        messages.send(job, {"status": status, "cpu_seconds": usage.ru_utime + usage.ru_stime})
    os._exit(0)


def _wait_for(child: int) -> int:
    """Reap everything until the experiment has ended, then kill and reap what it has left."""
    status = None
    while status is None:
        pid, ended = os.waitpid(-1, 0)
        if pid == child:
            status = ended
    with contextlib.suppress(OSError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    return status


def _become_experiment(
    request: dict[str, Any], scratch: int, streams: tuple[int, int], confined: mmap.mmap
) -> NoReturn:
    try:
        confine(request, scratch, streams)
        confined[0] = 1
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)
    script.forget_exit_functions()
    script.fix_seeds(request["seed"])
    script.leave(script.run())
    raise AssertionError
