"""Taking into the index what is new: the ledger's tail, and manifests that no longer lie as they did."""

from __future__ import annotations

import dataclasses
import json
import math
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from evidentia.workspace.canonical import sha256
from evidentia.workspace.home import Workspace
from evidentia.workspace.index_file import transaction
from evidentia.workspace.index_sources import (
    LESSON,
    Position,
    artifacts_of,
    cpu_seconds_of,
    fingerprint,
    manifest_path,
    read_manifest,
    read_tail,
    texts_of,
)
from evidentia.workspace.standing import Standing, apply, concerned, milliseconds

SCHEMA = 3
TABLES = """CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE packages (
    number INTEGER PRIMARY KEY, package TEXT UNIQUE NOT NULL, version INTEGER NOT NULL, standing TEXT NOT NULL,
    fingerprint TEXT NOT NULL, digest TEXT NOT NULL, on_disk TEXT NOT NULL,
    attention INTEGER NOT NULL, used INTEGER NOT NULL, praised INTEGER NOT NULL, changes INTEGER,
    rung INTEGER NOT NULL, plus INTEGER NOT NULL,
    human TEXT NOT NULL, confirmed INTEGER NOT NULL, tension TEXT NOT NULL,
    outcome TEXT NOT NULL, category TEXT NOT NULL, tags TEXT NOT NULL,
    decided INTEGER NOT NULL, created TEXT NOT NULL, summary TEXT NOT NULL, published INTEGER NOT NULL,
    reviews INTEGER NOT NULL, cpu_seconds REAL NOT NULL, teaches INTEGER NOT NULL
);
CREATE TABLE artifacts (
    number INTEGER NOT NULL, digest TEXT NOT NULL, file TEXT NOT NULL, PRIMARY KEY (number, digest, file)
) WITHOUT ROWID;
CREATE INDEX by_digest ON artifacts (digest);
CREATE INDEX by_rank ON packages (attention DESC, decided DESC, created DESC, package);
CREATE INDEX by_lesson ON packages (created DESC, package) WHERE teaches;
CREATE INDEX by_change ON packages (changes) WHERE changes IS NOT NULL;
CREATE VIRTUAL TABLE texts USING fts5 (
    title, statement, question, claims, lesson, tags, tokenize = 'porter unicode61 remove_diacritics 2'
)"""


class Rated(NamedTuple):
    """What a formula makes of a standing: milli-points, of these for use and by people, when decay will change them,
    and the mark of people."""

    attention: int
    used: int
    praised: int
    changes: int | None
    human: dict[str, Any]


@dataclass(frozen=True)
class Formula:
    """How packages are rated; the index is made anew when the `name` changes."""

    name: str
    rate: Callable[[Standing], Rated]


@cache
def standings_codec() -> TypeAdapter[Standing]:
    """Standings as JSON and back."""
    return TypeAdapter(Standing)


def as_it_lies(standing: Standing, digest: str) -> tuple[str, Standing]:
    """Whether a package whose manifest now has the SHA-256 `digest` is ``intact``, ``changed`` since it was published
    or verified, or ``missing`` (an empty digest), and its standing then: at no rung unless intact. Where the ledger
    has no digest nothing can be compared."""
    if not standing.manifest or digest == standing.manifest:
        return "intact", standing
    return "changed" if digest else "missing", dataclasses.replace(standing, rung=0, plus=False, confirmed=None)


def refresh(connection: sqlite3.Connection, workspace: Workspace, formula: Formula) -> int:
    """Take in what is new; returns the time the ledger has reached, in milliseconds.

    Raises IntegrityError when the ledger was changed; the index then stays as it was.
    """
    state = _state(connection)
    lies = fingerprint(workspace.ledger_path)
    moved = _moved(connection, workspace)
    if state.get("formula") == formula.name and state.get("ledger") == lies and not moved:
        return int(state["latest"])
    with transaction(connection):
        return _Update(connection, workspace, formula).run(moved)


