"""Detection over a workspace: new packages are compared, conflicts opened in the ledger, and all of it listed."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from evidentia.errors import BadInputError, IntegrityError
from evidentia.hub.tensions.candidates import Pair, leader, pairs
from evidentia.hub.tensions.comparing import CONFLICTS, compare
from evidentia.hub.tensions.index import claim, group, open_index, take_in, unread
from evidentia.hub.tensions.measured import EXPLAINING, Measured, meant
from evidentia.workspace.canonical import content_id
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import record, standings
from evidentia.workspace.ledger_events import Confirmed, Side, Source, TensionOpened, TensionResolved
from evidentia.workspace.records import Event
from evidentia.workspace.standing import PUBLISHED

ACTOR = "tensions"
UNEXPLAINED = {
    "refuted": "the conditions in which they differ do not explain it",
    "null": "it could not be decided whether the conditions in which they differ explain it",
}
"""What is said of a tension by the outcome of the run that was to explain it."""
ELSEWHERE = "explained by a package that was measured elsewhere; explain it here to be sure"


@dataclass(frozen=True)
class Detected:
    """What is known of all tensions: `items` in the shape of ``tensions --json``, and what could not be read."""

    items: list[dict[str, Any]]
    unread: list[str]


@dataclass
class _Recorded:
    """What the ledger says of tensions so far."""

    opened: dict[str, TensionOpened] = field(default_factory=dict)
    resolved: dict[str, TensionResolved] = field(default_factory=dict)
    explaining: dict[str, tuple[str, str]] = field(default_factory=dict)
    confirmed: set[tuple[str, int, str, str]] = field(default_factory=set)


def tension_id(pair: tuple[str, str]) -> str:
    """``t-`` and ten digits of the hash of two claims' references, in whichever order."""
    return "t-" + content_id(sorted(pair), 10)


def detect(workspace: Workspace, *, everything: bool = False) -> Detected:
    """Compare what is new, record it, and list the conflicts, or every comparison with `everything`.

    An item has the fields of ``tensions --json``, and besides them the values, the reason, what is unknown, the
    package that explains it, and the condition that each claim was missing. A conflict that several pairs of claims
    of two packages show alike is listed once. Raises IntegrityError when the ledger was changed.
    """
    recorded = _read_ledger(workspace)
    with open_index(workspace) as index:
        known = {ref for (ref,) in index.execute("SELECT ref FROM claim")}
        for key in sorted(take_in(index, workspace)):
            claims = group(index, key)
            _keep(index, list(pairs(claims, {c.ref for c in claims} - known)))
        faults = unread(index)
    _record(workspace, recorded)
    with open_index(workspace) as index:
        chosen = "" if everything else " WHERE leads = 1"
        items = {name: json.loads(body) for name, body in index.execute(f"SELECT id, body FROM pair{chosen}")}  # noqa: S608
        for name, opened in recorded.opened.items():
            item = None if name in items else _of_ledger(opened, index)
            if item and (everything or item["class"] in CONFLICTS):
                items[name] = item
    for name, item in items.items():
        _describe(item, recorded, name)
    order = {name: place for place, name in enumerate((*CONFLICTS, "confirmation", "robustness", "inconclusive"))}
    listed = sorted(items.values(), key=lambda i: i["id"])
    listed.sort(key=lambda i: (order.get(i["class"], len(order)), -math.inf if i["z"] is None else -i["z"]))
    return Detected(listed, faults)


def find(workspace: Workspace, prefix: str) -> tuple[dict[str, Any], Measured, Measured]:
    """The one tension whose id is, or begins with, `prefix`, with its two claims, the older first.

    Raises BadInputError naming what there is.
    """
    items = detect(workspace, everything=True).items
    found = [i for i in items if prefix and i["id"].startswith(prefix)]
    if len(found) > 1 and not any(i["id"] == prefix for i in found):
        raise BadInputError(f"{prefix!r} begins several tensions: {', '.join(i['id'] for i in found[:5])}")
    if not found:
        conflicts = [i["id"] for i in items if i["class"] in CONFLICTS and not i["stands_with"]]
        hint = f"there are {', '.join(conflicts[:5])}" if conflicts else "there are none"
        raise BadInputError(f"no tension {prefix!r}; {hint} (see `evidentia tensions`)")
    item = next((i for i in found if i["id"] == prefix), found[0])
    with open_index(workspace) as index:
        sides = [claim(index, ref) for ref in item["claims"]]
    older, newer = sides
    if older is None or newer is None:
        raise BadInputError(f"{item['id']} is about a version of a package that has been replaced")
    return item, older, newer


