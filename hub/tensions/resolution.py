"""What becomes of a tension that was explained: the ledger points to the explanation and names what was missing."""

from __future__ import annotations

from typing import Any

from evidentia.hub.tensions.detection import ACTOR, detect, side_of
from evidentia.hub.tensions.measured import EXPLAINING
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import record, source_of
from evidentia.workspace.ledger_events import TensionResolved


def run_name(tension: str) -> str:
    """The run that explains a tension: one per tension, so that asking again goes on with it."""
    return EXPLAINING + tension


def resolve(
    workspace: Workspace,
    item: dict[str, Any],
    package: str,
    *,
    conditions: tuple[str, ...],
    detail: str,
    verified: bool,
) -> None:
    """Record that `package` explains a tension by `conditions`, which both claims lacked; once, unless it has been
    verified since. `verified` says that the package's runs came out again.

    Raises IntegrityError when the package is not published.
    """
    if item["state"] == "explained" and item["explanation_verified"] >= verified:
        return
    older, newer = (side_of(ref) for ref in item["claims"])
    resolved = TensionResolved(
        tension=item["id"],
        sides=(older, newer),
        source=source_of(workspace, package),
        verified=verified,
        conditions=conditions,
        detail=detail,
    )
    record(workspace, resolved, ACTOR)


def state_of(workspace: Workspace, tension: str) -> dict[str, Any]:
    """The item of one tension as it is now listed."""
    return next(i for i in detect(workspace, everything=True).items if i["id"] == tension)
