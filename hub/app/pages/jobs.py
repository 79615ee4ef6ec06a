"""Jobs: what a person started from the hub, with its output as it comes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from evidentia.hub.app import jobs as started
from evidentia.hub.app.job_output import read_output, start_of_tail
from evidentia.hub.app.rendering import render
from evidentia.hub.app.session import Home, Writer
from evidentia.hub.app.streams import Piece, begins, stream
from evidentia.workspace.home import Workspace

router = APIRouter()
From = Annotated[int, Query(alias="from", ge=0, le=10**12)]


@router.get("/jobs", response_class=HTMLResponse)
def jobs(request: Request, home: Home) -> HTMLResponse:
    """All jobs, newest first."""
    return render(request, "jobs.html", jobs=started.jobs(home), most=started.MOST)


@router.get("/jobs/{name}", response_class=HTMLResponse)
def job(request: Request, home: Home, name: str) -> HTMLResponse:
    """One job with its output."""
    return render(request, "job.html", **panel_values(home, name))


@router.get("/jobs/{name}/panel", response_class=HTMLResponse)
def panel(request: Request, home: Home, name: str) -> HTMLResponse:
    """One job as a part of another page."""
    return render(request, "job_panel.html", **panel_values(home, name))


@router.get("/jobs/{name}/stream")
def output(request: Request, home: Home, name: str, place: From = 0) -> Response:
    """The output from a byte on, as server-sent events; the last tells how the job ended."""
    started.job(home, name)
    return stream(request, begins(request, place), lambda place: _piece(home, name, place))


@router.post("/jobs/{name}/stop", dependencies=[Writer])
def stop(home: Home, name: str) -> RedirectResponse:
    """Ask a job to end."""
    started.stop(home, name)
    return RedirectResponse(f"/jobs/{name}", 303)


def panel_values(home: Workspace, name: str) -> dict[str, Any]:
    """What ``job_panel.html`` needs: the `job`, the end of its output (`shown`), the byte it goes on from (`then`),
    whether its beginning is left out (`cut`), and the `run` it works on.

    Raises BadInputError when there is no such job.
    """
    found = started.job(home, name)
    first = start_of_tail(found.log)
    shown, then = read_output(found.log, first, ended=not found.running)
    run = started.run_named(home, found)
    return {"job": found, "shown": shown, "then": then, "cut": first > 0, "run": run}


def _piece(home: Workspace, name: str, place: int) -> Piece | None:
    # First how it is, then what it said: so nothing is missed that it said at its end.
    found = started.job(home, name)
    text, then = read_output(found.log, place, ended=not found.running)
    if text or then != place:
        return Piece("output", {"text": text, "run": started.run_named(home, found)}, then)
    if found.running:
        return None
    return Piece("state", {"state": found.state, "exit_code": found.exit_code, "ended": found.ended}, place, last=True)