def _keep(index: sqlite3.Connection, found: list[Pair]) -> None:
    """Write comparisons down; of conflicts that two packages show alike, one leads."""
    alike: dict[tuple[Any, ...], list[Pair]] = {}
    for pair in found:
        where = (pair.older.package, pair.newer.package, pair.comparison.verdict, pair.apart)
        alike.setdefault(where, []).append(pair)
    for alike_pairs in alike.values():
        first = leader(alike_pairs)
        for pair in alike_pairs:
            leads = pair is first and pair.comparison.verdict in CONFLICTS
            item = _item(pair, "" if pair is first else tension_id((first.older.ref, first.newer.ref)))
            row = (item["id"], pair.older.ref, pair.newer.ref, item["class"], int(leads), 0, json.dumps(item))
            index.execute("INSERT OR REPLACE INTO pair VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _item(pair: Pair, stands_with: str) -> dict[str, Any]:
    older, newer, compared = pair.older, pair.newer, pair.comparison
    sides = (older, newer)
    return {
        "id": tension_id((older.ref, newer.ref)),
        "state": "open",
        "class": compared.verdict,
        "claims": [m.ref for m in sides],
        "conditions_differing": list(compared.differing),
        "conditions_unknown": list(compared.unknown),
        "reason": compared.reason,
        "about": {
            "metric": older.metric,
            "system": meant(older.system, older, newer),
            "baseline": meant(older.baseline, older, newer),
            "of": older.workload,
        },
        "values": [m.value for m in sides],
        "units": [m.unit for m in sides],
        "z": compared.z if compared.z is not None and math.isfinite(compared.z) else None,
        "pooled": [list(m.pooled) for m in sides],
        "where": [{n: m.conditions[n] for n in sorted(pair.apart) if n in m.conditions} for m in sides],
        "stands_with": stands_with,
    }


def side_of(ref: str) -> Side:
    """A claim's reference ``PKG@vN#Cnn`` as the ledger names it."""
    package, _, rest = ref.partition("@v")
    version, _, name = rest.partition("#")
    return Side(package=package, version=int(version), claim=name)


def _ref(side: Side) -> str:
    return f"{side.package}@v{side.version}#{side.claim}"


def _of_ledger(opened: TensionOpened, index: sqlite3.Connection) -> dict[str, Any] | None:
    """The item, as it is now, of a tension that the ledger opened and that does not lead (any more); None where a
    claim is no longer of its package's latest version."""
    row = index.execute("SELECT body FROM pair WHERE id = ?", (opened.tension,)).fetchone()
    if row:
        found: dict[str, Any] = json.loads(row[0])
        return found
    older, newer = (claim(index, _ref(side)) for side in opened.sides)
    if older is None or newer is None:
        return None
    return _item(Pair(older, newer, compare(older, newer)), "")


def _read_ledger(workspace: Workspace) -> _Recorded:
    found = _Recorded()
    if not workspace.ledger_path.exists():
        return found
    for event in read_events(workspace.ledger_path):
        try:
            _take(found, event)
        except (ValidationError, KeyError, AttributeError) as error:
            raise IntegrityError(f"event {event.seq} of the ledger is not a {event.kind} of a known form") from error
    return found


def _take(found: _Recorded, event: Event) -> None:
    payload = event.payload
    if event.kind == TensionOpened.kind:
        opened = TensionOpened.model_validate(payload)
        found.opened[opened.tension] = opened
    elif event.kind == TensionResolved.kind:
        resolved = TensionResolved.model_validate(payload)
        found.resolved[resolved.tension] = resolved
    elif event.kind == Confirmed.kind:
        known = Confirmed.model_validate(payload)
        found.confirmed.add((known.package, known.version, known.claim, known.source.package))
    elif event.kind == PUBLISHED:
        run, outcome = str(payload["summary"].get("run", "")), payload["summary"].get("outcome", "")
        if run.startswith(EXPLAINING):
            found.explaining[run.removeprefix(EXPLAINING)] = f"{payload['package']}@v{payload['version']}", outcome


def _record(workspace: Workspace, recorded: _Recorded) -> None:
    """Write the conflicts that lead, and the confirmations, into the ledger, each once."""
    due = "SELECT id, body FROM pair WHERE recorded = 0 AND (leads = 1 OR verdict = 'confirmation') ORDER BY rowid"
    with open_index(workspace) as index:
        items = {name: json.loads(body) for name, body in index.execute(due)}
    published = standings(workspace) if items else {}
    for name, item in items.items():
        older, newer = (side_of(ref) for ref in item["claims"])
        if item["class"] in CONFLICTS:
            known = recorded.opened.get(name)
            if known is None or known.tension_class != item["class"]:
                opened = TensionOpened(tension=name, sides=(older, newer), tension_class=item["class"])
                record(workspace, opened, ACTOR)
                recorded.opened[name] = opened
        elif (older.package, older.version, older.claim, newer.package) not in recorded.confirmed:
            standing = published.get(newer.package)
            source = Source(
                package=newer.package,
                version=newer.version,
                run=standing.run if standing else "",
                node=standing.node if standing else "",
                key=standing.key if standing else "",
            )
            told = f"{newer.claim} of {newer.package}: {item['reason']}"
            record(
                workspace,
                Confirmed(
                    package=older.package,
                    version=older.version,
                    claim=older.claim,
                    source=source,
                    protocol="exact",
                    detail=told,
                ),
                ACTOR,
            )
    with open_index(workspace) as index:
        index.executemany("UPDATE pair SET recorded = 1 WHERE id = ?", [(name,) for name in items])


def _describe(item: dict[str, Any], recorded: _Recorded, name: str) -> None:
    """Add the state, the explaining package and the condition that each claim was missing."""
    package, outcome = recorded.explaining.get(name, ("", ""))
    resolved = recorded.resolved.get(name)
    item["state"] = "explained" if resolved else "unexplained" if outcome in UNEXPLAINED else "open"
    item["explanation"] = package
    item["explanation_verified"] = bool(resolved and resolved.verified)
    names = resolved.conditions if resolved else ()
    item["missing_conditions"] = {
        ref: {n: where[n] for n in names if n in where}
        for ref, where in zip(item["claims"], item["where"], strict=True)
        if names
    }
    told = ELSEWHERE if outcome == "supported" else UNEXPLAINED.get(outcome, "")
    item["explained_by"] = resolved.detail if resolved else told
    del item["where"]
