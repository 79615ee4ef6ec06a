"""Level 1's order of events: the slice of the log is unbroken, and the hypothesis came before its data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from evidentia.errors import IntegrityError
from evidentia.hub.verification.opened import LOG, Opened
from evidentia.workspace.canonical import canonical, content_id, sha256
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.records import Event

FILE = LOG
CLOCK_TOLERANCE = 2.0
"""Seconds by which a clock may be set back between two events: time servers correct by less."""
DAY = 86_400.0
_RUN_LOG = {
    True: "the slice is part of the log of its run",
    False: "the run is of another workspace: nothing to compare",
}
Faults = tuple[str, Iterator[str], str]


def check_log(package: Opened) -> Iterator[Faults]:
    """(name, faults, what is said when there is none) of each check of the log's slice."""
    yield "event log", _chain(package), "every event is what was written, in order"
    yield "run log", _of_run(package), _RUN_LOG[package.native]
    yield "registered first", _order(package), "the hypothesis was registered before its data"
    yield "logged records", _records(package), "runs, claims, attacks and outcome are those of the log"


def _chain(package: Opened) -> Iterator[str]:
    last: Event | None = None
    lines = package.read(FILE).splitlines()
    for number, (event, line) in enumerate(zip(package.events, lines, strict=True), start=1):
        body = event.to_json()
        digest = body.pop("hash")
        if content_id(body) != digest or canonical(event.to_json()) != line:
            yield f"{FILE}:{number}: event {event.seq} was changed after it was written"
        if event.run != package.branch.run:
            yield f"{FILE}:{number}: event {event.seq} is of the run {event.run}"
        if last is not None:
            if event.seq <= last.seq:
                yield f"{FILE}:{number}: event {event.seq} stands after event {last.seq}"
            back = (_time(last) - _time(event)).total_seconds()
            if back > CLOCK_TOLERANCE:
                yield f"{FILE}:{number}: the clock was rolled back by {back:g} s before event {event.seq}"
            if event.seq == last.seq + 1 and event.prev != last.hash:
                yield f"{FILE}:{number}: event {event.seq} does not follow event {last.seq}"
        last = event
    if last is not None and (_time(last) - datetime.now(UTC)).total_seconds() > DAY:
        yield f"{FILE}: event {last.seq} is of the future: {last.time}"


def _time(event: Event) -> datetime:
    try:
        found = datetime.fromisoformat(event.time)
    except ValueError:
        raise IntegrityError(f"event {event.seq} has no time but {event.time[:40]!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _of_run(package: Opened) -> Iterator[str]:
    """Where the run's own log is at hand, the slice must be a part of it and leave out none of its experiments."""
    if package.run_log is None:
        return
    stat = package.run_log.stat()
    whole = _whole(package.run_log, stat.st_size, stat.st_mtime_ns)
    lines = package.read(FILE).splitlines()
    for number, (event, line) in enumerate(zip(package.events, lines, strict=True), start=1):
        if sha256(line) not in whole.lines:
            yield f"{FILE}:{number}: event {event.seq} is not in the log of the run: the slice was re-chained"
    held = {event.seq for event in package.events}
    for seq in whole.experiments.get(package.branch.hypothesis.id, ()):
        if seq not in held and seq < max(held, default=0):
            yield f"{FILE} leaves out event {seq} of the run, an experiment on this hypothesis"


@dataclass(frozen=True)
class _Whole:
    """A run's log: the hashes of its lines, and the events of experiments by hypothesis."""

    lines: frozenset[str]
    experiments: dict[str, list[int]]


@lru_cache(maxsize=4)
def _whole(path: Path, size: int, modified: int) -> _Whole:
    """The log as it was at that size and time, checked once for all packages of the run."""
    lines, experiments, owner = set(), defaultdict(list), {}
    for event in read_events(path):
        lines.add(sha256(canonical(event.to_json())))
        if event.kind == "experiment.planned":
            owner[event.payload.get("id")] = event.payload["experiment"]["hypothesis"]
            experiments[owner[event.payload.get("id")]].append(event.seq)
        elif event.kind == "experiment.finished" and event.payload["experiment"] in owner:
            experiments[owner[event.payload["experiment"]]].append(event.seq)
    return _Whole(frozenset(lines), dict(experiments))


def _order(package: Opened) -> Iterator[str]:
    hypothesis = package.branch.hypothesis
    registered: int | None = None
    for event in package.events:
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
    for event in package.events:
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
    for name in sorted(planned.keys() - {run.experiment.id for run in branch.runs}):
        yield f"the experiment {name} was planned and its outcome is not told"
    if claims != [c.to_json() for c in branch.claims]:
        yield "the claims are not those in the log"
    if attacks != [a.to_json() for a in branch.attacks]:
        yield "the attacks are not those in the log"
    if outcome != (branch.outcome, branch.dead_end.to_json() if branch.dead_end else None):
        yield "outcome or dead end are not those in the log"
