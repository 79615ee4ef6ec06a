"""Runs: the list, and the form that starts one from a brief."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from evidentia.errors import BadInputError
from evidentia.hub.app import jobs
from evidentia.hub.app.brief_form import GATES, POLICIES, BriefForm, arguments, checked
from evidentia.hub.app.rendering import render
from evidentia.hub.app.session import Home, Writer
from evidentia.hub.app.watched import runs_of

router = APIRouter()
AT_ONCE = 50
Short = Annotated[str, Form(max_length=200)]


@router.get("/runs", response_class=HTMLResponse)
def runs(request: Request, home: Home, offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0) -> HTMLResponse:
    """The runs, newest first, `AT_ONCE` at a time."""
    return _page(request, home, offset, BriefForm())


@router.get("/runs/rows", response_class=HTMLResponse)
def rows(request: Request, offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0) -> HTMLResponse:
    """The list alone, for a page that asks again while something goes on."""
    return render(request, "runs_rows.html", **_listed(request, offset))


@router.post("/runs", dependencies=[Writer])
def start(
    request: Request,
    home: Home,
    brief: Annotated[str, Form(max_length=200_000)] = "",
    max_experiments: Short = "",
    max_minutes: Short = "",
    seed: Short = "",
    model: Annotated[str, Form(max_length=2000)] = "",
    policy: Short = "",
    approve: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI's way to say none
) -> Response:
    """Start a run, and show its output. What is wrong with the form is said beside its field, and nothing starts."""
    typed = {
        "brief": brief.encode("utf-8", "replace").decode(),
        "max_experiments": max_experiments,
        "max_minutes": max_minutes,
        "seed": seed,
        "model": model,
        "policy": policy,
    }
    form = checked(typed, approve)
    if form.brief is None:
        return _page(request, home, 0, form, 400)
    try:
        started = jobs.start(home, f"Run: {form.brief.question}", arguments(form, home))
    except BadInputError as error:
        form.errors["start"] = str(error)
        return _page(request, home, 0, form, 409)
    return RedirectResponse(f"/jobs/{started}", 303)


def _page(request: Request, home: Home, offset: int, form: BriefForm, status: int = 200) -> HTMLResponse:
    working = [job for job in jobs.jobs(home) if job.running]
    told: dict[str, Any] = {"form": form, "policies": POLICIES, "gates": GATES, "working": working, "most": jobs.MOST}
    return render(request, "runs.html", status, **told, **_listed(request, offset))


def _listed(request: Request, offset: int) -> dict[str, Any]:
    """A part of the list; `again` says after how many seconds to look again, while runs are live or not read yet."""
    found = runs_of(request).summaries()
    shown = found[offset : offset + AT_ONCE]
    states = {s.status for s in shown}
    again = 1 if "unread" in states else 3 if "live" in states else 0
    older = offset + AT_ONCE if offset + AT_ONCE < len(found) else 0
    return {"runs": shown, "total": len(found), "offset": offset, "older": older, "again": again, "at_once": AT_ONCE}
