"""A job's attendant: starts the command, keeps its output within bounds, and writes down how it ended.

A script of its own, started with nothing but the standard library, so that it outlives the server that started it:
``python attended.py JOB.json JOB.log LOCK COMMAND…``. `LOCK` is the descriptor of a lock on the log; while it is held
the job is alive. SIGINT and SIGTERM are handed to the command.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from types import FrameType

LARGEST = 20_000_000
"""Bytes of output that are kept; what comes after is read and dropped, so that the command is never held up."""
SECONDS_TO_DRAIN = 2.0


def attend(about: str, log: str, command: list[str]) -> int:
    """Run the command to its end, its output in the log and its exit code in the description; the exit code."""
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    early: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def hand_on(number: int, frame: FrameType | None) -> None:
        early.append(number) if child is None else child.send_signal(number)

    # Before the command starts: it inherits "ignore", which a server in the background of a shell has for SIGINT, and
    # does not inherit a handler.
    signal.signal(signal.SIGINT, hand_on)
    signal.signal(signal.SIGTERM, hand_on)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for number in early:
        child.send_signal(number)
    note(about, pid=os.getpid())
    assert child.stdout is not None
    reader = threading.Thread(target=keep, args=(child.stdout.fileno(), out), daemon=True)
    reader.start()
    code = child.wait()
    # What the command left running may hold the pipe open for ever; its last words are waited for, not more.
    reader.join(SECONDS_TO_DRAIN)
    note(about, exit_code=code, ended=datetime.now(UTC).isoformat(timespec="seconds"))
    return code


def keep(source: int, out: int) -> None:
    """Copy the pipe into the log until its end, at most `LARGEST` bytes."""
    room = LARGEST
    while data := os.read(source, 65_536):
        if room <= 0:
            continue
        _write(out, data[:room])
        room -= len(data)
        if room <= 0:
            _write(out, f"\n… the output is cut here, after {LARGEST} bytes\n".encode())


def _write(out: int, data: bytes) -> None:
    """Write all of it; a full disk drops output, never the command."""
    try:
        while data:
            data = data[os.write(out, data) :]
    except OSError:
        return


def note(about: str, **facts: object) -> None:
    """Add facts to the job's description, whole or not at all."""
    with open(about, encoding="utf-8") as file:
        told = json.load(file)
    with open(f"{about}.new", "w", encoding="utf-8") as file:
        json.dump({**told, **facts}, file, ensure_ascii=False)
    os.replace(f"{about}.new", about)


if __name__ == "__main__":
    os.set_inheritable(int(sys.argv[3]), False)
    sys.exit(0 if attend(sys.argv[1], sys.argv[2], sys.argv[4:]) == 0 else 1)
