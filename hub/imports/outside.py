"""Reading a folder or a file from outside: plain files only, bounded in number and size, names that may be written."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from evidentia.errors import BadInputError
from evidentia.hub.imports.archive import MOST_ENTRIES, MOST_FILE_BYTES, MOST_TOTAL_BYTES, name_clash, name_fault

MOST_JSON_BYTES = 16 * 1024**2
LARGEST = 10**15
"""Numbers beyond it are not taken over: canonical JSON holds integers up to 2^53 only."""


def read_folder(folder: Path) -> dict[str, bytes]:
    """All files below a folder by relative path, in order.

    Raises BadInputError at the first link, special file, impossible name, or when it is too much.
    """
    found: dict[str, bytes] = {}
    total = 0
    for place, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted([*names, *(f for f in folders if (Path(place) / f).is_symlink())]):
            path = Path(place) / name
            relative = path.relative_to(folder).as_posix()
            if fault := name_fault(relative):
                raise BadInputError(f"{folder}: {relative!a} {fault}")
            about = path.lstat()
            if not stat.S_ISREG(about.st_mode):
                raise BadInputError(f"{folder}: {relative} is a link or no plain file; only plain files are taken in")
            total += about.st_size
            if about.st_size > MOST_FILE_BYTES or total > MOST_TOTAL_BYTES or len(found) >= MOST_ENTRIES:
                raise BadInputError(
                    f"{folder}: {relative} is too much: at most {MOST_ENTRIES:,} files, {MOST_FILE_BYTES:,} bytes "
                    f"each and {MOST_TOTAL_BYTES:,} together are taken in"
                )
            found[relative] = path.read_bytes()
    if clash := name_clash(found):
        raise BadInputError(f"{folder}: {clash}")
    return found


def read_object(path: Path, data: bytes) -> dict[str, Any]:
    """A JSON object from outside. Raises BadInputError when it is none, is too large, or holds what JSON has not."""
    if len(data) > MOST_JSON_BYTES:
        raise BadInputError(f"{path} has {len(data):,} bytes; at most {MOST_JSON_BYTES:,} are read")
    try:
        found = json.loads(data, parse_constant=_no_number)
    except RecursionError:
        raise BadInputError(f"{path} is nested without end") from None
    except ValueError as error:
        raise BadInputError(f"{path} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadInputError(f"{path} holds no JSON object")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def plain(value: Any, most: int = 2000) -> str:
    """One line of text of a value from outside; empty for what is no text or number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, int) and abs(value) > LARGEST:
        return ""
    text = "".join(c if c.isprintable() or c.isspace() else " " for c in str(value))
    return " ".join(text.encode("utf-8", "replace").decode().split())[:most]
