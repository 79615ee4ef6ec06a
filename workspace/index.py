"""The index: packages for listing and full-text search, made from the ledger and the package folders.

It is never the truth. It remembers how far it has read the ledger, with the SHA-256 of what it has read, and how
each ``manifest.json`` lay on disk; a reader first takes in what is new. What it cannot trust it makes again:
a ledger that no longer begins as it did is read whole (and refused if its chain is broken), a damaged file or one
of another schema is replaced (`index_file`). Deleting it costs one rebuild.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from evidentia.errors import BadInputError
from evidentia.workspace.home import Workspace
from evidentia.workspace.index_file import with_database
from evidentia.workspace.index_update import SCHEMA, TABLES, Formula, refresh, standings_codec
from evidentia.workspace.standing import Standing

STALE_AFTER = 180 * 86_400_000
OUTCOMES, TENSIONS = ("supported", "refuted", "null", "crashed"), ("contested", "open", "resolved", "none")
FRESHNESS = (
    f"CASE WHEN on_disk <> 'intact' THEN on_disk WHEN confirmed + {STALE_AFTER} < :latest THEN 'stale' ELSE 'fresh' END"
)


@dataclass(frozen=True)
class Facets:
    """What a list is narrowed to; empty fields leave it as it is.

    `rung` is the lowest; `tension` one of contested, open, resolved, none; `fresh` whether the rung was confirmed
    within 180 days before the ledger's last event and the manifest still is what was verified; `search` words
    (with a final ``*`` their beginnings) or phrases in double quotes that must all occur.
    """

    outcome: str = ""
    category: str = ""
    tag: str = ""
    rung: int | None = None
    tension: str = ""
    fresh: bool | None = None
    search: str = ""


class Listed(NamedTuple):
    """A package as the index has it; `rung`, `plus` and `attention` are those of the package as it lies on disk."""

    package: str
    version: int
    summary: dict[str, Any]
    rung: int
    plus: bool
    attention: int
    freshness: str
    tension: str
    human: dict[str, Any]


class Holder(NamedTuple):
    """A package that holds an artifact, by the file's SHA-256."""

    standing: Standing
    file: str
    digest: str


def find(
    workspace: Workspace, formula: Formula, facets: Facets | None = None, limit: int | None = None
) -> tuple[int, list[Listed]]:
    """How many published packages there are within the facets, and the first `limit` by attention, then decided
    claims, then the newest, then the id. Raises IntegrityError when the ledger was changed, BadInputError for a
    search without a word."""
    where, values = _conditions(facets or Facets())

    def look(connection: sqlite3.Connection) -> tuple[int, list[Listed]]:
        latest = refresh(connection, workspace, formula)
        bound = {**values, "latest": latest, "limit": -1 if limit is None else limit}
        total = connection.execute(f"SELECT count(*) FROM packages {where}", bound).fetchone()[0]  # noqa: S608
        columns = f"package, version, summary, rung, plus, attention, {FRESHNESS}, tension, human"
        order = "attention DESC, decided DESC, created DESC, package"
        query = f"SELECT {columns} FROM packages {where} ORDER BY {order} LIMIT :limit"  # noqa: S608
        return total, [_listed(row) for row in connection.execute(query, bound)]

    return with_database(workspace.root / "index.sqlite", SCHEMA, TABLES, look)


def _listed(row: tuple[Any, ...]) -> Listed:
    package, version, summary, rung, plus, attention, freshness, tension, human = row
    return Listed(
        package, version, json.loads(summary), rung, bool(plus), attention, freshness, tension, json.loads(human)
    )


def holders(workspace: Workspace, formula: Formula, digests: Iterable[str]) -> list[Holder]:
    """The published packages whose latest version holds an artifact of one of these digests, first published first."""

    def look(connection: sqlite3.Connection) -> list[Holder]:
        refresh(connection, workspace, formula)
        rows = connection.execute(
            "SELECT standing, file, artifacts.digest FROM artifacts JOIN packages USING (number) "
            "WHERE artifacts.digest IN (SELECT value FROM json_each(?)) ORDER BY published, file",
            (json.dumps(sorted(set(digests))),),
        )
        return [Holder(standings_codec().validate_json(standing), file, digest) for standing, file, digest in rows]

    return with_database(workspace.root / "index.sqlite", SCHEMA, TABLES, look)


def _conditions(facets: Facets) -> tuple[str, dict[str, Any]]:
    conditions = {
        "outcome": "outcome = :outcome",
        "category": "category = :category COLLATE NOCASE",
        "tag": "EXISTS (SELECT 1 FROM json_each(tags) WHERE value = :tag COLLATE NOCASE)",
        "rung": "rung >= :rung",
        "tension": "tension = :tension",
        "fresh": f"({FRESHNESS} = 'fresh') = :fresh",
        "search": "number IN (SELECT rowid FROM texts WHERE texts MATCH :search)",
    }
    values = {name: value for name, value in vars(facets).items() if value not in ("", None)}
    for name, known in (("outcome", OUTCOMES), ("tension", TENSIONS)):
        if values.get(name, known[0]) not in known:
            raise BadInputError(f"--{name} {values[name]!r} is none of {', '.join(known)}")
    if "search" in values:
        values["search"] = _expression(facets.search)
    where = " AND ".join(conditions[name] for name in values)
    return f"WHERE {where}" if where else "", values


def _expression(text: str) -> str:
    """A search as FTS5 reads it: every word and quoted phrase must occur; nothing in it is an operator."""
    terms = [(term, re.findall(r"[^\W_]+", term)) for term in re.findall(r'"[^"]*"|[^\s"]+', text)]
    found = [f'"{" ".join(words)}"{" *" if term.endswith("*") else ""}' for term, words in terms if words]
    if not found:
        raise BadInputError(f"--search {text!r} holds no word; give words, or a phrase in double quotes")
    return " AND ".join(found)
