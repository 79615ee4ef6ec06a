"""The ledger: everything that happened to packages, in order, each event linked to the one before."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from evidentia.hub.app.api.answers import Limit, Offset, Page, page_of, router
from evidentia.hub.app.session import Home
from evidentia.hub.reading.logs import events_of
from evidentia.workspace.records import Event

routes = router("Ledger", "/ledger")


@routes.get("", response_model=Page[Event])
def ledger(
    request: Request, home: Home, newest_first: bool = False, limit: Limit = 100, offset: Offset = 0
) -> dict[str, Any]:
    """Events of the ledger, the whole chain checked."""
    if not home.ledger_path.exists():
        return page_of(request, [], 0, limit, offset)
    found = events_of(home.ledger_path)
    total = len(found)
    if newest_first:
        start = max(0, total - offset - limit)
        items = found[start : max(0, total - offset)][::-1]
    else:
        items = found[offset : offset + limit]
    return page_of(request, items, total, limit, offset)
