"""Steering a run from another process, whether it is live, stopped or finished: a web page and `evidentia steer` call
these.

What is asked is on the disk before a function returns: in the run's log where no process holds it, else in its inbox,
from which the process that holds the log takes it before its next step. Adding a hypothesis, raising the budget or
pinning an open hypothesis gives a finished run something to do: `resume` goes on with it.

Every function raises BadInputError, before anything is written, for what the run cannot do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evidentia.agents.minds import open_mind
from evidentia.errors import BadInputError
from evidentia.graph.approvals import inbox_of, take
from evidentia.graph.journal import Journal
from evidentia.graph.people import Request
from evidentia.graph.replay import journal_of
from evidentia.graph.running import INTERRUPTED, WAITING
from evidentia.graph.steering_requests import check, read_request
from evidentia.graph.suggested import known_as, read_in
from evidentia.workspace import inbox
from evidentia.workspace.eventlog import EventLog
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import Value


@dataclass(frozen=True)
class Receipt:
    """What became of a request: its `ticket`; whether it is `taken` into the log, or lies in the inbox of a process
    that is at work; whether to `resume` the run for anything to come of it; what a person may want to `know`."""

    run: str
    ticket: str
    taken: bool
    resume: bool
    know: str = ""


def pending(workspace: Workspace, run: str) -> list[dict[str, Any]]:
    """What waits for a person in a run, oldest first: `request`, `gate`, `about`, `time`, `items` (each with an `id`,
    and what to show; see `evidentia.graph.asking`), and what goes with the gate."""
    journal = journal_of(workspace, workspace.find_run(run))
    sent = [data for _, data in inbox.waiting(inbox_of(journal)) if data]
    answered = {data.get("request") for data in sent if data.get("act") == "approve"}
    return [shown(request) for request in journal.open_requests() if request.name not in answered]


def shown(request: Request) -> dict[str, Any]:
    """A request as JSON; a proposed hypothesis is told by its words, not by its whole record."""
    items = [{k: v for k, v in item.items() if k != "hypothesis"} for item in request.items]
    told = {"request": request.name, "gate": request.gate, "about": request.about, "time": request.time}
    return {**told, **request.more, "items": items}


def approve(
    workspace: Workspace,
    run: str,
    request: str,
    *,
    actor: str,
    accepted: Sequence[str] | None = None,
    dropped: Sequence[str] = (),
    why: str = "",
) -> Receipt:
    """Answer a request. Items are named by place (1, 2 …), node or id; without `accepted`, all pass but those dropped.

    What is dropped is not asked again: an idea is not registered, an experiment not run, a package not made.
    """
    answer: dict[str, Any] = {"request": request, "dropped": list(dropped)}
    if accepted is not None:
        answer["accepted"] = list(accepted)
    return _send(workspace, run, "approve", actor, why, **answer)


def refuse(workspace: Workspace, run: str, request: str, *, actor: str, why: str = "") -> Receipt:
    """Drop everything in a request."""
    return _send(workspace, run, "approve", actor, why, request=request, accepted=[])


def suggest(
    workspace: Workspace,
    run: str,
    statement: str,
    *,
    actor: str,
    where: Mapping[str, Value] | None = None,
    why: str = "",
) -> Receipt:
    """Add a hypothesis, or a question, in words. The run's mind reads it, registers what it reads before any of its
    data, and the next round takes it first."""
    journal = _steerable(workspace, run)
    request = read_request({"act": "suggest", "name": actor, "why": why, "statement": statement, "where": where or {}})
    request.event(journal)
    told = ""
    if journal.mind == "builtin":  # it reads alike each time and costs nothing: whoever asks sees now what it reads
        found = read_in(journal, open_mind(journal.mind), statement, dict(where or {}), 0)
        known = known_as(journal, found)
        told = f"read as: {found.statement}"
        if known:
            told += f" ({journal.tree.node_of[known]} tests it already; it is taken in the next round)"
    return _send(workspace, run, "suggest", actor, why, know=told, statement=statement, where=dict(where or {}))


def prune(workspace: Workspace, run: str, node: str, *, actor: str, why: str = "") -> Receipt:
    """Measure nothing more for a branch, nor for what follows from it. What was measured is concluded and packaged."""
    return _send(workspace, run, "prune", actor, why, node=node)


def pin(workspace: Workspace, run: str, node: str, decision: str, *, actor: str, why: str = "") -> Receipt:
    """Pin a decision below a node: every mind reads it; an open hypothesis is taken in the next round."""
    return _send(workspace, run, "pin", actor, why, node=node, decision=decision)


def change_budget(
    workspace: Workspace, run: str, budget: Mapping[str, int | float | None], *, actor: str, why: str = ""
) -> Receipt:
    """Set limits of the budget by name; None lifts one. None may be less than what is spent."""
    return _send(workspace, run, "budget", actor, why, budget=dict(budget))


def _steerable(workspace: Workspace, run: str) -> Journal:
    journal = journal_of(workspace, workspace.find_run(run))
    check(journal)
    return journal


def _send(workspace: Workspace, run: str, act: str, actor: str, why: str, *, know: str = "", **asked: Any) -> Receipt:
    journal = _steerable(workspace, run)
    data = {"act": act, "name": actor, "why": why, **asked}
    request = read_request(data)
    request.event(journal)
    ticket = inbox.put(inbox_of(journal), request.to_json())
    return _receipt(journal, ticket, know)


def _receipt(journal: Journal, ticket: str, know: str) -> Receipt:
    """Take the request into the log at once if no other process holds it."""
    try:
        log = EventLog(journal.log.path, journal.log.run)
    except BadInputError:
        return Receipt(journal.log.run, ticket, taken=False, resume=False, know=know)
    try:
        now = Journal(log)
        take(now, now.append)
        if because := now.people.refusals.get(ticket):
            raise BadInputError(because)
        resume = now.people.reopened or now.stopped in (None, INTERRUPTED, WAITING)
        return Receipt(now.log.run, ticket, taken=True, resume=resume, know=know)
    finally:
        log.close()
