"""Where each package stands by the ledger: what an event changes, and nothing that a reader would have to believe.

A standing is a fold over events. It holds what a score is computed from, each with the event it comes from, and no
score; its size is bounded by the number of sources and reviewers, not by the number of events.
"""

from __future__ import annotations

import unicodedata
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from evidentia.errors import IntegrityError
from evidentia.workspace.ledger_events import (
    KINDS,
    Avoided,
    BuiltOn,
    Cited,
    Confirmed,
    Payload,
    Refuted,
    Retracted,
    Side,
    Source,
    TensionOpened,
    TensionResolved,
    Used,
)
from evidentia.workspace.records import Event

PUBLISHED, VERIFIED, REVIEWED = "package.published", "package.verified", "review.submitted"
BASES = {
    Cited.kind: 500,
    BuiltOn.kind: 500,
    Used.kind: 1000,
    Avoided.kind: 1000,
    Confirmed.kind: 2000,
    TensionResolved.kind: 1000,
}
SUMMARY = frozenset(("title", "outcome", "category", "tags", "run", "created", "claims"))
SAME_NODE, SIBLING, OTHER_RUN, OTHER_KEY = 0, 1, 2, 4


@dataclass(frozen=True)
class Mark:
    """An event that set something."""

    seq: int
    time: str
    actor: str
    kind: str


@dataclass(frozen=True)
class Credit(Mark):
    """A use of a package: `base` milli-points before independence (in quarters) and decay."""

    lineage: str
    base: int
    quarters: int
    told: str


@dataclass(frozen=True)
class Opinion(Mark):
    """A review as it was submitted."""

    review: dict[str, Any]


@dataclass
class Standing:
    """What the ledger says of one package: its latest version, how far that is verified, who used and reviewed it.

    `plus` says that level 4 failed in nothing but that the operator is the author's own. `manifest` is the SHA-256
    of the manifest that verifications must be of, from the publication (`fixed`) or, in
    a ledger that did not record it yet, from the last verification. `latest` is the time the ledger had reached.
    """

    package: str
    version: int
    summary: dict[str, Any]
    published: Mark
    rung: int = 0
    plus: bool = False
    manifest: str = ""
    fixed: bool = False
    node: str = ""
    key: str = ""
    confirmed: Mark | None = None
    disregarded: Mark | None = None
    retracted: Mark | None = None
    opinions: dict[str, Opinion] = field(default_factory=dict)
    credits: dict[str, Credit] = field(default_factory=dict)
    tensions: dict[str, bool] = field(default_factory=dict)
    contested: list[str] = field(default_factory=list)
    latest: int = 0

    @property
    def run(self) -> str:
        """The run that made it."""
        return str(self.summary.get("run", ""))

    @property
    def reviews(self) -> list[dict[str, Any]]:
        """The last review of each reviewer, in the order they were submitted."""
        return [opinion.review for opinion in sorted(self.opinions.values(), key=lambda o: o.seq)]

    @property
    def tension(self) -> str:
        """``contested``, ``open``, ``resolved`` or ``none``: the gravest that holds."""
        if self.contested:
            return "contested"
        if not self.tensions:
            return "none"
        return "resolved" if all(self.tensions.values()) else "open"


