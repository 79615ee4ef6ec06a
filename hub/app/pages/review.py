"""Review: a queue, one package at a time, form left and evidence right. Machine scores show after submitting."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from evidentia.errors import BadInputError
from evidentia.hub.app.drafts import discard, load, save
from evidentia.hub.app.names import name_of, remember
from evidentia.hub.app.packages import Shown, shown
from evidentia.hub.app.pages.package import Name
from evidentia.hub.app.rendering import render
from evidentia.hub.app.review_form import Question, missing, questions, review
from evidentia.hub.app.session import CSRF_FIELD, Home, Writer, workspace_of
from evidentia.hub.ranking import find_packages
from evidentia.hub.reviewing import LONGEST
from evidentia.hub.reviewing import submit as enter
from evidentia.workspace.home import Workspace
from evidentia.workspace.index import Facets
from evidentia.workspace.records import PERSON

router = APIRouter(prefix="/review")
WAITING_SHOWN = 30
MORE_EXPERIMENTS, MORE_MINUTES = 8, 5.0
"""What a package that is sent back may cost, unless the reviewer says otherwise."""
MOST_FIELDS = 400


def waiting(home: Workspace, reviewer: str, limit: int) -> tuple[int, list[dict[str, Any]]]:
    """How many packages this person has not reviewed in their latest version, and the first, least reviewed first."""
    return find_packages(home, Facets(not_by=reviewer), limit, sort="unreviewed")


@router.get("", response_class=HTMLResponse)
def queue(request: Request, home: Home) -> HTMLResponse:
    """What waits for a review."""
    reviewer = name_of(request)
    total, found = waiting(home, reviewer, WAITING_SHOWN)
    items = [{**item, "draft": bool(load(home, item["id"], item["version"]))} for item in found]
    return render(request, "review_queue.html", total=total, found=items, reviewer=reviewer)


@router.get("/{name}", response_class=HTMLResponse)
def form(request: Request, home: Home, name: Name) -> HTMLResponse:
    """The form beside the evidence, with the draft if there is one."""
    package = _latest(home, name)
    draft = load(home, package.manifest.id, package.manifest.version)
    return _form(request, package, {"reviewer": name_of(request), **draft}, [])


def _latest(home: Workspace, name: str) -> Shown:
    package = shown(home, name.partition("@")[0])
    if package.path.parent.name != package.manifest.id:
        raise BadInputError(f"no package {name!r} that could be reviewed: its folder has another name")
    return package


def _form(request: Request, package: Shown, answers: dict[str, str], gaps: list[str]) -> HTMLResponse:
    asked: list[Question] = questions(package.manifest)
    before = [v for v in package.versions if v < package.manifest.version]
    return render(
        request,
        "review.html",
        200 if not gaps else 422,
        package=package,
        asked=asked,
        answers=answers,
        gaps=gaps,
        again=bool(before) and any((package.path.parent / "reviews").glob("v*.json")),
        longest=LONGEST,
    )


async def _answers(request: Request) -> dict[str, str]:
    """The form's fields as text, without the word against forgery."""
    given: FormData = await request.form(max_fields=MOST_FIELDS, max_files=0)
    return {k: v[: 2 * LONGEST] for k, v in given.items() if isinstance(v, str) and k != CSRF_FIELD}


@router.post("/{name}/draft", dependencies=[Writer])
async def draft(request: Request, name: Name) -> Response:
    """Keep what was answered so far."""
    home = workspace_of(request)
    answers = await _answers(request)
    package = _latest(home, name)
    known = {q.field for q in questions(package.manifest)} | {"reviewer", "summary", "mind"}
    kept = {k: v for k, v in answers.items() if k in known or k.removeprefix("reason-") != k}
    save(home, package.manifest.id, package.manifest.version, kept)
    return Response("Draft saved", media_type="text/plain")


@router.post("/{name}", dependencies=[Writer])
async def submit(request: Request, name: Name) -> Response:
    """Sign the review and enter it in the ledger; an incomplete one comes back with what is missing marked."""
    home = workspace_of(request)
    answers = await _answers(request)
    package = _latest(home, name)
    manifest = package.manifest
    if answers.get("version") not in (None, str(manifest.version)):
        raise BadInputError(f"{manifest.id} has a newer version, v{manifest.version}; open the review again")
    gaps = missing(questions(manifest), answers)
    if gaps:
        return _form(request, package, answers, gaps)
    made = review(manifest, answers)
    enter(home, package.path, made)
    discard(home, manifest.id, manifest.version)
    return remember(RedirectResponse(f"/review/{manifest.id}/done", 303), made.reviewer)


@router.get("/{name}/done", response_class=HTMLResponse)
def done(request: Request, home: Home, name: Name) -> HTMLResponse:
    """What was hidden: attention and the reviewing agent's scores beside one's own; and the next package."""
    from evidentia.workspace.package.reviews import read_reviews

    package = _latest(home, name)
    signed, _ = read_reviews(package.path, None)
    reviewer = name_of(request)
    own = [s.review for s in signed if s.review.reviewer == reviewer]
    if not own:
        return _form(request, package, {"reviewer": reviewer}, [])
    total, found = waiting(home, reviewer, 1)
    following = found[0]["id"] if found else ""
    return render(
        request,
        "review_done.html",
        package=package,
        own=own[-1],
        total=total,
        following=following,
        native=_native(home, package),
        more=MORE_EXPERIMENTS,
    )


def _native(home: Workspace, package: Shown) -> bool:
    """Whether the run that made a package is of this workspace, so that it can go on."""
    return package.manifest.run in home.run_names() and package.manifest.mind != PERSON


@router.post("/{name}/back", dependencies=[Writer])
def back(
    request: Request,
    home: Home,
    name: Name,
    statement: Annotated[str, Form(max_length=LONGEST)] = "",
    reviewer: Annotated[str, Form(max_length=100)] = "",
    experiments: Annotated[int, Form(ge=1, le=1000)] = MORE_EXPERIMENTS,
) -> RedirectResponse:
    """Send a package back to the agents: what would change one's mind becomes a hypothesis of the run, which goes on
    with as many more experiments; what comes of it is a package of its own, in the queue again."""
    from evidentia.graph import steering
    from evidentia.graph.replay import journal_of
    from evidentia.hub.app import jobs

    package = _latest(home, name)
    if not _native(home, package):
        raise BadInputError(
            f"the run {package.manifest.run!r} of {name} cannot go on here: it is not of this workspace"
        )
    run, why = package.manifest.run, f"review of {package.manifest.id} v{package.manifest.version}: revise"
    actor = reviewer.strip() or name_of(request)
    receipt = steering.suggest(home, run, statement, actor=actor, why=why)
    journal = journal_of(home, run)
    assert journal.brief is not None
    budget = journal.brief.budget
    limits = {
        "max_experiments": max(budget.max_experiments, journal.experiments) + experiments,
        "max_minutes": max(budget.max_minutes, journal.active_seconds / 60) + MORE_MINUTES,
    }
    steering.change_budget(home, run, limits, actor=actor, why=why)
    if not receipt.resume:
        return RedirectResponse(f"/runs/{run}", 303)
    job = jobs.start(home, f"Go on with {run} after a review", ["resume", run])
    return RedirectResponse(f"/jobs/{job}", 303)
