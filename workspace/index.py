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
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from evidentia.errors import BadInputError
from evidentia.workspace.home import Workspace
from evidentia.workspace.index_file import with_database
from evidentia.workspace.index_update import SCHEMA, TABLES, Formula, refresh, standings_codec
from evidentia.workspace.standing import Standing, opinion_key

STALE_AFTER = 180 * 86_400_000
OUTCOMES, TENSIONS = ("supported", "refuted", "null", "crashed"), ("contested", "open", "resolved", "none")
SORTS = {
    "attention": "attention DESC, decided DESC, created DESC, package",
    "recent": "created DESC",
    "rung": "rung DESC",
    "use": "used DESC",
    "scrutiny": "reviews DESC",
    "unreviewed": "reviews",
}
"""Orders of a list: the SQL of each, completed by that of attention."""
COUNTED = ("outcome", "rung", "tension", "category", "tag")
TAGS_COUNTED = 40
FRESHNESS = (
    f"CASE WHEN on_disk <> 'intact' THEN on_disk WHEN confirmed + {STALE_AFTER} < :latest THEN 'stale' ELSE 'fresh' END"
)


@dataclass(frozen=True)
class Facets:
    """What a list is narrowed to; empty fields leave it as it is.

    `rung` is the lowest; `tension` one of contested, open, resolved, none; `fresh` whether the rung was confirmed
    within 180 days before the ledger's last event and the manifest still is what was verified; `search` words
    (with a final ``*`` their beginnings) or phrases in double quotes that must all occur; `package` one package's id;
    `not_by` leaves out what this person has reviewed in its latest version.
    """

    outcome: str = ""
    category: str = ""
    tag: str = ""
    rung: int | None = None
    tension: str = ""
    fresh: bool | None = None
    search: str = ""
    package: str = ""
    not_by: str = ""


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
    used: int
    praised: int
    cpu_seconds: float


class Holder(NamedTuple):
    """A package that holds an artifact, by the file's SHA-256."""

    standing: Standing
    file: str
    digest: str


class Lesson(NamedTuple):
    """What a dead end taught: how the branch failed and what follows, with the statement that was tested."""

    package: str
    version: int
    summary: dict[str, Any]
    statement: str
    failure_mode: str
    text: str


def find(
    workspace: Workspace,
    formula: Formula,
    facets: Facets | None = None,
    limit: int | None = None,
    offset: int = 0,
    sort: str = "attention",
) -> tuple[int, list[Listed]]:
    """How many published packages there are within the facets, and `limit` of them from `offset` on, ordered by one
    of `SORTS`, then by attention, decided claims, the newest, the id. Raises IntegrityError when the ledger was
    changed, BadInputError for a search without a word or an unknown order."""
    where, values = _conditions(facets or Facets())
    if sort not in SORTS:
        raise BadInputError(f"the order {sort!r} is none of {', '.join(SORTS)}")
    order = ", ".join(dict.fromkeys(f"{SORTS[sort]}, {SORTS['attention']}".split(", ")))

    def look(connection: sqlite3.Connection) -> tuple[int, list[Listed]]:
        latest = refresh(connection, workspace, formula)
        bound = {**values, "latest": latest, "limit": -1 if limit is None else limit, "offset": offset}
        total = connection.execute(f"SELECT count(*) FROM packages {where}", bound).fetchone()[0]  # noqa: S608
        columns = f"package, version, summary, rung, plus, attention, {FRESHNESS}, tension, human"
        columns += ", used, praised, cpu_seconds"
        query = f"SELECT {columns} FROM packages {where} ORDER BY {order} LIMIT :limit OFFSET :offset"  # noqa: S608
        return total, [_listed(row) for row in connection.execute(query, bound)]

    return with_database(workspace.root / "index.sqlite", SCHEMA, TABLES, look)


