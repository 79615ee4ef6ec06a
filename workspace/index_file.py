"""The file of the index: opened by several processes at once, made anew when damaged, in memory where need be."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from evidentia.errors import EvidentiaError

PATIENCE = 10.0
Answer = TypeVar("Answer")


def with_database(path: Path, schema: int, tables: str, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
    """Do `work` on the database at `path`, whose ``user_version`` is `schema` and which has `tables`.

    Whoever works holds a shared lock beside the file. When SQLite finds it damaged, or it is of another schema, it
    is removed under an exclusive lock and `work` begins again on an empty one; where nothing can be written there,
    in memory. `work` must not change anything else, since it may be done more than once.
    """

    def attempt(name: str) -> Answer:
        with closing(sqlite3.connect(name, timeout=PATIENCE, isolation_level=None)) as connection:
            _prepare(connection, schema, tables)
            return work(connection)

    with suppress(OSError, sqlite3.Error), _lock(path.with_suffix(".lock")) as handle:
        with suppress(sqlite3.Error):
            return attempt(str(path))
        _take(handle, fcntl.LOCK_EX)
        with suppress(sqlite3.Error):
            return attempt(str(path))
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        return attempt(str(path))
    try:
        return attempt(":memory:")
    except sqlite3.Error as error:
        raise EvidentiaError(f"this Python's SQLite {sqlite3.sqlite_version} cannot hold the index: {error}") from error


def _prepare(connection: sqlite3.Connection, schema: int, tables: str) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if _version(connection) == schema:
        return
    with transaction(connection):
        found = _version(connection)
        if found == schema:
            return
        if found or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise sqlite3.DatabaseError(f"an index of schema {found}, not {schema}")
        for statement in tables.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {schema}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All changes within, or none; other writers wait."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def _lock(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _take(handle, fcntl.LOCK_SH)
        yield handle
    finally:
        os.close(handle)


def _take(handle: int, kind: int) -> None:
    """Take a lock, or raise TimeoutError. The one held before is given up first, so that two who both want the
    exclusive one do not wait for each other."""
    fcntl.flock(handle, fcntl.LOCK_UN)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the index is locked by another process: {handle}") from None
            time.sleep(0.005)
