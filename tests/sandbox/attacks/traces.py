"""What an attack has left on the host: processes, mounts, files, control groups, kernel objects."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.attacks.host import Host, remove

_PATIENCE, _STUBBORN = 2.0, 8.0
_MNT_DETACH = 2
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Trace:
    """One thing that is there: its kind, what names it, and words for people."""

    kind: str
    name: str
    words: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.words or self.name}"


def look(host: Host, mark: str) -> frozenset[Trace]:
    """Everything that is there now and could be an attack's."""
    return frozenset(trace for kind in KINDS.values() for trace in kind.find(host, mark))


def left_over(host: Host, mark: str, before: frozenset[Trace]) -> tuple[Trace, ...]:
    """What was not there before; what may still go away by itself gets two seconds to do so."""
    end = time.monotonic() + _PATIENCE
    new = look(host, mark) - before
    while any(KINDS[trace.kind].passes for trace in new) and time.monotonic() < end:
        time.sleep(0.02)
        new = look(host, mark) - before
    return tuple(sorted(new, key=str))


def clear(host: Host, mark: str, before: frozenset[Trace]) -> None:
    """Remove what was not there before, until nothing new turns up, so that the next attack begins clean."""
    end = time.monotonic() + _STUBBORN
    while (new := look(host, mark) - before) and time.monotonic() < end:
        for trace in sorted(new, key=lambda trace: list(KINDS).index(trace.kind)):
            with contextlib.suppress(OSError):
                KINDS[trace.kind].remove(trace.name)


def _processes(host: Host, mark: str) -> Iterator[Trace]:
    """Every descendant of the host, to which orphans come too, and whatever else carries the mark.

    The dead among the orphans are reaped and told: those of something that forks on and on never end.
    """
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        if (state := _state(pid)) and pid != host.victim.pid:
            parents[pid], names[pid] = state.parent, f"{pid}/{state.started}"
            if state.dead and state.parent == os.getpid():
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
    for pid, name in names.items():
        command = _command(pid)
        if _descends(pid, parents) or mark in command:
            yield Trace("process", name, f"{pid} ({command[:60] or 'dead'})")


@dataclass(frozen=True)
class _State:
    """What the kernel says of a process."""

    dead: bool
    parent: int
    started: str


def _state(pid: int) -> _State | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return _State(fields[0] in "ZX", int(fields[1]), fields[19])


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _descends(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == os.getpid():
            return True
    return False


def _kill(name: str) -> None:
    pid, _, started = name.partition("/")
    state = _state(int(pid))
    if state and state.started == started:
        os.kill(int(pid), signal.SIGKILL)


def _mounts(host: Host, mark: str) -> Iterator[Trace]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if str(host.root) in line or mark in line:
            yield Trace("mount", line.split()[4])


def _unmount(name: str) -> None:
    _LIBC.umount2(os.fsencode(name), _MNT_DETACH)


def _scratch(host: Host, mark: str) -> Iterator[Trace]:
    yield from (Trace("scratch", str(path)) for path in host.scratch_root.iterdir())


def _files(host: Host, mark: str) -> Iterator[Trace]:
    """Files that carry the mark, wherever the attacks try to write; core dumps."""
    planted = (host.outside, host.workspace, host.cache, host.decoy, Path.home())
    machine = ("/", "/usr", "/etc", "/run", "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue")  # noqa: S108
    python = Path(os.path.realpath(sys.executable)).parent
    code = (host.library.parent / "__pycache__", Path(sysconfig.get_path("purelib")), python)
    for folder in dict.fromkeys([*planted, *map(Path, machine), *code]):
        with contextlib.suppress(OSError):
            yield from (Trace("file", f"{folder}/{name}") for name in os.listdir(folder) if mark in name)
    yield from (Trace("file", str(path)) for path in Path.cwd().glob("core*") if path.is_file())


def _remove_file(name: str) -> None:
    remove(Path(name))


def _control_groups(host: Host, mark: str) -> Iterator[Trace]:
    """Groups below or beside this process's own that bear its number; other hosts' groups bear theirs."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        for root in (controllers.removeprefix("name="), "unified", "."):
            folder = Path(f"/sys/fs/cgroup/{root}/{own}")
            for parent in (folder, folder.parent):
                yield from (Trace("control group", str(g)) for g in parent.glob(f"evidentia-{os.getpid()}-*"))


def _remove_group(name: str) -> None:
    os.rmdir(name)


def _segments(host: Host, mark: str) -> Iterator[Trace]:
    """System V shared memory with the attack's key."""
    key = str(host.target(mark)["key"])
    with contextlib.suppress(FileNotFoundError):
        for line in Path("/proc/sysvipc/shm").read_text().splitlines():
            if line.split()[0] == key:
                yield Trace("shared memory", line.split()[1])


def _remove_segment(name: str) -> None:
    _LIBC.shmctl(int(name), 0, None)


def _queues(host: Host, mark: str) -> Iterator[Trace]:
    handle = _LIBC.mq_open(f"/{mark}".encode(), os.O_RDONLY)
    if handle != -1:
        os.close(handle)
        yield Trace("message queue", f"/{mark}")


def _remove_queue(name: str) -> None:
    _LIBC.mq_unlink(name.encode())


def _descriptors(host: Host, mark: str) -> Iterator[Trace]:
    """What this process holds open."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            yield Trace("descriptor", f"{name} of {os.readlink(f'/proc/self/fd/{name}')}")


def _leave_open(name: str) -> None:
    """A descriptor that somebody else holds is not ours to close."""


@dataclass(frozen=True)
class Kind:
    """How to find traces of one kind, how to remove one, and whether they may pass by themselves."""

    find: Callable[[Host, str], Iterator[Trace]]
    remove: Callable[[str], None]
    passes: bool


KINDS = {
    "process": Kind(_processes, _kill, True),
    "mount": Kind(_mounts, _unmount, True),
    "scratch": Kind(_scratch, _remove_file, False),
    "file": Kind(_files, _remove_file, False),
    "control group": Kind(_control_groups, _remove_group, True),
    "shared memory": Kind(_segments, _remove_segment, False),
    "message queue": Kind(_queues, _remove_queue, False),
    "descriptor": Kind(_descriptors, _leave_open, True),
}
