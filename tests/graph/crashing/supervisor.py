"""Starts a session, kills it after so many seconds if asked to, and sees whether anything it started outlives it.

``python supervisor.py SECONDS PATIENCE COMMAND …`` (0 seconds: no kill). Linux gives orphans to the nearest ancestor
that asks for them (PR_SET_CHILD_SUBREAPER, prctl(2)): so whatever the session leaves becomes a child of this process.
Prints JSON: the exit status, the seconds it lived, how long the last process outlived it, and those still there when
that took longer than the patience.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_SUBREAPER = 36


def children(process: int) -> list[int]:
    """The direct children of a process."""
    found: list[int] = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, thread.read_text().split())
    return found


def outliving(patience: float) -> tuple[float, list[str]]:
    """Wait until nothing is left below this process: the seconds that took, and what was still there at the end."""
    began = time.monotonic()
    while left := children(os.getpid()):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if time.monotonic() - began > patience:
            told = [f"{p}: {Path(f'/proc/{p}/cmdline').read_text()!r}" for p in left]
            for process in left:
                os.kill(process, signal.SIGKILL)
            return patience, told
        time.sleep(0.001)
    return time.monotonic() - began, []


def main() -> None:
    """Supervise one session."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0):
        sys.exit("this kernel gives no orphans to their ancestor")
    seconds, began = float(sys.argv[1]), time.monotonic()
    session = subprocess.Popen(sys.argv[3:], start_new_session=True)
    try:
        session.wait(seconds or None)
    except subprocess.TimeoutExpired:
        session.kill()
        session.wait()
    lived = time.monotonic() - began
    outlived, orphans = outliving(float(sys.argv[2]))
    print(json.dumps({"status": session.returncode, "lived": lived, "outlived": outlived, "orphans": orphans}))


if __name__ == "__main__":
    main()
