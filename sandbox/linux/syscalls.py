"""System calls that Python does not offer, through libc; every failure is an OSError that names the call."""

from __future__ import annotations

import ctypes
import os
import platform
import sys

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 1, 4, 24, 36
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4

# The same number on every architecture: they came after the tables were made one.
SYS_MOUNT_SETATTR = 442
SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_ADD_RULE, SYS_LANDLOCK_RESTRICT_SELF = 444, 445, 446
# These are not: x86_64, aarch64.
_PER_MACHINE = {"x86_64": {"pivot_root": 155, "seccomp": 317}, "aarch64": {"pivot_root": 41, "seccomp": 277}}
MACHINE = platform.machine()
SUPPORTED = sys.platform == "linux" and MACHINE in _PER_MACHINE

_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_NOSUID, _MOUNT_ATTR_NODEV = 1, 2, 4
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform != "win32" else None


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def call(what: str, number: int, *arguments: object) -> int:
    """A raw system call; integers are passed as longs. Raises OSError."""
    assert _libc
    passed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _check(_libc.syscall(ctypes.c_long(number), *passed), what)


def number_of(name: str) -> int:
    """The number of a system call whose number depends on the machine."""
    return _PER_MACHINE[MACHINE][name]


def prctl(option: int, first: int = 0, second: int = 0) -> int:
    """prctl(2). Raises OSError."""
    assert _libc
    rest = [ctypes.c_ulong(a) for a in (first, second, 0, 0)]
    return _check(_libc.prctl(option, *rest), f"prctl {option}")


def unshare(flags: int) -> None:
    """unshare(2): leave namespaces for new ones. Raises OSError."""
    assert _libc
    _check(_libc.unshare(flags), f"unshare {flags:#x}")


def setns(handle: int, kind: int) -> None:
    """setns(2): enter the namespace of a descriptor. Raises OSError."""
    assert _libc
    _check(_libc.setns(handle, kind), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2). Raises OSError naming the target."""
    assert _libc
    words = [w.encode() or None for w in (source, target, kind)]
    data = options.encode() or None
    _check(_libc.mount(*words, ctypes.c_ulong(flags), data), f"mount {kind or source} on {target}")


def bind(source: str, target: str, *, writable: bool = False, devices: bool = False) -> None:
    """Show a file or folder of the old root at `target`, with all that is mounted below it; no setuid."""
    mount(source, target, flags=MS_BIND | MS_REC)
    attributes = _MOUNT_ATTR_NOSUID
    attributes |= 0 if writable else _MOUNT_ATTR_RDONLY
    attributes |= 0 if devices else _MOUNT_ATTR_NODEV
    wanted = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    path = target.encode()
    size = ctypes.sizeof(wanted)
    call(f"mount_setattr {target}", SYS_MOUNT_SETATTR, _AT_FDCWD, path, _AT_RECURSIVE, ctypes.byref(wanted), size)


def unmount(target: str) -> None:
    """Detach a mount; it goes when nothing uses it any more. Raises OSError."""
    assert _libc
    _check(_libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def pivot_root(new: str) -> None:
    """Make `new` the root of this mount namespace and forget the old one. Raises OSError."""
    os.chdir(new)
    call("pivot_root", number_of("pivot_root"), b".", b".")
    unmount(".")
    os.chdir("/")


def drop_capabilities() -> None:
    """Give up every capability, also those a program could get back by exec. Raises OSError."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    assert _libc
    _check(_libc.capset(ctypes.byref(header), ctypes.byref(nothing)), "capset")
