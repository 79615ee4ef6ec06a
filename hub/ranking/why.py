"""Why a package has its attention: every point with the ledger event it comes from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from evidentia.errors import BadInputError
from evidentia.hub.ranking.formula import score
from evidentia.hub.ranking.listing import FORMULA_OF_PACKAGES
from evidentia.workspace.canonical import sha256
from evidentia.workspace.home import Workspace
from evidentia.workspace.index import standing_of
from evidentia.workspace.index_sources import manifest_path, read_manifest
from evidentia.workspace.index_update import as_it_lies
from evidentia.workspace.ledger import standings


def explain(workspace: Workspace, package: str, at: str | None = None, *, indexed: bool = False) -> dict[str, Any]:
    """The attention of a package recomputed from the whole ledger, not from the index, in the shape of
    ``show PKG --why --json``; `at` is an ISO time, by default that of the ledger's latest event. With `indexed` what
    the index has read of the ledger is believed: a page is made so, in a time that does not grow with the ledger.

    The milli-points of its ``events`` add up to ``attention``. Raises BadInputError when the package is not
    published, IntegrityError when the ledger was changed.
    """
    if indexed:
        standing = standing_of(workspace, FORMULA_OF_PACKAGES, package)
    else:
        standing = standings(workspace, at).get(package)
    if standing is None:
        raise BadInputError(f"{package} is not published in {workspace.ledger_path}, so it has no attention there")
    manifest = read_manifest(manifest_path(workspace.packages, package, standing.version))
    on_disk, shown = as_it_lies(standing, sha256(manifest) if manifest else "")
    scored = score(shown)
    notes = []
    if on_disk != "intact":
        event = (standing.confirmed or standing.published).seq
        notes.append(f"manifest.json is {on_disk} since event {event}, which therefore counts as L0 only")
    if standing.disregarded:
        notes.append(f"event {standing.disregarded.seq} does not count: it is of another manifest.json")
    if standing.contested:
        notes.append(f"contested by a refuting replication: {', '.join(standing.contested)}")
    return {
        "package": package,
        "version": standing.version,
        "at": datetime.fromtimestamp(standing.latest / 1000, UTC).isoformat(timespec="milliseconds"),
        "rung": shown.rung,
        "attention": scored.total,
        "parts": {"V": scored.verification, "U": scored.use, "H": scored.human},
        "retracted": scored.retracted,
        "notes": notes,
        "events": [
            {
                "seq": share.mark.seq,
                "time": share.mark.time,
                "actor": share.mark.actor,
                "kind": share.mark.kind,
                "part": share.part,
                "points": share.points,
                "told": share.told,
            }
            for share in scored.shares
        ],
    }
