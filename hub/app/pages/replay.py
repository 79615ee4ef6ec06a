"""Replay: what a run looked like after any of its events. Three things one can do there, which are never one another:
view what was recorded, execute a step again, start another run from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from evidentia.errors import BadInputError
from evidentia.graph.sentences import sentence
from evidentia.hub.app import jobs
from evidentia.hub.app.gauges import Gauge
from evidentia.hub.app.instants import Spent
from evidentia.hub.app.moments import NAMES
from evidentia.hub.app.node_card import card
from evidentia.hub.app.rendering import duration, render
from evidentia.hub.app.runlog import RunLog, run_log
from evidentia.hub.app.session import Home, Writer
from evidentia.workspace.records import PERSON

router = APIRouter(prefix="/runs/{run}/replay")
LATEST = 6
GROUPS = {
    "open": ("Open questions", "tested, and not decided"),
    "finding": ("Findings", "hypotheses that were concluded"),
    "lesson": ("Lessons", "of dead ends, of this run and earlier ones"),
    "hypothesis": ("Hypotheses", "registered so far"),
    "constraint": ("Constraints", "what holds for everything"),
}
At = Annotated[int, Query(ge=0, le=10**12)]
NodeName = Annotated[str, Query(max_length=80)]


@dataclass(frozen=True)
class Instant:
    """An event as the page tells it; `node` is the one it is about, which can be executed again where `reruns`."""

    seq: int
    last: int
    time: str
    since: float
    kind: str
    text: str
    node: str
    title: str
    reruns: bool
    forks: bool


@router.get("", response_class=HTMLResponse)
def replay(request: Request, home: Home, run: str, at: At = 0, node: NodeName = "") -> HTMLResponse:
    """The page; the log's history comes as JSON and is folded in the browser."""
    home.log_path(run)
    return render(request, "replay.html", run=run, at=at, node=node, tab="replay")


@router.get("/state", response_class=HTMLResponse)
def state(request: Request, home: Home, run: str, at: At = 0, node: NodeName = "") -> HTMLResponse:
    """What happened at an event, and the budget and the world model after it. A `node` that was chosen is what the
    buttons are about; otherwise it is the event's own."""
    log = run_log(home, run)
    if log.last < 0:
        raise BadInputError(f"no event in {run} yet")
    seq = min(at, log.last)
    with log.lock:
        told = _instant(log, seq, node)
        known = log.instants.known(seq, LATEST)
        spent = log.instants.spent(seq)
    groups = [(name, *GROUPS[name], known[name]) for name in GROUPS]
    return render(request, "replay_state.html", run=run, instant=told, gauges=_gauges(spent), groups=groups)


@router.post("/steps", dependencies=[Writer])
def step(home: Home, run: str, node: Annotated[str, Form(max_length=80)]) -> RedirectResponse:
    """Execute a node's experiments again in the sandbox and compare their rows with the record, as a job. Nothing is
    written to the run."""
    log = run_log(home, run)
    if not card(log, node, {}).reruns:
        raise BadInputError(f"{node} has no experiment to execute again")
    if log.progress.mind == PERSON:
        raise BadInputError(f"{run} is a person's run, whose commands are not executed again here")
    started = jobs.start(home, f"Replay {node} of {run}", ["replay", f"--rerun={node}", "--", run])
    return RedirectResponse(f"/jobs/{started}", 303)


@router.post("/forks", dependencies=[Writer])
def fork(
    home: Home,
    run: str,
    at: Annotated[int, Form(ge=0, le=10**12)],
    max_experiments: Annotated[str, Form(pattern=r"^\d{0,6}$")] = "",
) -> RedirectResponse:
    """Start a new run that shares this one's log up to an event, as a job. This run stays as it is."""
    log = run_log(home, run)
    if at > log.last:
        raise BadInputError(f"no event {at} in {run}; its log ends with event {log.last}")
    if log.progress.mind == PERSON:
        raise BadInputError(f"{run} is a person's run, which no mind can go on with")
    limit = [f"--max-experiments={int(max_experiments)}"] if max_experiments else []
    started = jobs.start(home, f"Fork {run} at event {at}", ["fork", f"--at={at}", *limit, "--", run])
    return RedirectResponse(f"/jobs/{started}", 303)


def _instant(log: RunLog, seq: int, chosen: str) -> Instant:
    event = log.events[seq]
    number = log.number.get(chosen, log.about[seq])
    node = log.names[number] if number >= 0 else ""
    branch = log.branch(node) if node else None
    try:
        text = sentence(log.tree, event)
    except (KeyError, TypeError, ValueError, AttributeError):
        text = ""  # an event of another version is still an instant
    text = text or NAMES.get(event.kind, event.kind.replace(".", " "))
    people = log.progress.mind == PERSON
    return Instant(
        seq=seq,
        last=log.last,
        time=event.time,
        since=(log.times[seq] - log.times[0]) / 1000,
        kind=event.kind,
        text=text,
        node=node,
        title=log.tree.node(node).title if node else "",
        reruns=branch is not None and bool(branch.ended) and not people,
        forks=not people,
    )


def _gauges(spent: Spent) -> list[Gauge]:
    limits = spent.limits
    rows: list[tuple[str, float, float | None, str, str]] = [
        ("Experiments", spent.experiments, limits.experiments, str(spent.experiments), f"{limits.experiments or 0:g}"),
        ("Time", spent.seconds / 60, limits.minutes, duration(spent.seconds), duration(60 * (limits.minutes or 0))),
        ("CPU time", spent.cpu_seconds, limits.cpu_seconds, duration(spent.cpu_seconds), duration(limits.cpu_seconds)),
    ]
    if spent.tokens or limits.tokens:
        rows.append(("Tokens", spent.tokens, limits.tokens, f"{spent.tokens:,}", f"{limits.tokens or 0:,.0f}"))
    if spent.usd or limits.usd:
        rows.append(("Cost", spent.usd, limits.usd, f"${spent.usd:.2f}", f"${limits.usd or 0:.2f}"))
    return [
        Gauge(name, told, of if limit else "", round(100 * min(1.0, used / limit)) if limit else None)
        for name, used, limit, told, of in rows
    ]
