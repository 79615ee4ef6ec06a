"""The file system of the sandbox: what is shown of the host's, read-only, and the private rest."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from evidentia.sandbox.linux import syscalls

SCRATCH, CACHE, JOB = "/experiment/scratch", "/experiment/cache", "/experiment/job"
SHARED_MEMORY, TEMPORARY = "/dev/shm", "/tmp"  # noqa: S108
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
_CONFIGURATION = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "fonts", "alternatives", "localtime")
ACCOUNTS = {
    "passwd": "root:x:0:0::/:/bin/false\nexperiment:x:1000:1000::/experiment/scratch:/bin/false\n",
    "group": "root:x:0:\nexperiment:x:1000:\n",
}


def own_paths() -> list[str]:
    """The interpreter with its packages and this library's own folders, under every name they have."""
    home = Path(sys.modules[__name__.partition(".")[0]].__path__[0])
    library = [home, *(entry for entry in home.iterdir() if entry.is_symlink())]
    # Not sys.path: it may hold the folder of whatever program uses this library.
    installed = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    python = [sys.prefix, sys.base_prefix, sys.exec_prefix, *installed]
    named = [*python, *map(str, library)]
    return [p for p in dict.fromkeys([*named, *map(os.path.realpath, named)]) if not os.path.islink(p) and p != "/"]


def readable() -> list[str]:
    """What an experiment may read and run: the system and `own_paths`; none lies below another."""
    kept: list[str] = []
    for path in sorted(p for p in {*_SYSTEM, *own_paths()} if os.path.exists(p)):
        if not any(path.startswith(f"{above}/") for above in kept):
            kept.append(path)
    return [*kept, *(f"/etc/{name}" for name in _CONFIGURATION if os.path.exists(f"/etc/{name}"))]


def enter(place: str, cache: str | None, devices: Iterable[str]) -> None:
    """Make a new root on the empty folder `place` and go there for good; the host's files are gone from sight.

    Needs a mount namespace of one's own with the right to mount. Raises OSError naming the step.
    """
    syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("sandbox", place, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=755,size=1m")
    os.umask(0o022)
    for path in readable():
        _show(path, place)
    for folder in (SCRATCH, CACHE, JOB, "/proc", "/etc", "/dev", SHARED_MEMORY):
        os.makedirs(place + folder, exist_ok=True)
    if not os.path.exists(place + TEMPORARY):
        os.symlink(SCRATCH, place + TEMPORARY)
    for name, content in ACCOUNTS.items():
        Path(f"{place}/etc/{name}").write_text(content)
    for device in (*DEVICES, *devices):
        _show_file(device, place, devices=True)
    for name, target in (("fd", "self/fd"), ("stdin", "self/fd/0"), ("stdout", "self/fd/1"), ("stderr", "self/fd/2")):
        os.symlink(f"/proc/{target}", f"{place}/dev/{name}")
    if cache is None:
        syscalls.mount("cache", place + CACHE, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=755")
    else:
        syscalls.bind(cache, place + CACHE, writable=True)
    mount_proc(f"{place}/proc")
    syscalls.pivot_root(place)


def mount_proc(target: str = "/proc") -> None:
    """Show the processes of this process's own namespace, read-only."""
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC | syscalls.MS_RDONLY
    syscalls.mount("proc", target, "proc", flags)


def mount_scratch(disk_bytes: int, files: int, owner: int, *, loadable: bool = False) -> int:
    """Give this mount namespace a scratch folder in memory, of bounded size, and shared memory and a cache in the
    same; the descriptor of the folder, through which the host fills and empties it. Where `loadable`, libraries in it
    can be loaded, which compilers for graphics cards need; programs in it still cannot be run, by Landlock."""
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | (0 if loadable else syscalls.MS_NOEXEC)
    # A little more than the limit, so that whoever fills it has passed the limit and is told so.
    options = f"mode=700,size={disk_bytes + 65536},nr_inodes={files + 64},uid={owner},gid={owner}"
    syscalls.mount("scratch", JOB, "tmpfs", flags, options)
    for name, target in (("scratch", SCRATCH), ("shm", SHARED_MEMORY), ("cache", CACHE)):
        os.mkdir(f"{JOB}/{name}", 0o700)
        os.chown(f"{JOB}/{name}", owner, owner)
        syscalls.mount(f"{JOB}/{name}", target, flags=syscalls.MS_BIND)
    syscalls.unmount(JOB)
    return os.open(SCRATCH, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _show(path: str, place: str) -> None:
    if os.path.islink(path) and path.count("/") == 1:
        os.symlink(os.readlink(path), place + path)
    elif os.path.isdir(path):
        os.makedirs(place + path, exist_ok=True)
        syscalls.bind(path, place + path)
    else:
        _show_file(path, place)


def _show_file(path: str, place: str, *, devices: bool = False) -> None:
    os.makedirs(os.path.dirname(place + path), exist_ok=True)
    Path(place + path).touch()
    syscalls.bind(path, place + path, writable=devices, devices=devices)
