"""Reading recorded request streams: CSV, and the binary layout ``oracleGeneral`` of the libCacheSim collection.

https://github.com/1a1a11a/libCacheSim, ``doc/quickstart_cachesim.md``: 24 bytes a request, little-endian: time (u32),
item (u64), size in bytes (u32), position of the item's next request (i64).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evidentia.kernels.caching.arrays import Ints, Trace

ORACLE_GENERAL = np.dtype([("time", "<u4"), ("item", "<u8"), ("size", "<u4"), ("next", "<i8")])


@dataclass(frozen=True)
class Recording:
    """A recorded stream: requests ``(requests,)`` as item numbers from 0 in order of first appearance, and each
    item's size in bytes ``(items,)``, the last one that was recorded."""

    trace: Trace
    sizes: Ints

    @property
    def items(self) -> int:
        """Number of distinct items."""
        return int(self.sizes.size)


def read_trace(path: Path, *, item: str | int = 0, size: str | int | None = None) -> Recording:
    """Read a trace; what does not end in ``.csv`` is taken for ``oracleGeneral``.

    In CSV `item` and `size` are columns, by name if there is a header, else by position; without `size` every item
    has one byte. Raises ValueError naming the file, the line and the mend, OSError if it cannot be read.
    """
    return _read_csv(path, item, size) if path.suffix.lower() == ".csv" else _read_oracle_general(path)


def write_oracle_general(path: Path, recording: Recording) -> None:
    """Write a trace in the binary layout, one second from request to request."""
    records = np.zeros(recording.trace.size, ORACLE_GENERAL)
    records["time"] = np.arange(recording.trace.size)
    records["item"] = recording.trace
    records["size"] = recording.sizes[recording.trace]
    upcoming = np.full(recording.items, -1, np.int64)
    following = np.empty(recording.trace.size, np.int64)
    for t in range(recording.trace.size - 1, -1, -1):
        following[t] = upcoming[recording.trace[t]]
        upcoming[recording.trace[t]] = t
    records["next"] = following
    path.write_bytes(records.tobytes())


def _read_oracle_general(path: Path) -> Recording:
    length = path.stat().st_size
    if length % ORACLE_GENERAL.itemsize:
        raise ValueError(
            f"{path} has {length} bytes, no multiple of {ORACLE_GENERAL.itemsize}: it is cut off, compressed (unpack "
            "it first) or not oracleGeneral (name it .csv if it is CSV)"
        )
    records = np.fromfile(path, ORACLE_GENERAL)
    return _numbered(records["item"], records["size"].astype(np.int64))


def _read_csv(path: Path, item: str | int, size: str | int | None) -> Recording:
    items: list[str] = []
    sizes: list[int] = []
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        wanted = [item] if size is None else [item, size]
        header = next(rows, []) if any(isinstance(column, str) for column in wanted) else []
        places = [_place(path, header, column) for column in wanted]
        for number, row in enumerate(rows, start=2 if header else 1):
            if not row:
                continue
            try:
                items.append(row[places[0]].strip())
                sizes.append(int(row[places[1]]) if size is not None else 1)
            except (IndexError, ValueError):
                raise ValueError(f"{path}, line {number}: no item or no whole number of bytes in {row!r}") from None
            if sizes[-1] < 0:
                raise ValueError(f"{path}, line {number}: a size of {sizes[-1]} bytes; sizes are not negative")
    return _numbered(np.asarray(items), np.asarray(sizes, np.int64))


def _place(path: Path, header: list[str], column: str | int) -> int:
    if isinstance(column, int):
        return column
    names = [name.strip() for name in header]
    if column not in names:
        raise ValueError(f"{path} has no column {column!r}; it has {', '.join(names) or 'no header'}")
    return names.index(column)


def _numbered(items: np.ndarray, sizes: Ints) -> Recording:
    """Item numbers from 0 in order of first appearance."""
    unique, first, inverse = np.unique(items, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    number = np.empty(unique.size, np.int64)
    number[order] = np.arange(unique.size)
    trace: Trace = number[inverse.reshape(-1)]
    last = np.zeros(unique.size, np.int64)
    last[trace] = sizes
    return Recording(trace, last)