def count(workspace: Workspace, formula: Formula, facets: Facets | None = None) -> dict[str, dict[str, int]]:
    """How many packages each value of outcome, rung, tension, category and tag would leave, with the other facets as
    they are; of tags the most frequent `TAGS_COUNTED`, the rest by frequency, then name. Raises as `find`."""
    facets = facets or Facets()

    def look(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
        latest = refresh(connection, workspace, formula)
        columns = [name for name in COUNTED if vars(facets)[name] in ("", None)]
        together = _counted(connection, facets, columns, latest)
        return {name: together[name] if name in columns else _own(connection, facets, name, latest) for name in COUNTED}

    return with_database(workspace.root / "index.sqlite", SCHEMA, TABLES, look)


def _own(connection: sqlite3.Connection, facets: Facets, name: str, latest: int) -> dict[str, int]:
    """The counts of a facet that is chosen: as if it were not."""
    others = Facets(**(vars(facets) | {name: getattr(Facets(), name)}))
    return _counted(connection, others, [name], latest)[name]


def _counted(
    connection: sqlite3.Connection, facets: Facets, names: list[str], latest: int
) -> dict[str, dict[str, int]]:
    """How many packages within the facets have each value of each named column; the columns in one pass, tags in
    another."""
    where, values = _conditions(facets)
    bound = {**values, "latest": latest}
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    columns = [name for name in names if name != "tag"]
    if columns:
        grouped = ", ".join(columns)
        query = f"SELECT count(*), {grouped} FROM packages {where} GROUP BY {grouped}"  # noqa: S608
        for number, *found in connection.execute(query, bound):
            for name, value in zip(columns, found, strict=True):
                counts[name][str(value)] += number
    if "tag" in names:
        query = f"SELECT t.value, count(*) FROM packages, json_each(packages.tags) AS t {where} GROUP BY 1"  # noqa: S608
        counts["tag"].update({str(tag): number for tag, number in connection.execute(query, bound)})
    order = {name: sorted(found.items(), key=lambda kept: (-kept[1], kept[0])) for name, found in counts.items()}
    return {name: dict(found[:TAGS_COUNTED]) for name, found in order.items()}


def lessons(
    workspace: Workspace, formula: Formula, facets: Facets | None = None, limit: int | None = None, offset: int = 0
) -> tuple[int, list[Lesson]]:
    """How many packages within the facets have a dead end, and the lessons of `limit` of them from `offset` on, the
    newest first; retracted packages are left out. Raises as `find`."""
    where, values = _conditions(facets or Facets())
    found = f"{where} AND teaches" if where else "WHERE teaches"

    def look(connection: sqlite3.Connection) -> tuple[int, list[Lesson]]:
        latest = refresh(connection, workspace, formula)
        bound = {**values, "latest": latest, "limit": -1 if limit is None else limit, "offset": offset}
        total = connection.execute(f"SELECT count(*) FROM packages {found}", bound).fetchone()[0]  # noqa: S608
        order = "ORDER BY created DESC, package LIMIT :limit OFFSET :offset"
        rows = connection.execute(
            "SELECT package, version, summary, texts.statement, lesson FROM "  # noqa: S608
            f"(SELECT number, package, version, summary, created FROM packages {found} {order}) "
            "JOIN texts ON texts.rowid = number ORDER BY created DESC, package",
            bound,
        )
        return total, [_lesson(*row) for row in rows]

    return with_database(workspace.root / "index.sqlite", SCHEMA, TABLES, look)


def _lesson(package: str, version: int, summary: str, statement: str, text: str) -> Lesson:
    failure_mode, _, learned = text.partition("\n")
    return Lesson(package, version, json.loads(summary), statement, failure_mode, learned)


def _listed(row: tuple[Any, ...]) -> Listed:
    package, version, summary, rung, plus, attention, freshness, tension, human, used, praised, cpu_seconds = row
    told = json.loads(summary), rung, bool(plus), attention, freshness, tension, json.loads(human)
    return Listed(package, version, *told, used, praised, cpu_seconds)


def standing_of(workspace: Workspace, formula: Formula, package: str) -> Standing | None:
    """Where a package stands by the ledger, as the index keeps it; None where it is not published. Raises as `find`."""

    def look(connection: sqlite3.Connection) -> Standing | None:
        latest = refresh(connection, workspace, formula)
        row = connection.execute("SELECT standing FROM packages WHERE package = ?", (package,)).fetchone()
        if row is None:
            return None
        standing = standings_codec().validate_json(row[0])
        standing.latest = latest
        return standing

    return with_database(workspace.root / "index.sqlite", SCHEMA, TABLES, look)


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
        "tag": "EXISTS (SELECT 1 FROM json_each(packages.tags) AS t WHERE t.value = :tag COLLATE NOCASE)",
        "rung": "rung >= :rung",
        "tension": "tension = :tension",
        "package": "package = :package",
        "not_by": "(reviews = 0 OR NOT EXISTS "
        "(SELECT 1 FROM json_each(packages.standing, '$.opinions') AS o WHERE o.key = :not_by))",
        "fresh": f"({FRESHNESS} = 'fresh') = :fresh",
        "search": "number IN (SELECT rowid FROM texts WHERE texts MATCH :search)",
    }
    values = {name: value for name, value in vars(facets).items() if value not in ("", None)}
    for name, known in (("outcome", OUTCOMES), ("tension", TENSIONS)):
        if values.get(name, known[0]) not in known:
            raise BadInputError(f"--{name} {values[name]!r} is none of {', '.join(known)}")
    if "not_by" in values:
        values["not_by"] = opinion_key("person", facets.not_by)
    if "search" in values:
        values["search"] = fts_expression(facets.search)
    where = " AND ".join(conditions[name] for name in values)
    return f"WHERE {where}" if where else "", values


def fts_expression(text: str) -> str:
    """A search as FTS5 reads it: every word and quoted phrase must occur; nothing in it is an operator."""
    terms = [(term, re.findall(r"[^\W_]+", term)) for term in re.findall(r'"[^"]*"|[^\s"]+', text)]
    found = [f'"{" ".join(words)}"{" *" if term.endswith("*") else ""}' for term, words in terms if words]
    if not found:
        raise BadInputError(f"--search {text!r} holds no word; give words, or a phrase in double quotes")
    return " AND ".join(found)
