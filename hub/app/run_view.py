"""What the page of a run shows: where it stands, what it tells, what waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from evidentia.graph.watching import Told
from evidentia.hub.app import jobs
from evidentia.hub.app.gauges import gauges
from evidentia.hub.app.job_output import clean
from evidentia.hub.app.names import name_of
from evidentia.hub.app.pages.jobs import panel_values
from evidentia.hub.app.rendering import render
from evidentia.hub.app.watched import runs_of, state_of
from evidentia.workspace import inbox
from evidentia.workspace.home import Workspace

LINES, NODES, PACKAGES, JOBS, AT_WORK = 200, 300, 100, 50, 8


def run_page(
    request: Request,
    home: Workspace,
    run: str,
    *,
    did: str = "",
    job: str = "",
    fault: tuple[str, str] = ("", ""),
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The whole page. `did` is the ticket of what a person has just asked, `job` what they have just started, `fault`
    the form that could not be used and why, `typed` what stood in it.

    Raises BadInputError when there is no such run or job.
    """
    told = {**status_values(request, run), **waiting_values(request, home, run, did)}
    watched = runs_of(request).watch(run)
    with watched.lock:
        tree = watched.progress.tree
        names = [n for n in tree.node_of.values() if tree.status(n) in ("open", "running")][:NODES]
        packaged = [n for n in reversed(tree.node_of.values()) if "package" in tree.attributes(n)]
        told["alive"] = [(name, tree.node(name).title) for name in names]
        told["packages"] = [
            (tree.attributes(name)["package"], tree.node(name).title, tree.status(name)) for name in packaged[:PACKAGES]
        ]
        told["more_packages"] = max(0, len(packaged) - PACKAGES)
        told["next"], lines = watched.next, watched.since(0, LINES)
    told["panel"] = panel_values(home, job) if job else None
    told["log"] = next((j.id for j in jobs.jobs(home, JOBS) if jobs.run_named(home, j) == run), "")
    told["fault"], told["typed"], told["who_said"] = fault, typed or {}, name_of(request)
    return render(request, "run.html", status, **told, **line_values(lines))


def status_values(request: Request, run: str) -> dict[str, Any]:
    """State, budgets, costs, counts, what is at work."""
    runs = runs_of(request)
    now, watched = state_of(runs, run), runs.watch(run)
    progress = watched.progress
    with watched.lock:
        tree = progress.tree
        at_work = [(tree.node_of[n], step) for n, step in progress.running.items() if n in tree.node_of][:AT_WORK]
        return {
            "run": run,
            "now": now,
            "stage": progress.stage,
            "mind": progress.mind,
            "gauges": gauges(progress),
            "counts": [(status, n) for status, n in progress.counts().most_common() if status],
            "at_work": [(node, tree.node(node).title, step) for node, step in at_work],
            "pace": progress.pace(),
            "forecast": progress.forecast,
        }


def waiting_values(request: Request, home: Workspace, run: str, did: str) -> dict[str, Any]:
    """What waits for a person, and what became of what they asked last."""
    from evidentia.graph.steering import shown

    watched, folder = runs_of(request).watch(run), home.log_path(run).parent / "inbox"
    sent = {data.get("request") for _, data in inbox.waiting(folder) if data and data.get("act") == "approve"}
    with watched.lock:
        people = watched.progress.people
        open_ = [shown(r) for r in people.open(watched.progress.approve) if r.name not in sent]
    became = ""
    if did:
        became = "taken" if did in people.taken else "left" if inbox.holds(folder, did) else ""
    refused = people.refusals.get(did, "")
    paused = bool(open_) and state_of(runs_of(request), run).status == "paused"
    told = {"run": run, "asked": open_, "did": did, "became": became, "refused": refused, "who": name_of(request)}
    return {**told, "paused": paused}


def line_values(lines: list[Told]) -> dict[str, Any]:
    """Lines of the account, and the event before which there are more (0: none)."""
    told = [(line.seq, line.time, line.kind, plain(line.text)) for line in lines]
    return {"lines": told, "earlier": told[0][0] if told and told[0][0] > 0 and len(told) == LINES else 0}


def plain(text: str) -> str:
    """A sentence about what agents wrote, without what drives terminals and without secrets."""
    return clean(text.encode(errors="replace"))
