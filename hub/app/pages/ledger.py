"""The ledger: everything that happened to packages, newest first, its chain checked when the page is made."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from evidentia.errors import IntegrityError
from evidentia.hub.app.rendering import render
from evidentia.hub.app.session import Home
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger_chain import LedgerChain
from evidentia.workspace.records import Event
from evidentia.workspace.standing import PUBLISHED, REVIEWED, VERIFIED, concerned

router = APIRouter()
AT_ONCE = 50
LONGEST = 20_000


@router.get("/ledger", response_class=HTMLResponse)
def ledger(
    request: Request,
    home: Home,
    package: Annotated[str, Query(max_length=200)] = "",
    kind: Annotated[str, Query(max_length=60)] = "",
    at: Annotated[int | None, Query(ge=0, le=10**12)] = None,
    page: Annotated[int, Query(ge=0, le=10**9)] = 0,
    anew: Annotated[bool, Query()] = False,
) -> HTMLResponse:
    """One page of the chain. `at` turns to the page of an event, `anew` checks every event again."""
    chain = _chain_of(request, home)
    began = time.monotonic()
    checked = chain.check(anew=anew)
    took = time.monotonic() - began
    package = package.strip()
    found = chain.find(package, kind)
    if at is not None:
        page = sum(1 for seq in found if seq > at) // AT_ONCE
    end = max(0, len(found) - page * AT_ONCE)
    try:
        events = chain.read(list(found[max(0, end - AT_ONCE) : end])[::-1])
    except (OSError, IntegrityError):  # it changed just now
        checked, events = chain.check(anew=True), []
    told: dict[str, Any] = {
        "checked": checked,
        "took": took if anew else None,
        "kinds": chain.kinds(),
        "package": package,
        "kind": kind,
        "total": len(found),
        "page": page,
        "pages": -(-len(found) // AT_ONCE),
        "events": [(event, sentence(event), concerned(event), _whole(event)) for event in events],
    }
    return render(request, "ledger.html", **told)


def _chain_of(request: Request, home: Workspace) -> LedgerChain:
    state = request.app.state
    if not hasattr(state, "chain"):
        state.chain = LedgerChain(home.ledger_path)
    found: LedgerChain = state.chain
    return found


def sentence(event: Event) -> str:
    """What an event says, in one line; its kind for one that is not of a known form."""
    p: dict[str, Any] = event.payload
    try:
        if event.kind == PUBLISHED:
            return f"v{p['version']} published, {p['summary']['outcome']}: {p['summary']['title']}"
        if event.kind == VERIFIED:
            failed = [str(check["name"]) for check in p["failed"]]
            plus = "+" if p.get("plus") else ""
            return f"v{p['version']} verified to L{p['rung']}{plus} of L{p['asked']}" + (
                f"; failed: {', '.join(failed)}" if failed else ""
            )
        if event.kind == REVIEWED:
            return f"v{p['version']} reviewed by {p['review']['reviewer']} ({p['review']['kind']})"
        return _TOLD[event.kind](p)
    except (KeyError, TypeError, AttributeError):
        return event.kind


_TOLD = {
    "package.cited": lambda p: f"cited by {p['source']['package'] or p['source']['run']}",
    "package.built_on": lambda p: f"built on by {p['source']['package'] or p['source']['run']}",
    "package.used": lambda p: f"its {p['file']} was an input of {p['source']['package'] or p['source']['run']}",
    "search.avoided": lambda p: f"kept {p['source']['run']} from repeating: {p['avoided']}",
    "replication.confirmed": lambda p: f"{p['claim']} confirmed by {p['source']['package']}",
    "replication.refuted": lambda p: f"{p['claim']} refuted by {p['source']['package']}",
    "tension.opened": lambda p: f"{p['tension']} opened: {p['class']}",
    "tension.resolved": lambda p: f"{p['tension']} explained by {p['source']['package']}: {p['detail']}",
    "package.retracted": lambda p: f"v{p['version']} retracted: {p['reason']}",
}


def _whole(event: Event) -> str:
    """The event as it lies in the ledger, for reading; a very long one is cut."""
    told = json.dumps(event.to_json(), indent=1, ensure_ascii=False)
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}\n… cut after {LONGEST} characters"
