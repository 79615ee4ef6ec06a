"""One request at a time to a service, and a least time between two, whichever process of this machine makes them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.1


@contextmanager
def turn(marker: Path, delay: float, deadline: float, sleep: Callable[[float], None]) -> Iterator[bool]:
    """The caller's turn to ask: `marker` is locked for as long as it lasts, and begins `delay` seconds after the last.

    The file's time of change is that of the last turn. Yields False, without a turn, when others held it until
    `deadline` (of `time.monotonic`). A disk that refuses the marker costs politeness, not the answer.
    """
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(marker, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except OSError:
        yield True
        return
    try:
        if not _locked(handle, deadline, sleep):
            yield False
            return
        last = os.fstat(handle)
        past = time.time() - last.st_mtime
        if last.st_size and 0 <= past < delay:  # an empty one was never asked under
            sleep(delay - past)
        try:
            _mark(handle)  # who is killed while asking has asked
            yield True
        finally:
            _mark(handle)
    finally:
        os.close(handle)


def _mark(handle: int) -> None:
    with contextlib.suppress(OSError):
        os.pwrite(handle, b".", 0)


def _locked(handle: int, deadline: float, sleep: Callable[[float], None]) -> bool:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            sleep(POLL_SECONDS)
        except OSError:
            return True  # a file system without locks
        else:
            return True
