"""Steering a run: answers, hypotheses, decisions, limits. What a person asks is on the disk before a page answers: in
the run's log, or in the inbox of the process at work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from evidentia.errors import BadInputError
from evidentia.graph import steering
from evidentia.hub.app import jobs
from evidentia.hub.app.names import remember
from evidentia.hub.app.run_view import run_page
from evidentia.hub.app.session import Home, Writer

router = APIRouter(prefix="/runs/{run}", dependencies=[Writer])
LIMITS = ("max_experiments", "max_minutes", "max_cpu_seconds", "max_tokens", "max_usd")


class Typed(BaseModel):
    """What every form holds: who asks, and why."""

    name: str = Field("", max_length=100)
    why: str = Field("", max_length=2000)


class TypedAnswer(Typed):
    """An answer to a question of the run: the items that pass, and whether a run that stands still goes on with it."""

    question: str = Field(max_length=200)
    accepted: list[str] = Field([], max_length=1000)
    go_on: bool = False


class TypedSuggestion(Typed):
    """A hypothesis in words."""

    statement: str = Field("", max_length=2000)


class TypedBranch(Typed):
    """A branch to prune."""

    node: str = Field("", max_length=100)


class TypedDecision(TypedBranch):
    """A decision to pin below a node."""

    decision: str = Field("", max_length=2000)


class TypedLimits(Typed):
    """New limits of the budget; an empty one stays as it is."""

    max_experiments: str = Field("", max_length=40)
    max_minutes: str = Field("", max_length=40)
    max_cpu_seconds: str = Field("", max_length=40)
    max_tokens: str = Field("", max_length=40)
    max_usd: str = Field("", max_length=40)


@router.post("/approve")
def approve(request: Request, home: Home, run: str, typed: Annotated[TypedAnswer, Form()]) -> Response:
    """Answer what the run asked: what is not accepted is dropped."""

    def ask(name: str) -> steering.Receipt:
        return steering.approve(home, run, typed.question, actor=name, accepted=typed.accepted, why=typed.why)

    return _asked(request, home, run, "approve", typed, ask, go_on=typed.go_on)


@router.post("/suggest")
def suggest(request: Request, home: Home, run: str, typed: Annotated[TypedSuggestion, Form()]) -> Response:
    """Add a hypothesis in words."""

    def ask(name: str) -> steering.Receipt:
        return steering.suggest(home, run, typed.statement, actor=name, why=typed.why)

    return _asked(request, home, run, "suggest", typed, ask)


@router.post("/prune")
def prune(request: Request, home: Home, run: str, typed: Annotated[TypedBranch, Form()]) -> Response:
    """Measure nothing more for a branch."""

    def ask(name: str) -> steering.Receipt:
        return steering.prune(home, run, typed.node, actor=name, why=typed.why)

    return _asked(request, home, run, "prune", typed, ask)


@router.post("/pin")
def pin(request: Request, home: Home, run: str, typed: Annotated[TypedDecision, Form()]) -> Response:
    """Pin a decision below a node."""

    def ask(name: str) -> steering.Receipt:
        return steering.pin(home, run, typed.node, typed.decision, actor=name, why=typed.why)

    return _asked(request, home, run, "pin", typed, ask)


@router.post("/budget")
def budget(request: Request, home: Home, run: str, typed: Annotated[TypedLimits, Form()]) -> Response:
    """Set limits of the budget."""

    def ask(name: str) -> steering.Receipt:
        given = {limit: str(getattr(typed, limit)) for limit in LIMITS}
        limits = {limit: _number(limit, raw) for limit, raw in given.items() if raw.strip()}
        return steering.change_budget(home, run, limits, actor=name, why=typed.why)

    return _asked(request, home, run, "budget", typed, ask)


def _number(name: str, raw: str) -> int | float:
    try:
        return int(raw) if raw.strip().isdecimal() else float(raw)
    except ValueError:
        raise BadInputError(f"{name}: {raw!r} is not a number") from None


def _asked(
    request: Request,
    home: Home,
    run: str,
    form: str,
    typed: Typed,
    ask: Callable[[str], steering.Receipt],
    *,
    go_on: bool = False,
) -> Response:
    """Do what a person asks; what cannot be done is said beside their form, with what they typed."""
    home.log_path(run)
    name = " ".join(typed.name.split())
    try:
        if not name:
            raise BadInputError("give your name: what people decide is kept with it")
        receipt = ask(name)
    except BadInputError as error:
        told = {k: v for k, v in typed.model_dump().items() if isinstance(v, str)}
        return run_page(request, home, run, fault=(form, str(error)), typed=told, status=400)
    job = ""
    if go_on and receipt.resume:
        # The answer is in the log; where no job can be started now, the page shows the button that does.
        with suppress(BadInputError):
            job = f"&job={jobs.start(home, f'Resume: {run}', ['resume', '--', run])}"
    return remember(RedirectResponse(f"/runs/{run}?did={receipt.ticket}{job}", 303), name)
