"""Level 1's order of events: the slice of the log is unbroken, and the hypothesis came before its data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from evidentia.errors import IntegrityError
from evidentia.hub.verification.opened import Opened
from evidentia.workspace.canonical import canonical, content_id
from evidentia.workspace.records import Event

FILE = "trace/events.jsonl"
Faults = tuple[str, Iterator[str], str]


def check_log(package: Opened) -> Iterator[Faults]:
    """(name, faults, what is said when there is none) of each check of the log's slice."""
    yield "event log", _chain(package), "every event is what was written, in order"
    yield "registered first", _order(package), "the hypothesis was registered before its data"
    yield "logged records", _records(package), "runs, claims, attacks and outcome are those of the log"


def _events(package: Opened) -> Iterator[Event]:
    for number, line in enumerate(package.read(FILE).splitlines(), start=1):
        try:
            yield Event.model_validate(json.loads(line))
        except (ValueError, ValidationError) as error:
            raise IntegrityError(f"{FILE}:{number} is not an event") from error


def _chain(package: Opened) -> Iterator[str]:
    last: Event | None = None
    lines = package.read(FILE).splitlines()
    for number, (event, line) in enumerate(zip(_events(package), lines, strict=True), start=1):
        body = event.to_json()
        digest = body.pop("hash")
        if content_id(body) != digest or canonical(event.to_json()) != line:
            yield f"{FILE}:{number}: event {event.seq} was changed after it was written"
        if event.run != package.branch.run:
            yield f"{FILE}:{number}: event {event.seq} is of the run {event.run}"
        if last is not None:
            if event.seq <= last.seq or datetime.fromisoformat(event.time) < datetime.fromisoformat(last.time):
                yield f"{FILE}:{number}: event {event.seq} stands after event {last.seq}"
            if event.seq == last.seq + 1 and event.prev != last.hash:
                yield f"{FILE}:{number}: event {event.seq} does not follow event {last.seq}"
        last = event


def _order(package: Opened) -> Iterator[str]:
    hypothesis = package.branch.hypothesis
    registered: int | None = None
    for event in _events(package):
        payload = event.payload
        if event.kind == "hypothesis.registered" and payload.get("id") == hypothesis.id:
            if payload.get("hypothesis") != hypothesis.to_json():
                yield f"event {event.seq} registers another hypothesis than the package holds"
            registered = event.seq if registered is None else registered
        elif event.kind.startswith(("experiment.", "claims.")) and registered is None:
            yield f"event {event.seq} ({event.kind}) precedes the registration of {hypothesis.id}"
            return
    if registered is None:
        yield f"{FILE} does not register {hypothesis.id}"


def _records(package: Opened) -> Iterator[str]:
    planned: dict[str, Any] = {}
    finished: dict[str, Any] = {}
    claims: Any = []
    attacks: Any = []
    outcome: tuple[Any, Any] = (None, None)
    for event in _events(package):
        payload = event.payload
        if event.kind == "experiment.planned":
            planned[payload["id"]] = payload["experiment"]
        elif event.kind == "experiment.finished":
            if payload["experiment"] not in planned:
                yield f"event {event.seq} ends the experiment {payload['experiment']}, which was not planned before it"
            finished[payload["evidence_id"]] = payload["evidence"]
        elif event.kind in ("claims.decided", "falsification.done"):
            claims, attacks = payload["claims"], payload.get("attacks", [])
        elif event.kind == "branch.concluded":
            outcome = payload["outcome"], payload["dead_end"]
    branch = package.branch
    for entry, run in package.entries:
        if planned.get(run.experiment.id) != run.experiment.to_json():
            yield f"{entry.id} was not planned as the package says"
        if finished.get(run.evidence.id) != run.evidence.to_json():
            yield f"the evidence of {entry.id} is not the one in the log"
    if len(finished) != len(branch.runs):
        yield f"the log has {len(finished)} runs, the package {len(branch.runs)}: none may be left out"
    if claims != [c.to_json() for c in branch.claims]:
        yield "the claims are not those in the log"
    if attacks != [a.to_json() for a in branch.attacks]:
        yield "the attacks are not those in the log"
    if outcome != (branch.outcome, branch.dead_end.to_json() if branch.dead_end else None):
        yield "outcome or dead end are not those in the log"
