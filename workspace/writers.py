"""Who writes a log at this moment: the process that holds its lock, found without taking the lock oneself.

A log that is locked for a look, however shortly, would refuse a run that opens it just then.
"""

from __future__ import annotations

import os
from pathlib import Path

LOCKS = Path("/proc/locks")


def lock_holders() -> dict[int, list[int]]:
    """By inode, the processes that hold an exclusive lock on a file. Empty where the system does not tell."""
    found: dict[int, list[int]] = {}
    try:
        lines = LOCKS.read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        parts = line.split()
        # "1: FLOCK ADVISORY WRITE 20040 fe:00:2148312 0 EOF"; one that waits has "->" behind its number
        if len(parts) > 5 and parts[1] == "FLOCK" and parts[3] == "WRITE" and parts[4].isdecimal():
            found.setdefault(int(parts[5].rpartition(":")[2]), []).append(int(parts[4]))
    return found


def writer_of(path: Path, holders: dict[int, list[int]] | None = None) -> int | None:
    """The living process that holds the log at `path`, or None. `holders` is what `lock_holders` told just now."""
    try:
        lies = path.stat()
    except OSError:
        return None
    found = (lock_holders() if holders is None else holders).get(lies.st_ino, ())
    return next((pid for pid in found if _has_open(pid, lies)), None)


def _has_open(pid: int, lies: os.stat_result) -> bool:
    """Whether a process has the very file open: inodes of other disks have the same numbers."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    for name in names:
        try:
            seen = os.stat(f"{folder}/{name}")
        except OSError:
            continue
        if (seen.st_ino, seen.st_dev) == (lies.st_ino, lies.st_dev):
            return True
    return False