def _state(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, value FROM state").fetchall())


_looked: dict[str, float] = {}


def _moved(connection: sqlite3.Connection, workspace: Workspace) -> list[str]:
    """The packages whose manifest no longer lies as it did; none where that was looked at a moment ago, as long as the
    workspace lets a look count."""
    now, root = time.monotonic(), str(workspace.root)
    if now - _looked.get(root, -math.inf) < workspace.look_counts_for:
        return []
    _looked[root] = now
    rows = connection.execute("SELECT package, version, fingerprint FROM packages").fetchall()
    folder = workspace.packages
    return [name for name, version, known in rows if fingerprint(manifest_path(folder, name, version)) != known]


class _Update:
    """One update, within a transaction: the standings it has changed, kept until they are written."""

    def __init__(self, connection: sqlite3.Connection, workspace: Workspace, formula: Formula) -> None:
        self.connection, self.workspace, self.formula = connection, workspace, formula
        self.standings: dict[str, Standing] = {}

    def run(self, moved: Iterable[str]) -> int:
        """Read the ledger's tail and the moved manifests; the time the ledger has reached."""
        state = _state(self.connection)
        if state.get("formula") != self.formula.name:
            self._clear()
            state, moved = {}, ()
        known = (
            Position(int(state["size"]), state["prefix"], state["last"], int(state["next"])) if state else Position()
        )
        tail = read_tail(self.workspace.ledger_path, known)
        latest = int(state.get("latest", 0))
        if tail.anew:
            self._clear()
            latest, moved = 0, ()
        for event in tail.events:
            for name in concerned(event):
                self._load(name)
            apply(self.standings, event)
            latest = max(latest, milliseconds(event.time))
        due = self.connection.execute("SELECT package FROM packages WHERE changes <= ?", (latest,)).fetchall()
        for name in (*moved, *(row[0] for row in due)):
            self._load(name)
        for standing in self.standings.values():
            standing.latest = latest
            self._write(standing)
        position = dict(zip(("size", "prefix", "last", "next"), tail.position, strict=True))
        new = {**position, "ledger": tail.fingerprint, "latest": latest, "formula": self.formula.name}
        self.connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", new.items())
        return latest

    def _clear(self) -> None:
        for table in ("state", "packages", "texts", "artifacts"):
            self.connection.execute(f"DELETE FROM {table}")  # noqa: S608

    def _load(self, name: str) -> None:
        if name not in self.standings:
            row = self.connection.execute("SELECT standing FROM packages WHERE package = ?", (name,)).fetchone()
            if row:
                self.standings[name] = standings_codec().validate_json(row[0])

    def _write(self, standing: Standing) -> None:
        """Write a package's row, and its texts where its manifest was not read before as it lies now."""
        run = self.connection.execute
        path = manifest_path(self.workspace.packages, standing.package, standing.version)
        lies = fingerprint(path)
        row = run(
            "SELECT number, digest, cpu_seconds, teaches, version = ? AND fingerprint = ? "
            "FROM packages WHERE package = ?",
            (standing.version, lies, standing.package),
        ).fetchone()
        number, digest, cost, teaches, known = row or (None, "", 0.0, False, False)
        texts, artifacts = None, dict[str, str]()
        if not known:
            manifest = read_manifest(path)
            digest = sha256(manifest) if manifest else ""
            texts, artifacts = texts_of(manifest, standing.summary), artifacts_of(manifest)
            cost, teaches = cpu_seconds_of(manifest), bool(texts[LESSON])
        on_disk, shown = as_it_lies(standing, digest)
        rated = self.formula.rate(shown)
        summary = standing.summary
        values = {
            "number": number,
            "package": standing.package,
            "version": standing.version,
            "standing": standings_codec().dump_json(standing).decode(),
            "fingerprint": lies,
            "digest": digest,
            "on_disk": on_disk,
            "attention": rated.attention,
            "used": rated.used,
            "praised": rated.praised,
            "changes": rated.changes,
            "rung": shown.rung,
            "plus": shown.plus,
            "human": json.dumps(rated.human),
            "confirmed": milliseconds((shown.confirmed or shown.published).time),
            "tension": standing.tension,
            "outcome": summary["outcome"],
            "category": summary["category"],
            "tags": json.dumps(summary["tags"]),
            "decided": summary["claims"]["decided"],
            "created": summary["created"],
            "summary": json.dumps(summary),
            "published": standing.published.seq,
            "reviews": rated.human["reviews"],
            "cpu_seconds": cost,
            "teaches": bool(teaches) and standing.retracted is None,
        }
        names = ", ".join(values)
        holes = ", ".join(f":{name}" for name in values)
        number = run(f"INSERT OR REPLACE INTO packages ({names}) VALUES ({holes})", values).lastrowid  # noqa: S608
        if texts:
            run("DELETE FROM artifacts WHERE number = ?", (number,))
            rows = [(number, digest, file) for file, digest in artifacts.items()]
            self.connection.executemany("INSERT INTO artifacts VALUES (?, ?, ?)", rows)
            run("DELETE FROM texts WHERE rowid = ?", (number,))
            names = "rowid, title, statement, question, claims, lesson, tags"
            run(f"INSERT INTO texts ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)", (number, *texts))  # noqa: S608
