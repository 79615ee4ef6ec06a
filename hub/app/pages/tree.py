"""The exploration tree of a run: a canvas with a list beside it, live while the run goes on."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from evidentia.hub.app.names import name_of
from evidentia.hub.app.node_card import card
from evidentia.hub.app.rendering import render
from evidentia.hub.app.runlog import run_log
from evidentia.hub.app.session import Home
from evidentia.hub.app.streams import Piece, begins, stream
from evidentia.hub.app.trees import changed, known, packed, rungs
from evidentia.workspace.writers import writer_of

router = APIRouter(prefix="/runs/{run}")
NodeName = Annotated[str, Query(max_length=80)]
SECONDS_WITHOUT_WRITER = 10.0
"""After which a run that did not stop, and that nobody writes, counts as cut off."""


@router.get("/tree", response_class=HTMLResponse)
def tree(request: Request, home: Home, run: str, node: NodeName = "") -> HTMLResponse:
    """The page; the tree itself comes as JSON, so that the page is there at once however long the log is."""
    home.log_path(run)
    return render(request, "tree.html", run=run, node=node, tab="tree")


@router.get("/tree.json")
def data(request: Request, home: Home, run: str, history: bool = False) -> Response:
    """The tree in columns (`trees.COLUMNS`), with `history` also all that the replay folds."""
    log = run_log(home, run)
    tag, plain, zipped = packed(home, log, history)
    headers = {"etag": tag, "vary": "accept-encoding"}
    if known(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(zipped, media_type="application/json", headers=headers)
    return Response(plain, media_type="application/json", headers=headers)


@router.get("/nodes/{node}", response_class=HTMLResponse)
def node_card(request: Request, home: Home, run: str, node: str) -> HTMLResponse:
    """The card of a node, for the side of the tree."""
    found = card(run_log(home, run), node, rungs(home)[1])
    return render(request, "tree_card.html", run=run, card=found, name=name_of(request))


@router.get("/tree/stream")
def live(
    request: Request, home: Home, run: str, seen: Annotated[int, Query(alias="from", ge=0, le=10**12)] = 0
) -> Response:
    """The nodes that come or change after event `from`, as server-sent events whose ids are events of the log. Ends
    when the run stops, or when nobody writes it any more."""
    path = home.log_path(run)
    idle = [time.monotonic()]

    def source(seen: int) -> Piece | None:
        log = run_log(home, run)
        if log.last > seen:
            idle[0] = time.monotonic()
        elif not log.stopped and (time.monotonic() - idle[0] < SECONDS_WITHOUT_WRITER or writer_of(path) is not None):
            return None
        told = changed(log, seen or -1, rungs(home)[1])  # whoever has seen nothing, and event 0 alone, say 0 alike
        return Piece("nodes", told, told["seq"], bool(log.stopped) or log.last <= seen)

    return stream(request, begins(request, seen), source)
