"""Forking a run: a new run that shares another's log up to a point, changes something, and goes on from there."""

from __future__ import annotations

from evidentia.agents.brief import Brief
from evidentia.errors import BadInputError
from evidentia.graph.journal import Journal
from evidentia.graph.replay import RecordedLog, journal_of
from evidentia.graph.running import new_run_name
from evidentia.graph.tree import ROOT
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import PERSON, Event

_LEFT_OUT = ("run.stopped", "run.resumed", "budget.changed")
"""What a fork does not take over: it has not been stopped, and its brief has the budget as it was at the point."""


def brief_at(workspace: Workspace, run: str, at: str) -> Brief:
    """The brief of a run with what people had changed by a point. Raises BadInputError as `fork` does."""
    source = _source(workspace, run)
    return _brief_by(source, _point(source, at))


def fork(workspace: Workspace, run: str, at: str, *, brief: Brief | None = None, mind: str | None = None) -> str:
    """Write the log of a new run and return its name; `resume` goes on with it.

    `at` is a node of the tree (all that is known of it by its last event is shared) or the number of an event. The
    first event names the run, the event and the hash it was forked from. What was measured before counts towards the
    new run's budget of experiments, its time does not. Raises BadInputError for a point that does not exist and for a
    person's run.
    """
    source = _source(workspace, run)
    last = _point(source, at)
    changed_brief = brief or _brief_by(source, last)
    name = new_run_name(workspace, changed_brief.question)
    log = workspace.create_log(name)
    try:
        for event in source.log.events[: last.seq + 1]:
            if event.kind == "run.started":
                changed = {
                    "brief": changed_brief.to_json(),
                    "mind": mind or source.mind,
                    "forked": {"run": source.log.run, "seq": last.seq, "hash": last.hash},
                }
                log.append(event.kind, {**event.payload, **changed}, PERSON, wait=False)
            elif event.kind not in _LEFT_OUT:
                log.append(event.kind, event.payload, event.actor, wait=False)
    finally:
        log.close()
    return name


def _source(workspace: Workspace, run: str) -> Journal:
    source = journal_of(workspace, workspace.find_run(run))
    if source.brief is None:
        raise BadInputError(f"the run {source.log.run} stopped before it was registered; there is nothing to fork")
    if source.mind == PERSON:
        raise BadInputError(f"{source.log.run} is a person's run, which no mind can go on with")
    return source


def _brief_by(source: Journal, last: Event) -> Brief:
    log = RecordedLog(source.log.path, source.log.run, source.log.events[: last.seq + 1])
    brief = Journal(log).brief
    assert brief is not None  # the first event has it
    return brief


def _point(journal: Journal, at: str) -> Event:
    """The last event that is shared."""
    events = journal.log.events
    if at.isdecimal():
        if int(at) >= len(events):
            raise BadInputError(f"--at {at}: the log of {journal.log.run} ends with event {len(events) - 1}")
        return events[int(at)]
    branch = next((h for h, node in journal.tree.node_of.items() if node == at), None)
    if branch is not None:
        return events[journal.branches[branch].seqs[-1]]
    for event in events:
        if event.payload.get("node") == at or (at == ROOT and event.kind == "run.started"):
            return event
    known = ", ".join(sorted(journal.tree.graph.nodes)[:12])
    raise BadInputError(f"--at {at}: no such node in {journal.log.run}; there are {known} …")
