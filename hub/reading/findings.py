"""Claims and lessons of all published packages, searched by their words.

The index behind it is an SQLite file in the cache, made from the packages that the ledger announces, and never the
truth: deleting it costs one rebuild. It looks for new packages whenever the ledger's file was written to.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evidentia.errors import BadInputError
from evidentia.hub.ranking import find_packages
from evidentia.workspace.home import Workspace
from evidentia.workspace.index import fts_expression
from evidentia.workspace.index_file import transaction, with_database
from evidentia.workspace.index_sources import fingerprint, manifest_path, read_manifest

SCHEMA = 1
FILE = "findings.sqlite"
STATUSES = ("supported", "refuted", "inconclusive")
_TABLES = """CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE package (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE finding (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, package TEXT NOT NULL, status TEXT NOT NULL,
    metric TEXT NOT NULL, system TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX finding_kind ON finding (kind, number DESC);
CREATE INDEX finding_package ON finding (package);
CREATE VIRTUAL TABLE texts USING fts5 (statement, about, tokenize = 'porter unicode61 remove_diacritics 2')"""
CLAIM_FIELDS = (
    *("statement", "status", "value", "unit", "ci", "n", "metric", "system", "baseline", "workload", "headline"),
    *("conditions", "evidence"),
)


@dataclass(frozen=True)
class Wanted:
    """What claims or lessons are narrowed to; empty fields leave them as they are. `search` as for packages."""

    search: str = ""
    package: str = ""
    status: str = ""
    metric: str = ""
    system: str = ""


def find_claims(workspace: Workspace, wanted: Wanted, limit: int, offset: int = 0) -> tuple[int, list[dict[str, Any]]]:
    """How many claims of published packages there are, and `limit` of them from `offset` on.

    With a search the nearest first, else the newest package first. Each has its package, version, title and the
    fields `CLAIM_FIELDS` of the claim. Raises BadInputError for an unknown status or a search without a word,
    IntegrityError when the ledger was changed.
    """
    if wanted.status and wanted.status not in STATUSES:
        raise BadInputError(f"the status {wanted.status[:80]!r} is none of {', '.join(STATUSES)}")
    return _find(workspace, "claim", wanted, limit, offset)


def find_lessons(workspace: Workspace, wanted: Wanted, limit: int, offset: int = 0) -> tuple[int, list[dict[str, Any]]]:
    """The dead ends of published packages: hypothesis, failure mode and lesson, ordered as claims are."""
    return _find(workspace, "lesson", wanted, limit, offset)


def check_words(search: str) -> None:
    """Raise BadInputError for a search of signs alone."""
    if search and not any(c.isalnum() for c in search):
        raise BadInputError(f"the search {search[:80]!r} holds no word; give words, or a phrase in double quotes")


def _find(workspace: Workspace, kind: str, wanted: Wanted, limit: int, offset: int) -> tuple[int, list[dict[str, Any]]]:
    check_words(wanted.search)
    values: dict[str, Any] = {name: value for name, value in vars(wanted).items() if value}
    matched = values.pop("search", "")
    conditions = ["kind = :kind", *(f"{name} = :{name} COLLATE NOCASE" for name in values)]
    source, order = "finding", "number DESC"
    if matched:
        values["search"] = fts_expression(matched)
        source, order = "finding JOIN texts ON texts.rowid = finding.number", "texts.rank, number DESC"
        conditions.append("texts MATCH :search")
    where = " AND ".join(conditions)

    def look(connection: sqlite3.Connection) -> tuple[int, list[dict[str, Any]]]:
        _take_in(connection, workspace)
        bound = {**values, "kind": kind, "limit": limit, "offset": offset}
        total = connection.execute(f"SELECT count(*) FROM {source} WHERE {where}", bound).fetchone()[0]  # noqa: S608
        query = f"SELECT body FROM {source} WHERE {where} ORDER BY {order} LIMIT :limit OFFSET :offset"  # noqa: S608
        return total, [json.loads(body) for (body,) in connection.execute(query, bound)]

    workspace.cache.mkdir(exist_ok=True)
    return with_database(workspace.cache / FILE, SCHEMA, _TABLES, look)


def _take_in(connection: sqlite3.Connection, workspace: Workspace) -> None:
    """Read the packages that the ledger has announced since; forget those whose version was replaced."""
    lies = fingerprint(workspace.ledger_path)
    row = connection.execute("SELECT value FROM state WHERE name = 'ledger'").fetchone()
    if row and row[0] == lies:
        return
    listed = {item["id"]: item for item in find_packages(workspace, sort="recent")[1]}
    with transaction(connection):
        known = dict(connection.execute("SELECT name, version FROM package").fetchall())
        for name in known:
            if name not in listed or listed[name]["version"] != known[name]:
                old = connection.execute("SELECT number FROM finding WHERE package = ?", (name,)).fetchall()
                connection.executemany("DELETE FROM texts WHERE rowid = ?", old)
                connection.execute("DELETE FROM finding WHERE package = ?", (name,))
                connection.execute("DELETE FROM package WHERE name = ?", (name,))
        for item in reversed(listed.values()):
            if known.get(item["id"]) != item["version"]:
                _add(connection, workspace, item)
        connection.execute("INSERT OR REPLACE INTO state VALUES ('ledger', ?)", (lies,))


def _add(connection: sqlite3.Connection, workspace: Workspace, item: dict[str, Any]) -> None:
    """Read one package. What its manifest lacks, or has in another form, gives no finding."""
    name, version = item["id"], item["version"]
    connection.execute("INSERT INTO package VALUES (?, ?)", (name, version))
    try:
        data = json.loads(read_manifest(manifest_path(workspace.packages, name, version)))
        found = [*_claims(data, item), *_lesson(data, item)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    for kind, status, metric, system, body, texts in found:
        row = (kind, name, status, metric, system, json.dumps(body))
        cursor = connection.execute(
            "INSERT INTO finding (kind, package, status, metric, system, body) VALUES (?, ?, ?, ?, ?, ?)", row
        )
        connection.execute("INSERT INTO texts (rowid, statement, about) VALUES (?, ?, ?)", (cursor.lastrowid, *texts))


Found = tuple[str, str, str, str, dict[str, Any], tuple[str, str]]


def _claims(data: dict[str, Any], item: dict[str, Any]) -> Iterator[Found]:
    for claim in reversed(data["claims"]):
        about = {"package": item["id"], "version": item["version"], "title": item["title"], "claim": str(claim["id"])}
        body = {**about, **{name: claim.get(name) for name in CLAIM_FIELDS}}
        words = [item["title"], *(str(claim.get(n, "")) for n in ("id", "metric", "system", "baseline", "workload"))]
        texts = (str(claim["statement"]), " ".join(words))
        yield "claim", str(claim["status"]), str(claim["metric"]), str(claim["system"]), body, texts


def _lesson(data: dict[str, Any], item: dict[str, Any]) -> Iterator[Found]:
    branch = data["branch"]
    dead_end, hypothesis = branch["dead_end"], branch["hypothesis"]
    if dead_end is None:
        return
    said = {name: str(dead_end[name]) for name in ("hypothesis", "failure_mode", "lesson")}
    about = {"package": item["id"], "version": item["version"], "title": item["title"], "run": item["run"]}
    told = {"outcome": item["outcome"], "created": item["created"], "family": str(hypothesis["family"])}
    systems = " ".join(str(name) for name in hypothesis["systems"])
    texts = ("\n".join(said.values()), f"{item['title']} {told['family']} {hypothesis['metric']} {systems}")
    yield "lesson", item["outcome"], str(hypothesis["metric"]), systems, {**about, **told, **said}, texts
