"""The index of published values and of their comparisons: an SQLite file that may be deleted and is then rebuilt."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evidentia.errors import BadInputError, IntegrityError
from evidentia.hub.tensions.measured import Measured, measured_claim
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.store import MANIFEST, package_versions

SCHEMA = 2
FILE = "tensions.sqlite"
_TABLES = """
CREATE TABLE IF NOT EXISTS package (name TEXT PRIMARY KEY, version INTEGER NOT NULL, unread TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS claim (ref TEXT PRIMARY KEY, package TEXT NOT NULL, key TEXT NOT NULL, created TEXT NOT NULL,
                    body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS claim_key ON claim (key, created, ref);
CREATE INDEX IF NOT EXISTS claim_package ON claim (package);
CREATE TABLE IF NOT EXISTS pair (id TEXT PRIMARY KEY, older TEXT NOT NULL, newer TEXT NOT NULL, verdict TEXT NOT NULL,
                   leads INTEGER NOT NULL, recorded INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS pair_leads ON pair (leads);
CREATE INDEX IF NOT EXISTS pair_recorded ON pair (recorded, verdict);
CREATE INDEX IF NOT EXISTS pair_older ON pair (older);
CREATE INDEX IF NOT EXISTS pair_newer ON pair (newer);
"""


@contextmanager
def open_index(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    """The index of a workspace, in one transaction; a damaged one, or one of another schema, is made anew.

    Raises BadInputError when it cannot be written.
    """
    path = workspace.cache / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path)
    except (OSError, sqlite3.Error) as error:
        raise BadInputError(f"cannot write {path}: {error}; make room, or delete it: it is rebuilt") from error
    try:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
    except sqlite3.Error as error:
        raise BadInputError(f"cannot use {path}: {error}; delete it: it is rebuilt") from error
    finally:
        connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA:
            return connection
    except sqlite3.DatabaseError:
        pass
    connection.close()
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")
    return connection


def take_in(index: sqlite3.Connection, workspace: Workspace) -> set[str]:
    """Read the packages that are new, or have a new version, and return the keys of their claims.

    Claims of a package's older versions leave the index. A package that cannot be read is noted (see `unread`).
    """
    known = dict(index.execute("SELECT name, version FROM package"))
    touched: set[str] = set()
    for name in workspace.package_names():
        versions = package_versions(workspace.packages / name)
        if not versions or known.get(name) == versions[-1]:
            continue
        _forget(index, name)
        why, claims = "", []
        try:
            claims = list(claims_of(workspace.packages / name / f"v{versions[-1]}", name, versions[-1]))
        except IntegrityError as error:
            why = str(error)
        index.execute("INSERT INTO package VALUES (?, ?, ?)", (name, versions[-1], why))
        rows = [(c.ref, name, c.key, c.created, json.dumps(c.to_json())) for c in claims]
        index.executemany("INSERT OR REPLACE INTO claim VALUES (?, ?, ?, ?, ?)", rows)
        touched |= {c.key for c in claims}
    return touched


def _forget(index: sqlite3.Connection, name: str) -> None:
    index.execute("DELETE FROM package WHERE name = ?", (name,))
    for (ref,) in index.execute("SELECT ref FROM claim WHERE package = ?", (name,)).fetchall():
        index.execute("DELETE FROM pair WHERE older = ? OR newer = ?", (ref, ref))
    index.execute("DELETE FROM claim WHERE package = ?", (name,))


def unread(index: sqlite3.Connection) -> list[str]:
    """One sentence for every package that could not be read."""
    return [why for (why,) in index.execute("SELECT unread FROM package WHERE unread != '' ORDER BY name")]


def claims_of(path: Path, name: str, version: int) -> Iterator[Measured]:
    """The claims of a package directory as plain data. Raises IntegrityError when its manifest is not readable."""
    try:
        manifest: dict[str, Any] = json.loads((path / MANIFEST).read_bytes())
        runs = {str(entry["evidence"]): run for entry, run in _runs(manifest)}
        for claim in manifest["claims"]:
            own = [runs[e] for e in claim.get("evidence") or () if e in runs]
            machines = {str((r["evidence"].get("environment") or {}).get("processor") or "") for r in own}
            found = measured_claim(
                claim,
                ref=f"{name}@v{version}#{claim['id']}",
                run=str(manifest.get("run") or ""),
                created=str(manifest.get("created") or ""),
                seeds={s for r in own for s in r["evidence"].get("seeds") or ()},
                machine=", ".join(sorted(machines)),
            )
            found.protocol  # noqa: B018 - raises for conditions that no canonical text can hold
            yield found
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise IntegrityError(f"{path / MANIFEST} cannot be read as a package: {error}") from error


def _runs(manifest: Mapping[str, Any]) -> Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    return zip(manifest.get("entry_points") or (), (manifest.get("branch") or {}).get("runs") or (), strict=False)


def group(index: sqlite3.Connection, key: str) -> list[Measured]:
    """All claims of one key, oldest first."""
    found = index.execute("SELECT body FROM claim WHERE key = ? ORDER BY created, ref", (key,))
    return [Measured.model_validate_json(body) for (body,) in found]


def claim(index: sqlite3.Connection, ref: str) -> Measured | None:
    """One claim by its reference, or None if no latest version of a package holds it."""
    row = index.execute("SELECT body FROM claim WHERE ref = ?", (ref,)).fetchone()
    return Measured.model_validate_json(row[0]) if row else None
