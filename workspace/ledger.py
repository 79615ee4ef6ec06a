"""The ledger: publications, verifications and reviews over all packages, append-only and hash-chained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from evidentia.workspace.eventlog import append_event, read_events
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.records import Event, Review

RUN = "ledger"


@dataclass
class Standing:
    """What the ledger says of one package: its latest version, the rungs passed, the reviews."""

    package: str
    version: int
    summary: dict[str, Any]
    rung: int = -1
    events: list[int] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)


def publish(workspace: Workspace, package: str, version: int, *, run: str, outcome: str) -> None:
    """Announce a version of a package. Announcing it twice counts once."""
    manifest = load_manifest(workspace.packages / package / f"v{version}")
    claims = manifest.claims
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
    payload = {"package": package, "version": version, "summary": summary}
    append_event(workspace.ledger_path, RUN, "package.published", payload, "compilation")


def record_verification(
    workspace: Workspace, package: str, version: int, rung: int, checks: list[dict[str, Any]], actor: str
) -> Event:
    """Write a verification down: the rung reached, and the checks that failed."""
    payload = {
        "package": package,
        "version": version,
        "rung": rung,
        "asked": max(c["rung"] for c in checks),
        "failed": [c for c in checks if not c["passed"]],
    }
    return append_event(workspace.ledger_path, RUN, "package.verified", payload, actor)


def record_review(workspace: Workspace, package: str, version: int, review: Review) -> Event:
    """Write a person's review down."""
    payload = {"package": package, "version": version, "review": review.to_json()}
    return append_event(workspace.ledger_path, RUN, "review.submitted", payload, review.reviewer)


def standings(workspace: Workspace) -> dict[str, Standing]:
    """Every published package with what the ledger says of its latest version.

    A verification sets the rung: it rises with what was passed and falls with what later failed; one that asked
    for less than the package has already passed does not lower it unless it failed.
    """
    found: dict[str, Standing] = {}
    if not workspace.ledger_path.exists():
        return found
    for event in read_events(workspace.ledger_path):
        payload = event.payload
        standing = found.get(payload["package"])
        if event.kind == "package.published":
            if standing is None or payload["version"] > standing.version:
                found[payload["package"]] = Standing(payload["package"], payload["version"], payload["summary"], 0)
                found[payload["package"]].events.append(event.seq)
        elif standing and payload["version"] == standing.version:
            standing.events.append(event.seq)
            if event.kind == "package.verified":
                standing.rung = payload["rung"] if payload["failed"] else max(standing.rung, payload["rung"])
            elif event.kind == "review.submitted":
                standing.reviews.append(payload["review"])
    return found
