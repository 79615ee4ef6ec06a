"""The ledger: what happened to packages after they were made, append-only and hash-chained.

Publications, verifications and reviews; uses, replications, tensions and retractions (`ledger_events`). Writing an
event reads only the ledger's last line. Announce a package before anything refers to it.
"""

from __future__ import annotations

from typing import Any

from evidentia.errors import IntegrityError
from evidentia.workspace.canonical import sha256
from evidentia.workspace.eventlog import append_event, read_events
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger_events import Payload, Source
from evidentia.workspace.package.store import MANIFEST, load_manifest
from evidentia.workspace.records import Event, Review
from evidentia.workspace.standing import PUBLISHED, REVIEWED, VERIFIED, Standing, apply, milliseconds

RUN = "ledger"


def publish(
    workspace: Workspace,
    package: str,
    version: int,
    *,
    run: str,
    outcome: str,
    key: str | None = None,
    actor: str = "compilation",
) -> Event:
    """Announce a version of a package; announcing it twice counts once.

    `key` is the id of the key of who made it: by default this workspace's, empty where nobody knows. The event
    holds the SHA-256 of ``manifest.json``: verifications of other bytes will not count.
    """
    if key is None:
        from evidentia.workspace.signing import workspace_key  # only here: it loads the libraries of signing

        key = workspace_key(workspace).keyid
    path = workspace.packages / package / f"v{version}"
    manifest = load_manifest(path)
    claims = manifest.claims
    tested = [node.id for node in manifest.branch.path if node.type != "dead_end"]
    summary = {
        "title": manifest.title,
        "outcome": outcome,
        "category": manifest.category,
        "tags": list(manifest.tags),
        "run": run,
        "created": manifest.created,
        "claims": {
            "total": len(claims),
            "decided": sum(c["status"] != "inconclusive" for c in claims),
            "supported": sum(c["status"] == "supported" for c in claims),
        },
    }
    payload = {
        "package": package,
        "version": version,
        "summary": summary,
        "manifest": sha256((path / MANIFEST).read_bytes()),
        "node": tested[-1] if tested else "",
        "key": key,
    }
    return append_event(workspace.ledger_path, RUN, PUBLISHED, payload, actor)


def record_verification(
    workspace: Workspace,
    package: str,
    version: int,
    rung: int,
    checks: list[dict[str, Any]],
    actor: str,
    *,
    plus: bool = False,
    attestation: str = "",
    key: str = "",
    manifest: str = "",
) -> Event:
    """Write a verification down: the rung reached, and the checks that failed.

    `plus` says that level 4 failed in nothing but that the operator is the author's own: that lowers no rung.
    `attestation` is the SHA-256 of the signed statement's canonical bytes, `key` the id of the key that signed it,
    `manifest` the SHA-256 of the ``manifest.json`` that was verified.
    """
    payload = {
        "package": package,
        "version": version,
        "rung": rung,
        "asked": max(c["rung"] for c in checks),
        "failed": [c for c in checks if not c["passed"]],
    }
    bound = {"plus": plus, "attestation": attestation, "key": key, "manifest": manifest}
    payload.update({name: value for name, value in bound.items() if value})
    return append_event(workspace.ledger_path, RUN, VERIFIED, payload, actor)


def record_review(
    workspace: Workspace, package: str, version: int, review: Review, *, key: str = "", manifest: str = ""
) -> Event:
    """Write a review down; `key` and `manifest` as for a verification."""
    payload = {"package": package, "version": version, "review": review.to_json()}
    payload.update({name: value for name, value in {"key": key, "manifest": manifest}.items() if value})
    return append_event(workspace.ledger_path, RUN, REVIEWED, payload, review.reviewer)


def record(workspace: Workspace, payload: Payload, actor: str) -> Event:
    """Write any other event down: a use, a replication, a tension or its resolution, a retraction."""
    return append_event(workspace.ledger_path, RUN, payload.kind, payload.to_json(), actor)


def source_of(workspace: Workspace, package: str) -> Source:
    """A published package as the source of an event. Raises IntegrityError when it is not published."""
    standing = standings(workspace).get(package)
    if standing is None:
        raise IntegrityError(f"{package} is not published in {workspace.ledger_path}; publish it first")
    return Source(package=package, version=standing.version, run=standing.run, node=standing.node, key=standing.key)


def standings(workspace: Workspace, at: str | None = None) -> dict[str, Standing]:
    """Every published package with what the ledger says of it, by an ISO time `at` or by its own latest event.

    Reads and checks the whole chain. Raises IntegrityError when it was changed.
    """
    found: dict[str, Standing] = {}
    if not workspace.ledger_path.exists():
        return found
    until = None if at is None else milliseconds(at)
    latest = 0
    for event in read_events(workspace.ledger_path):
        time = event_time(event)
        if until is None or time <= until:
            latest = max(latest, time)
            apply(found, event)
    for standing in found.values():
        standing.latest = latest if until is None else until
    return found


def event_time(event: Event) -> int:
    """An event's time in milliseconds. Raises IntegrityError when it is not an ISO time."""
    try:
        return milliseconds(event.time)
    except ValueError as error:
        raise IntegrityError(f"event {event.seq} of the ledger has no readable time: {event.time!r}") from error
