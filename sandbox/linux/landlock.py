"""Landlock: what this process and its children may reach of the file system, the network and other processes.

Rights and numbers from the kernel's ``include/uapi/linux/landlock.h``; a right that the running kernel does not
know is left out, and `abi` says which version it has.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable

from evidentia.sandbox.linux.syscalls import (
    SUPPORTED,
    SYS_LANDLOCK_ADD_RULE,
    SYS_LANDLOCK_CREATE_RULESET,
    SYS_LANDLOCK_RESTRICT_SELF,
    call,
)

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL_DEV = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_MAKE_CHARACTER_DEVICE, _MAKE_BLOCK_DEVICE = 1 << 6, 1 << 11
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_FILE_SYSTEM = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
_RULE_PATH_BENEATH = 1
_VERSION = 1

READ = _READ_FILE | _READ_DIR
READ_EXECUTE = READ | _EXECUTE
DEVICE = _READ_FILE | _WRITE_FILE | _IOCTL_DEV


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """The version of Landlock the running kernel has; 0 if none."""
    if not SUPPORTED:
        return 0
    try:
        return call("landlock", SYS_LANDLOCK_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


def _handled(version: int) -> int:
    return _FILE_SYSTEM[max(v for v in _FILE_SYSTEM if v <= version)]


def restrict(readable: Iterable[tuple[str, int]], writable: Iterable[str]) -> None:
    """From now on reach only these: paths with their rights, and folders in which anything may be done but to run
    files and to make devices. TCP is closed (from version 4); abstract sockets and signals end at this process's
    children (6).

    A path that does not exist is passed over. Needs no_new_privs. Raises OSError.
    """
    version = abi()
    handled = _handled(version)
    wanted = _Ruleset(handled, _TCP if version >= 4 else 0, _ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = call("landlock_create_ruleset", SYS_LANDLOCK_CREATE_RULESET, ctypes.byref(wanted), size, 0)
    try:
        for path, rights in readable:
            _allow(ruleset, path, rights & handled)
        for path in writable:
            _allow(ruleset, path, handled & ~(_EXECUTE | _MAKE_CHARACTER_DEVICE | _MAKE_BLOCK_DEVICE))
        call("landlock_restrict_self", SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _FILE_RIGHTS
        rule = _PathBeneath(rights, handle)
        call("landlock_add_rule", SYS_LANDLOCK_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(handle)
