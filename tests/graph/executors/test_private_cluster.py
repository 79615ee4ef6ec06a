"""A cluster of the program's own: it listens on loopback alone, and nothing of it outlives the program."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.graph.executors.conftest import LINUX, Process, with_descendants

pytestmark = [LINUX, pytest.mark.xdist_group("ray")]
MARK = "EVIDENTIA_TEST_OF_A_PRIVATE_CLUSTER"
PROGRAM = """
import sys
from pathlib import Path
from evidentia.graph.executors import Opening, open_executor
from evidentia.sandbox import Job
folder = Path(sys.argv[1])
executor = open_executor("ray", Opening(folder / "scratch", folder / "numba" / "all", workers=1))
print(executor.run(Job("print('measured')")).stdout.decode().strip(), flush=True)
try:
    executor.run(Job("while True: pass"))
finally:
    executor.close()
"""


def test_it_listens_on_loopback_alone_and_no_signal_leaves_a_process(tmp_path: Path) -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed: pip install 'evidentia[ray]'")
    with ExitStack() as stack:
        begun = [stack.enter_context(_program(tmp_path, f"{tmp_path.name}-{n}")) for n in range(2)]
        everything: set[Process | None] = set()
        for number, process in enumerate(begun):
            assert process.stdout
            assert process.stdout.readline() == "measured\n"
            members = _marked(f"{tmp_path.name}-{number}")
            sandboxed = with_descendants(*members) - members
            assert sandboxed, "the sandbox gives nothing of the environment on, so it has no mark"
            everything |= {Process.of(pid) for pid in members | sandboxed}
            addresses = _listening(members)
            assert addresses
            assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
        os.killpg(begun[0].pid, signal.SIGINT)  # as Ctrl-C does, to all of the terminal's group
        begun[1].kill()
        for process in begun:
            process.wait(120)
        waited = threading.Event()
        for _ in range(2400):
            left = {p for p in everything if p and (now := Process.of(p.pid)) and now.began == p.began}
            if not (left or _marked(f"{tmp_path.name}-0") or _marked(f"{tmp_path.name}-1")):
                break
            waited.wait(0.05)
        else:
            raise AssertionError(f"still there: {left}")


@contextlib.contextmanager
def _program(folder: Path, mark: str) -> Iterator[subprocess.Popen[str]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {MARK: mark}
    command = [sys.executable, "-c", PROGRAM, str(folder / mark)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            for pid in _marked(mark):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _marked(mark: str) -> set[int]:
    """The living processes that were started with the mark in their environment."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):
                found.add(int(name))
    return found


def _listening(processes: set[int]) -> set[str]:
    """The addresses, in the kernel's hexadecimal, on which these processes accept connections."""
    sockets = set()
    for pid in processes:
        with contextlib.suppress(OSError):
            for handle in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    sockets.add(os.readlink(handle))
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    return {f[1].rpartition(":")[0] for f in lines if f[3] == "0A" and f"socket:[{f[9]}]" in sockets}
