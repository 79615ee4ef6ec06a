"""The output of a job as harmless text, read from any byte on: whole lines, without what drives terminals, with every
secret masked."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

from evidentia.workspace.secrets import mask_secrets

AT_ONCE = 64_000
"""Bytes that one piece holds, at most."""
LONGEST_LINE = 16_000
"""Bytes after which a line without an end is shown all the same."""
_ANSI = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def read_output(log: Path, offset: int, *, ended: bool) -> tuple[str, int]:
    """The text from byte `offset` on and the byte to go on from. An unfinished last line waits, unless the job has
    `ended` or the line is longer than `LONGEST_LINE`. A log that is not there holds nothing."""
    try:
        with opened(log) as file:
            file.seek(offset)
            data = file.read(AT_ONCE)
    except OSError:
        return "", offset
    end = data.rfind(b"\n") + 1
    if end == 0 or (ended and len(data) < AT_ONCE):
        end = len(data) if ended or len(data) > LONGEST_LINE else 0
    return clean(data[:end]), offset + end


def opened(log: Path) -> BinaryIO:
    """A job's log for reading. Raises OSError where there is none, or a link to something else."""
    return os.fdopen(os.open(log, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb")


def start_of_tail(log: Path, size: int = AT_ONCE) -> int:
    """The byte where the first whole line within the last `size` bytes begins; 0 for a shorter log."""
    try:
        with opened(log) as file:
            length = os.fstat(file.fileno()).st_size
            if length <= size:
                return 0
            file.seek(length - size)
            return length - size + file.read(size).find(b"\n") + 1
    except OSError:
        return 0


def clean(data: bytes) -> str:
    """Bytes of a terminal as plain text: colours and cursor movements are gone, secrets are masked."""
    plain = _ANSI.sub(b"", mask_secrets(data)[0]).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _CONTROL.sub("", plain.decode(errors="replace"))
