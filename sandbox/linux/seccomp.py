"""The system calls that an experiment may not make, as a seccomp filter in classic BPF.

All calls are allowed but those listed: they fail with EPERM, as they would for lack of a capability, and reach no
further into the kernel. A call of another architecture's table ends the process.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
from collections.abc import Iterable

from evidentia.sandbox.linux.syscalls import MACHINE, SUPPORTED, call, number_of

# What each group would let a script reach; numbers for x86_64 and aarch64, None where the machine has no such call.
DENIED: dict[str, dict[str, tuple[int | None, int | None]]] = {
    "memory and state of other processes": {
        "ptrace": (101, 117),
        "process_vm_readv": (310, 270),
        "process_vm_writev": (311, 271),
        "process_madvise": (440, 440),
        "process_mrelease": (448, 448),
        "ioprio_set": (251, 30),
        "pidfd_getfd": (438, 438),
        "kcmp": (312, 272),
        "move_pages": (279, 239),
        "migrate_pages": (256, 238),
    },
    "the kernel's own machinery": {
        "bpf": (321, 280),
        "perf_event_open": (298, 241),
        "io_uring_setup": (425, 425),
        "io_uring_enter": (426, 426),
        "io_uring_register": (427, 427),
        "userfaultfd": (323, 282),
        "seccomp": (317, 277),
        "add_key": (248, 217),
        "request_key": (249, 218),
        "keyctl": (250, 219),
        "syslog": (103, 116),
        "lookup_dcookie": (212, 18),
        "fanotify_init": (300, 262),
        "personality": (135, 92),
        "modify_ldt": (154, None),
        "iopl": (172, None),
        "ioperm": (173, None),
        "uselib": (134, None),
        "_sysctl": (156, None),
    },
    "mounts and roots": {
        "mount": (165, 40),
        "umount2": (166, 39),
        "pivot_root": (155, 41),
        "chroot": (161, 51),
        "open_tree": (428, 428),
        "move_mount": (429, 429),
        "fsopen": (430, 430),
        "fsconfig": (431, 431),
        "fsmount": (432, 432),
        "fspick": (433, 433),
        "mount_setattr": (442, 442),
        "name_to_handle_at": (303, 264),
        "open_by_handle_at": (304, 265),
    },
    "namespaces": {"unshare": (272, 97), "setns": (308, 268)},
    "the machine": {
        "kexec_load": (246, 104),
        "kexec_file_load": (320, 294),
        "init_module": (175, 105),
        "finit_module": (313, 273),
        "delete_module": (176, 106),
        "reboot": (169, 142),
        "swapon": (167, 224),
        "swapoff": (168, 225),
        "acct": (163, 89),
        "quotactl": (179, 60),
        "quotactl_fd": (443, 443),
        "settimeofday": (164, 170),
        "clock_settime": (227, 112),
        "clock_adjtime": (305, 266),
        "adjtimex": (159, 171),
        "sethostname": (170, 161),
        "setdomainname": (171, 162),
        "vhangup": (153, 58),
    },
    "the network and its names": {
        "socket": (41, 198),
        "connect": (42, 203),
        "bind": (49, 200),
        "listen": (50, 201),
        "accept": (43, 202),
        "accept4": (288, 242),
    },
    "what outlives a process": {
        "shmget": (29, 194),
        "semget": (64, 190),
        "msgget": (68, 186),
        "mq_open": (240, 180),
    },
    "programs that are in no file": {"memfd_create": (319, 279), "memfd_secret": (447, 447)},
}
# Calls that act on another process when told its number; 0 is oneself. By argument: the place of the number.
OTHERS: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "prlimit64": (302, 261, (0,)),
    "sched_setscheduler": (144, 119, (0,)),
    "sched_setparam": (142, 118, (0,)),
    "sched_setattr": (314, 274, (0,)),
    "sched_setaffinity": (203, 122, (0,)),
    # The first says what is counted: processes (0), groups or users.
    "setpriority": (141, 140, (0, 1)),
}
_CLONE = {"x86_64": 56, "aarch64": 220}
_SOCKETPAIR = {"x86_64": 53, "aarch64": 199}
_IOCTL = {"x86_64": 16, "aarch64": 29}
_CLONE3 = 435
_NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW… flag
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_X32 = 0x40000000
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_KILL_PROCESS, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16
_SET_MODE_FILTER = 1

_Instruction = tuple[int, int, int, int]


def numbers(machine: str = MACHINE, allowed: Iterable[str] = ()) -> dict[str, int]:
    """The denied calls of a machine, by name."""
    column = list(_AUDIT_ARCH).index(machine)
    found = {name: pair[column] for group in DENIED.values() for name, pair in group.items() if name not in allowed}
    return {name: number for name, number in found.items() if number is not None}


def _refused_if(condition: int, operand: int, refusal: int) -> list[_Instruction]:
    return [(condition, 0, 1, operand), (_RETURN, 0, 0, refusal)]


def program(machine: str = MACHINE, allowed: Iterable[str] = ()) -> bytes:
    """The filter as the kernel takes it: 8 bytes an instruction. `allowed` names calls to leave out of it."""
    refusal = _ERRNO | errno.EPERM
    code: list[_Instruction] = [(_LOAD, 0, 0, _ARCHITECTURE), (_JUMP_EQUAL, 1, 0, _AUDIT_ARCH[machine])]
    code += [(_RETURN, 0, 0, _KILL_PROCESS), (_LOAD, 0, 0, _NUMBER)]
    if machine == "x86_64":
        code += _refused_if(_JUMP_AT_LEAST, _X32, _ERRNO | errno.ENOSYS)
    for number in sorted(numbers(machine, allowed).values()):
        code += _refused_if(_JUMP_EQUAL, number, refusal)
    # clone3 hides its flags in memory; told that it does not exist, libc falls back to clone.
    code += _refused_if(_JUMP_EQUAL, _CLONE3, _ERRNO | errno.ENOSYS)
    code += _where(_CLONE[machine], [(_LOAD, 0, 0, _ARGUMENT), *_refused_if(_JUMP_ANY_BIT, _NEW_NAMESPACES, refusal)])
    for *by_machine, places in OTHERS.values():
        body: list[_Instruction] = []
        for place in places:
            body += [(_LOAD, 0, 0, _ARGUMENT + 8 * place), (_JUMP_EQUAL, 1, 0, 0), (_RETURN, 0, 0, refusal)]
        code += _where(by_machine[list(_AUDIT_ARCH).index(machine)], body)
    # A stream pair can reach nobody but its other end; a datagram pair can be sent elsewhere.
    only_type = 0xFFFFFFFF ^ (socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    pair: list[_Instruction] = [
        (_LOAD, 0, 0, _ARGUMENT),
        (_JUMP_EQUAL, 1, 0, socket.AF_UNIX),
        (_RETURN, 0, 0, refusal),
        (_LOAD, 0, 0, _ARGUMENT + 8),
        (_AND, 0, 0, only_type),
        (_JUMP_EQUAL, 1, 0, socket.SOCK_STREAM),
        (_RETURN, 0, 0, refusal),
    ]
    code += _where(_SOCKETPAIR[machine], pair)
    typing = [*_refused_if(_JUMP_EQUAL, _TIOCSTI, refusal), *_refused_if(_JUMP_EQUAL, _TIOCLINUX, refusal)]
    code += _where(_IOCTL[machine], [(_LOAD, 0, 0, _ARGUMENT + 8), *typing])
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _where(number: int, body: list[_Instruction]) -> list[_Instruction]:
    """Run `body` for one call only, and allow what it does not refuse."""
    return [(_JUMP_EQUAL, 0, len(body) + 1, number), *body, (_RETURN, 0, 0, _ALLOW)]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def available() -> bool:
    """Whether the running kernel takes filters."""
    if not SUPPORTED:
        return False
    try:
        # A filter at address 0 is refused as a bad address where filters are known, and as anything else where not.
        call("seccomp", number_of("seccomp"), _SET_MODE_FILTER, 0, None)
    except OSError as error:
        return error.errno == errno.EFAULT
    return True


def restrict(allowed: Iterable[str] = ()) -> None:
    """Put the filter on this process and its children, for good. Needs no_new_privs. Raises OSError."""
    code = program(MACHINE, allowed)
    buffer = ctypes.create_string_buffer(code, len(code))
    wanted = _Program(len(code) // 8, ctypes.addressof(buffer))
    call("seccomp", number_of("seccomp"), _SET_MODE_FILTER, 0, ctypes.byref(wanted))
