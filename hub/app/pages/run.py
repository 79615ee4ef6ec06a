"""One run: what happens in it as it happens, what it has spent, what waits for a person, and what a person may do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from evidentia.errors import BadInputError
from evidentia.hub.app import jobs
from evidentia.hub.app.rendering import render
from evidentia.hub.app.run_view import LINES, line_values, plain, run_page, status_values, waiting_values
from evidentia.hub.app.session import Home, Writer
from evidentia.hub.app.streams import Piece, begins, stream
from evidentia.hub.app.watched import pause as interrupt
from evidentia.hub.app.watched import runs_of, state_of

router = APIRouter(prefix="/runs/{run}")
From = Annotated[int, Query(alias="from", ge=0, le=10**12)]
Ticket = Annotated[str, Query(pattern=r"^(\d{1,30}-[0-9a-f]{1,32})?$")]


@router.get("", response_class=HTMLResponse)
def run(
    request: Request, home: Home, run: str, did: Ticket = "", job: Annotated[str, Query(max_length=40)] = ""
) -> HTMLResponse:
    """A run. `did` is the ticket of what a person has just asked, `job` what they have just started."""
    return run_page(request, home, run, did=did, job=job)


@router.get("/status", response_class=HTMLResponse)
def status(request: Request, run: str) -> HTMLResponse:
    """Where it stands: state, budgets, costs, counts, what is at work."""
    return render(request, "run_status.html", **status_values(request, run))


@router.get("/waiting", response_class=HTMLResponse)
def waiting(request: Request, home: Home, run: str, did: Ticket = "") -> HTMLResponse:
    """What waits for a person, and what became of what they have just asked."""
    return render(request, "run_waiting.html", **waiting_values(request, home, run, did))


@router.get("/stream")
def live(request: Request, run: str, place: From = 0) -> Response:
    """The account from an event on, as server-sent events."""
    runs = runs_of(request)
    runs.watch(run)

    def source(place: int) -> Piece | None:
        watched = runs.watch(run)
        if watched.next <= place:
            return None
        lines = [[line.time, line.kind, plain(line.text)] for line in watched.since(place, LINES)]
        return Piece("lines", {"lines": lines}, watched.next)

    return stream(request, begins(request, place), source)


@router.get("/account", response_class=HTMLResponse)
def account(request: Request, run: str, before: Annotated[int, Query(ge=0, le=10**12)]) -> HTMLResponse:
    """Earlier lines of the account."""
    lines = runs_of(request).watch(run).before(before, LINES)
    return render(request, "run_lines.html", run=run, **line_values(lines))


@router.post("/pause", dependencies=[Writer])
def pause(home: Home, run: str) -> RedirectResponse:
    """Ask the run's process to stop between two steps."""
    interrupt(home, run)
    return RedirectResponse(f"/runs/{run}", 303)


@router.post("/resume", dependencies=[Writer])
def resume(request: Request, home: Home, run: str) -> Response:
    """Go on with the run, as a job."""
    now = state_of(runs_of(request), run)
    if now.status != "paused":
        raise BadInputError(f"{run} cannot be resumed: it is {now.status}")
    started = jobs.start(home, f"Resume: {now.question}", ["resume", "--", run])
    return RedirectResponse(f"/runs/{run}?job={started}", 303)
