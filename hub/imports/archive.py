"""Unpacking a zip from outside: bounded, names checked before anything is written, declared sizes never trusted.

The central directory is measured before it is read: its place, its size and its count must agree, so that an
archive of a million entries costs one look at its last bytes.
"""

from __future__ import annotations

import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from evidentia.errors import BadInputError

MOST_ENTRIES = 10_000
MOST_DIRECTORY_BYTES = 8 * 1024**2
MOST_FILE_BYTES = 256 * 1024**2
MOST_TOTAL_BYTES = 1024**3
MOST_RATIO, RATIO_FROM_BYTES = 200, 16 * 1024**2
"""Unpacked over packed bytes of the whole archive, asked for once it unpacks to more than `RATIO_FROM_BYTES`."""
MOST_DEPTH, MOST_NAME_BYTES = 12, 512
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
"""How a zip begins."""
_END, _END64_LOCATOR, _LOCAL = b"PK\x05\x06", b"PK\x06\x07", b"PK\x03\x04"
_END_BYTES, _LOCATOR_BYTES, _LOCAL_BYTES = 22, 20, 30
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_KNOWN_FLAGS = 0x0800 | 0x0008 | 0x0006
_UTF8 = 0x0800
_CHUNK = 1 << 16
_FORBIDDEN = set('\\:*?"<>|')
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def names_in(archive: Path) -> list[str]:
    """The names of a zip's files, after the same checks as before unpacking. Raises BadInputError as `unpack`."""
    with _checked(archive, "read") as (_, entries):
        return [entry.filename for entry in entries if not entry.is_dir()]


def unpack(archive: Path, into: Path) -> list[str]:
    """Unpack the files of `archive` below the folder `into` and return their names in order.

    Raises BadInputError in one sentence at the first thing that a package's zip never has; what was written until
    then lies below `into`, which is the caller's to remove.
    """
    with _checked(archive, "unpacked") as (opened, entries):
        return _extract(archive, opened, entries, into)


@contextmanager
def _checked(archive: Path, done: str) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """The zip with its entries, all of which passed the checks; what goes wrong with it is one BadInputError, which
    says that it cannot be `done` where the system refused."""
    try:
        with archive.open("rb") as handle:
            start = _directory_start(archive, handle)
            try:
                with zipfile.ZipFile(handle) as opened:
                    entries = opened.infolist()
                    _check_entries(archive, entries, start, handle)
                    yield opened, entries
            except _BROKEN as error:
                raise BadInputError(f"{archive} is not a whole zip: {_told(error)}; get it again") from error
    except OSError as error:
        raise BadInputError(f"{archive} cannot be {done}: {error.strerror or error}") from error


def _told(error: BaseException) -> str:
    text = " ".join(str(error).split())[:200] or type(error).__name__
    return "".join(c if c.isprintable() else "�" for c in text)


def _directory_start(archive: Path, handle: IO[bytes]) -> int:
    """Where the central directory begins, once count, size and place have been found to agree."""
    size = os.fstat(handle.fileno()).st_size
    if size > MOST_TOTAL_BYTES + MOST_DIRECTORY_BYTES:
        raise BadInputError(f"{archive} has {size:,} bytes; at most {MOST_TOTAL_BYTES:,} are taken")
    handle.seek(max(0, size - _END_BYTES - _LOCATOR_BYTES))
    tail = handle.read()
    if len(tail) < _END_BYTES or tail[-_END_BYTES:-18] != _END:
        raise BadInputError(f"{archive} is not a zip, was cut short, or has bytes after its end; get it again")
    _, disk, first, here, count, length, start, comment = struct.unpack("<4s4H2LH", tail[-_END_BYTES:])
    if tail[:-_END_BYTES][:4] == _END64_LOCATOR or 0xFFFF in (here, count) or 0xFFFFFFFF in (length, start):
        raise BadInputError(f"{archive} is of the zip64 form: it has more than the {MOST_ENTRIES:,} files taken")
    if count > MOST_ENTRIES or length > MOST_DIRECTORY_BYTES:
        raise BadInputError(f"{archive} has {count:,} files or a directory of {length:,} bytes; too many are refused")
    if disk or first or here != count or comment or start + length + _END_BYTES != size:
        raise BadInputError(f"{archive} is not one plain zip: its directory is not where its end says")
    return int(start)


