"""The filter, run on an interpreter of classic BPF of its own, and its numbers against the system's headers."""

from __future__ import annotations

import errno
import re
import socket
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.sandbox.linux import seccomp

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    "aarch64": ("/usr/include/asm-generic/unistd.h",),
}


def verdict(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """What the filter answers to one call, by the definition of classic BPF (Linux ``filter.rst``)."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, MACHINES[machine] if arch is None else arch, 0, *padded)
    code = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    place = accumulator = 0
    while True:
        operation, yes, no, operand = code[place]
        place += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, operand)
        elif operation == 0x54:
            accumulator &= operand
        elif operation == 0x06:
            return int(operand)
        else:
            holds = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: bool(accumulator & operand)}
            place += yes if holds[operation] else no


@pytest.mark.parametrize("machine", MACHINES)
def test_every_denied_call_fails_and_no_other(machine: str) -> None:
    denied = set(seccomp.numbers(machine).values())
    special = {435}
    column = list(MACHINES).index(machine)
    by_argument = {numbers[column] for numbers in seccomp.OTHERS.values()}
    for number in set(range(600)) - by_argument:
        expected = EPERM if number in denied else ENOSYS if number in special else None
        answer = verdict(machine, number, socket.AF_UNIX, socket.SOCK_STREAM)
        assert answer == (expected or ALLOW), number


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_of_another_architecture_end_the_process(machine: str) -> None:
    assert verdict(machine, 0, arch=0x40000003) == KILL
    assert verdict(machine, 0, arch=next(a for m, a in MACHINES.items() if m != machine)) == KILL


def test_the_second_table_of_x86_64_is_closed() -> None:
    assert verdict("x86_64", 0x40000000) == ENOSYS
    assert verdict("x86_64", 0x40000000 | 101) == ENOSYS


@settings(max_examples=300, deadline=None, derandomize=True)
@given(machine=st.sampled_from(sorted(MACHINES)), flags=st.integers(0, 2**32 - 1))
def test_clone_is_refused_exactly_when_it_asks_for_a_namespace(machine: str, flags: int) -> None:
    namespaces = 0x00000080 | 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
    number = {"x86_64": 56, "aarch64": 220}[machine]
    assert verdict(machine, number, flags) == (EPERM if flags & namespaces else ALLOW)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    machine=st.sampled_from(sorted(MACHINES)),
    family=st.sampled_from([1, 2, 10, 16, 17, 40]) | st.integers(0, 2**32 - 1),
    kind=st.sampled_from([1, 2, 3, 5, 1 | 0o2000000, 1 | 0o4000, 2 | 0o2000000]) | st.integers(0, 2**32 - 1),
)
def test_only_pairs_of_unix_streams_may_be_made(machine: str, family: int, kind: int) -> None:
    number = {"x86_64": 53, "aarch64": 199}[machine]
    fine = family == 1 and kind & ~(0o2000000 | 0o4000) == 1
    assert verdict(machine, number, family, kind) == (ALLOW if fine else EPERM)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", sorted(seccomp.OTHERS))
def test_only_ones_own_limits_and_priority_may_be_set(machine: str, name: str) -> None:
    x86, arm, places = seccomp.OTHERS[name]
    number = x86 if machine == "x86_64" else arm
    assert verdict(machine, number) == ALLOW
    for place in places:
        arguments = [0] * 6
        arguments[place] = 4242
        assert verdict(machine, number, *arguments) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_can_be_typed_into_a_terminal(machine: str) -> None:
    number = {"x86_64": 16, "aarch64": 29}[machine]
    assert verdict(machine, number, 0, 0x5412) == EPERM
    assert verdict(machine, number, 0, 0x541C) == EPERM
    assert verdict(machine, number, 0, 0x5413) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_of_the_systems_headers(machine: str) -> None:
    header = next((Path(p) for p in HEADERS[machine] if Path(p).exists()), None)
    if header is None:
        pytest.skip("the kernel's headers are not installed")
    pattern = r"#define __NR(?:3264)?_(\w+)\s+(\d+)"
    known = {name: int(number) for name, number in re.findall(pattern, header.read_text())}
    column = list(MACHINES).index(machine)
    used = seccomp.numbers(machine) | {name: numbers[column] for name, numbers in seccomp.OTHERS.items()}
    wrong = {n: v for n, v in used.items() if known.get(n, v) != v}
    assert wrong == {}
    assert len(known.keys() & seccomp.numbers(machine).keys()) > 50
