"""Use, detected and never declared: whose recorded rows were inputs of a package's passing runs."""

from __future__ import annotations

from evidentia.hub.ranking.listing import FORMULA_OF_PACKAGES
from evidentia.workspace.home import Workspace
from evidentia.workspace.index import holders
from evidentia.workspace.ledger import record
from evidentia.workspace.ledger_events import Source, Used
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.records import Event


def record_uses(workspace: Workspace, package: str, version: int, actor: str = "verifier") -> list[Event]:
    """Write into the ledger which published packages this one has used, each of them once.

    A run passes when its script ended well. Of several packages that hold the same rows the first published is the
    one that was used.
    """
    runs = load_manifest(workspace.packages / package / f"v{version}").branch.runs
    inputs = {digest: run.evidence.id for run in runs if run.evidence.ok for digest in run.evidence.inputs.values()}
    if not inputs:
        return []
    source = Source(package=package, version=version)
    found, seen = list[Event](), set[str]()
    for holder in holders(workspace, FORMULA_OF_PACKAGES, inputs):
        standing = holder.standing
        if standing.package == package or holder.digest in seen:
            continue
        seen.add(holder.digest)
        known = any(c.kind == Used.kind and c.lineage == source.lineage for c in standing.credits.values())
        if known or any(event.payload["package"] == standing.package for event in found):
            continue
        use = Used(
            package=standing.package,
            version=standing.version,
            source=source,
            artifact=holder.digest,
            file=holder.file,
            evidence=inputs[holder.digest],
        )
        found.append(record(workspace, use, actor))
    return found