def _check_entries(archive: Path, entries: list[zipfile.ZipInfo], start: int, handle: IO[bytes]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise BadInputError(f"{archive} has more than {MOST_ENTRIES:,} files")
    for entry in entries:
        if fault := _fault(entry):
            raise BadInputError(f"{archive}: the entry {_shown(entry.orig_filename)} {fault}; the zip is refused")
    if clash := name_clash(e.filename for e in entries):
        raise BadInputError(f"{archive}: {clash}; the zip is refused")
    total = sum(e.file_size for e in entries)
    if total > MOST_TOTAL_BYTES:
        raise BadInputError(f"{archive} unpacks to {total:,} bytes; at most {MOST_TOTAL_BYTES:,} are taken")
    if total > RATIO_FROM_BYTES and total > MOST_RATIO * sum(e.compress_size for e in entries):
        raise BadInputError(f"{archive} unpacks to more than {MOST_RATIO} times its size, as a zip bomb does")
    ordered = sorted(entries, key=lambda e: e.header_offset)
    for entry, follower in zip(ordered, [*(e.header_offset for e in ordered[1:]), start], strict=True):
        handle.seek(entry.header_offset)
        header = handle.read(_LOCAL_BYTES)
        if len(header) < _LOCAL_BYTES or header[:4] != _LOCAL:
            raise BadInputError(f"{archive}: the entry {_shown(entry.filename)} lies outside the archive")
        name, extra = struct.unpack("<2H", header[26:])
        if entry.header_offset + _LOCAL_BYTES + name + extra + entry.compress_size > follower:
            raise BadInputError(f"{archive}: the entry {_shown(entry.filename)} overlaps another; the zip is refused")


def _fault(entry: zipfile.ZipInfo) -> str | None:
    if fault := name_fault(entry.orig_filename.removesuffix("/")):
        return fault
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if entry.flag_bits & ~_KNOWN_FLAGS:
        return "uses an unknown feature of zip"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed by another method than store or deflate"
    if kind == stat.S_IFLNK:
        return "is a symbolic link"
    if kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG):
        return "is not a plain file"
    if entry.is_dir() and entry.file_size:
        return "is a folder with content"
    if entry.file_size > MOST_FILE_BYTES:
        return f"unpacks to {entry.file_size:,} bytes, more than the {MOST_FILE_BYTES:,} taken of one file"
    if entry.compress_type == zipfile.ZIP_STORED and entry.compress_size != entry.file_size:
        return "states two sizes"
    if not entry.orig_filename.isascii() and not entry.flag_bits & _UTF8:
        return "has a name that is not marked as UTF-8"
    return None


def name_fault(name: str) -> str | None:
    """Why a relative path from outside may not be written; None if it may."""
    parts = name.split("/")
    if not name or name.startswith("/") or ".." in parts:
        return "leaves the folder it is unpacked to"
    if _FORBIDDEN & set(name):
        return "has a backslash, a drive letter or another character that is no part of a file's name"
    if "" in parts or "." in parts or any(p != p.strip() or p.endswith(".") for p in parts):
        return "has an empty or blank part in its name"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") for c in name):
        return "has invisible characters in its name"
    if len(parts) > MOST_DEPTH:
        return f"lies more than {MOST_DEPTH} folders deep"
    if len(name.encode()) > MOST_NAME_BYTES or any(len(p.encode()) > 255 for p in parts):
        return "has a name that is too long"
    return None


def name_clash(names: Iterable[str]) -> str | None:
    """Two names that are, or on some machine could be, one; or a file that is also a folder. None if there are none."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        key = _folded(name.removesuffix("/"))
        if key in seen:
            same = seen[key] == name
            told = "stands twice" if same else f"and {_shown(seen[key])} differ only in case or Unicode form"
            return f"{_shown(name)} {told}"
        seen[key] = name
        parts = key.split("/")
        folders |= {"/".join(parts[:i]): name for i in range(1, len(parts))}
    for key, name in seen.items():
        if key in folders and not name.endswith("/"):
            return f"{_shown(name)} is both a file and a folder"
    return None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 80 else f"{name[:77]}…")


def _extract(archive: Path, opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo], into: Path) -> list[str]:
    total, names = 0, []
    for entry in entries:
        if entry.is_dir():
            continue
        target = into / entry.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        written = 0
        with opened.open(entry) as packed, target.open("xb") as out:
            while chunk := packed.read(_CHUNK):
                written += len(chunk)
                total += len(chunk)
                if written > entry.file_size or total > MOST_TOTAL_BYTES:
                    raise BadInputError(f"{archive}: {_shown(entry.filename)} unpacks to more bytes than it declares")
                out.write(chunk)
        if written != entry.file_size:
            raise BadInputError(f"{archive}: {_shown(entry.filename)} unpacks to fewer bytes than it declares")
        names.append(entry.filename)
    return names
