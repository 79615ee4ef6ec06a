"""Taking declared outputs out of a scratch folder that hostile code has filled."""

from __future__ import annotations

import os
import stat
from pathlib import PurePosixPath


def take(scratch: int, names: tuple[str, ...], max_bytes: int) -> tuple[dict[str, bytes], dict[str, str]]:
    """The bytes of each declared file below the folder of a descriptor, and for those not taken the reason.

    Links are never followed, on no part of the path; only regular files with one name are read, at most
    `max_bytes` each.
    """
    taken: dict[str, bytes] = {}
    refused: dict[str, str] = {}
    for name in names:
        try:
            taken[name] = _read(scratch, name, max_bytes)
        except _RefusedError as error:
            refused[name] = str(error)
    return taken, refused


class _RefusedError(Exception):
    pass


def _read(scratch: int, name: str, max_bytes: int) -> bytes:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise _RefusedError("path leaves the scratch directory")
    folder = os.dup(scratch)
    try:
        for part in parts[:-1]:
            deeper = _open(part, os.O_RDONLY | os.O_DIRECTORY, folder)
            os.close(folder)
            folder = deeper
        handle = _open(parts[-1], os.O_RDONLY | os.O_NONBLOCK, folder)
    finally:
        os.close(folder)
    with os.fdopen(handle, "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise _RefusedError("not a regular file")
        if state.st_nlink != 1:
            raise _RefusedError("hard link")
        if state.st_size > max_bytes:
            raise _RefusedError(f"larger than {max_bytes} bytes")
        data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise _RefusedError(f"larger than {max_bytes} bytes")
        return data


def _open(name: str, flags: int, folder: int) -> int:
    try:
        state = os.lstat(name, dir_fd=folder)
        if stat.S_ISLNK(state.st_mode):
            raise _RefusedError("symbolic link")
        wanted = stat.S_ISDIR if flags & os.O_DIRECTORY else stat.S_ISREG
        if not wanted(state.st_mode):
            raise _RefusedError("not a regular file" if not flags & os.O_DIRECTORY else "missing")
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        raise _RefusedError("missing") from None
    except OSError as error:
        raise _RefusedError(f"cannot be opened: {error.strerror}") from None