def milliseconds(time: str) -> int:
    """An event's time as whole milliseconds since 1970. Raises ValueError when it is not an ISO time."""
    read = datetime.fromisoformat(time)
    since = (read if read.tzinfo else read.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def concerned(event: Event) -> tuple[str, ...]:
    """The packages whose standing an event may change."""
    payload = event.payload
    names = [payload.get("package")]
    if isinstance(payload.get("source"), dict):
        names.append(payload["source"].get("package"))
    if isinstance(payload.get("sides"), list):
        names += [side.get("package") for side in payload["sides"] if isinstance(side, dict)]
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def apply(found: MutableMapping[str, Standing], event: Event) -> None:
    """Take one event into account. Events of packages that are not published, and kinds unknown here, change nothing.

    Raises IntegrityError when the payload is not one of its kind.
    """
    try:
        if event.kind == PUBLISHED:
            _publish(found, event)
        elif event.kind in (VERIFIED, REVIEWED):
            standing = found.get(event.payload["package"])
            if standing and event.payload["version"] == standing.version:
                (_verify if event.kind == VERIFIED else _review)(standing, event)
        elif event.kind in KINDS:
            _take(found, event, KINDS[event.kind].model_validate(event.payload))
    except (KeyError, TypeError, ValidationError) as error:
        told = f"{error.errors()[0]['loc']}" if isinstance(error, ValidationError) else str(error)
        raise IntegrityError(
            f"event {event.seq} of the ledger is not a {event.kind} of a known form: {told}"
        ) from error


def _mark(event: Event) -> Mark:
    return Mark(event.seq, event.time, event.actor, event.kind)


def _publish(found: MutableMapping[str, Standing], event: Event) -> None:
    """A newer version starts unverified and unreviewed; what the package has earned by use stays, and so do its
    tensions, which only a resolution ends."""
    payload = event.payload
    if missing := SUMMARY - payload["summary"].keys():
        raise KeyError(f"its summary lacks {', '.join(sorted(missing))}")
    old = found.get(payload["package"])
    if old and payload["version"] <= old.version:
        return
    digest = payload.get("manifest", "")
    new = Standing(payload["package"], payload["version"], payload["summary"], _mark(event))
    new.manifest, new.fixed = digest, bool(digest)
    new.node, new.key = payload.get("node", ""), payload.get("key", "")
    if old:
        new.credits, new.tensions, new.contested = old.credits, old.tensions, old.contested
    found[new.package] = new


def _of_another_manifest(standing: Standing, event: Event) -> bool:
    digest = event.payload.get("manifest", "")
    return bool(digest and standing.fixed and digest != standing.manifest)


def _verify(standing: Standing, event: Event) -> None:
    """The rung rises with what passed and falls with what later failed; one that asked for less than the package
    has already passed does not lower it unless it failed. That the author cannot reproduce his own package at level
    4 (`plus`) takes nothing from what others have reproduced."""
    if _of_another_manifest(standing, event):
        standing.disregarded = _mark(event)
        return
    payload = event.payload
    rung, digest, plus = payload["rung"], payload.get("manifest", ""), bool(payload.get("plus", False))
    moved = bool(digest and standing.manifest and digest != standing.manifest)
    if digest:
        standing.manifest = digest
    if (payload["failed"] and not plus) or moved or rung >= standing.rung:
        standing.plus = plus or (standing.plus and rung == standing.rung and not payload["failed"] and not moved)
        standing.rung, standing.confirmed = rung, _mark(event)


def _review(standing: Standing, event: Event) -> None:
    if _of_another_manifest(standing, event):
        standing.disregarded = _mark(event)
        return
    review = event.payload["review"]
    key = opinion_key(review["kind"], str(review["reviewer"]))
    standing.opinions[key] = Opinion(event.seq, event.time, event.actor, event.kind, review)


def opinion_key(kind: str, reviewer: str) -> str:
    """Under what a reviewer's opinion is kept: names that look alike are one reviewer."""
    return f"{kind} {' '.join(unicodedata.normalize('NFKC', reviewer).casefold().split())}"


def _take(found: MutableMapping[str, Standing], event: Event, payload: Payload) -> None:
    match payload:
        case TensionOpened() | TensionResolved():
            _tension(found, event, payload)
        case Retracted():
            standing = found.get(payload.package)
            if standing and standing.version == payload.version:
                standing.retracted = _mark(event)
        case Confirmed() | Refuted():
            _replication(found, event, payload)
        case _:
            if standing := found.get(payload.package):
                told = payload.source.package or payload.source.run
                _credit(standing, event, _known(found, payload.source), BASES[payload.kind], told)


def _replication(found: MutableMapping[str, Standing], event: Event, payload: Confirmed | Refuted) -> None:
    """A confirmation by the same protocol counts for both packages; a refutation for none, and contests the claim."""
    original, replication = found.get(payload.package), found.get(payload.source.package)
    source = _known(found, payload.source)
    if isinstance(payload, Refuted):
        if original:
            side = f"{payload.package}:{payload.claim}"
            original.contested += [side] if side not in original.contested else []
            _credit(original, event, source, 0, f"{payload.claim} by {payload.source.package}")
        return
    base = BASES[Confirmed.kind] if payload.protocol == "exact" else 0
    if original:
        _credit(original, event, source, base, f"{payload.claim} by {payload.source.package}")
    if original and replication:
        back = Source(package=original.package, run=original.run, node=original.node, key=original.key)
        _credit(replication, event, back, base, f"{payload.claim} of {payload.package}")


def _tension(found: MutableMapping[str, Standing], event: Event, payload: TensionOpened | TensionResolved) -> None:
    """Both sides show a tension until it is resolved; who resolves it by a verified difference earns points, once
    for each pair of packages, with the independence of the nearer one."""
    resolved = isinstance(payload, TensionResolved)
    sides = [found[side.package] for side in payload.sides if side.package in found]
    for standing in sides:
        standing.tensions[payload.tension] = resolved
        if isinstance(payload, TensionResolved) and payload.verified:
            settled = {_named(side) for side in payload.sides}
            standing.contested = [claim for claim in standing.contested if claim not in settled]
    if isinstance(payload, TensionResolved) and (resolver := found.get(payload.source.package)):
        quarters = min((independence(_known(found, payload.source), side) for side in sides), default=SAME_NODE)
        lineage = " and ".join(sorted({side.package for side in payload.sides}))
        base = BASES[payload.kind] if payload.verified else 0
        _keep(resolver, event, lineage, base, quarters, payload.tension)


def _named(side: Side) -> str:
    return f"{side.package}:{side.claim}"


def _known(found: MutableMapping[str, Standing], source: Source) -> Source:
    """The source as the ledger knows it: run, node and key of a published package are those of its publication."""
    if not (own := found.get(source.package)):
        return source
    known = {"run": own.run, "node": own.node, "key": own.key}
    return source.model_copy(update={name: value for name, value in known.items() if value})


def independence(source: Source, target: Standing) -> int:
    """How far a source is from what it uses, in quarters: 0 the same package or node, 1 a sibling of the same run,
    2 another run, 4 another signing key. Keys that are not known to differ count as one."""
    if target.package in (source.package, source.derived_from):
        return SAME_NODE
    if source.key and target.key and source.key != target.key:
        return OTHER_KEY
    if not source.run or source.run != target.run:
        return OTHER_RUN
    return SAME_NODE if source.node and source.node == target.node else SIBLING


def _credit(standing: Standing, event: Event, source: Source, base: int, told: str) -> None:
    _keep(standing, event, source.lineage, base, independence(source, standing), told)


def _keep(standing: Standing, event: Event, lineage: str, base: int, quarters: int, told: str) -> None:
    """Of events of one type and lineage with the same weight only the newest can ever be the best."""
    key = f"{event.kind} {base * quarters} {lineage}"
    before = standing.credits.get(key)
    if before is None or milliseconds(event.time) >= milliseconds(before.time):
        standing.credits[key] = Credit(event.seq, event.time, event.actor, event.kind, lineage, base, quarters, told)
