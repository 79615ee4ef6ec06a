"""Reading runs back: view what was recorded, prove the tree, re-execute a node and compare."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidentia.errors import BadInputError, EvidentiaError
from evidentia.graph.journal import Journal
from evidentia.graph.laboratory import ROWS
from evidentia.graph.running import INTERRUPTED, WAITING
from evidentia.graph.tree import Tree
from evidentia.kernels import registry
from evidentia.sandbox import Job, Limits, Sandbox, SandboxFailedError
from evidentia.workspace.eventlines import Events
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import PERSON, Event

_POLL_SECONDS = 0.3


@dataclass
class RecordedLog:
    """A log opened for reading only."""

    path: Path
    run: str
    events: Sequence[Event]

    def append(self, kind: str, payload: dict[str, Any], actor: str, *, wait: bool = True) -> Event:
        """Refused: a replay writes nothing."""
        raise TypeError("a recorded log cannot be written")

    def sync(self) -> None:
        """Nothing is waited for."""


def journal_of(workspace: Workspace, run: str) -> Journal:
    """The journal of a run, read only. Raises IntegrityError when the log is not what was written."""
    path = workspace.log_path(run)
    return Journal(RecordedLog(path, run, Events(path)))


def follow(path: Path) -> Iterator[Event]:
    """The events of a log as they are written, until the run stops; one that waits for a person has not."""
    seen = 0
    while True:
        for event in read_events(path):
            if event.seq >= seen:
                seen = event.seq + 1
                yield event
                last = event
        if seen and last.kind == "run.stopped" and last.payload["because"] != WAITING:
            return
        time.sleep(_POLL_SECONDS)


def summaries(workspace: Workspace) -> list[dict[str, Any]]:
    """All runs in the shape of ``runs --json``, newest first."""
    found = []
    for name in workspace.run_names():
        journal = journal_of(workspace, name)
        if journal.brief is None:
            continue
        status = journal.stopped or "unfinished"
        found.append(
            {
                "run": name,
                "question": journal.brief.question,
                "status": status if status in (INTERRUPTED, WAITING, "unfinished") else "finished",
                "nodes": journal.tree.graph.number_of_nodes(),
                "experiments": journal.experiments,
                "created": journal.created,
            }
        )
    return sorted(found, key=lambda r: (str(r["created"]), str(r["run"])), reverse=True)


@dataclass(frozen=True)
class Proof:
    """One point of the log at which a tree digest was recorded, and the digest of the tree rebuilt up to there."""

    seq: int
    recorded: str
    rebuilt: str

    @property
    def holds(self) -> bool:
        """Whether the rebuilt tree is the recorded one, byte for byte."""
        return self.recorded == self.rebuilt


def prove(events: Iterable[Event], saved: bytes | None) -> tuple[list[Proof], bool | None]:
    """Rebuild the tree from the log alone at every recorded digest.

    The second value says whether the tree saved beside the log is the last of them byte for byte; None when
    none was saved.
    """
    tree, proofs, last = Tree(), [], b""
    for event in events:
        if event.kind == "run.stopped":
            proofs.append(Proof(event.seq, event.payload["tree"], tree.digest))
            last = tree.to_bytes()
        tree.apply(event)
    return proofs, None if saved is None or not proofs else saved == last


@dataclass(frozen=True)
class Comparison:
    """A re-executed experiment beside its record."""

    experiment: str
    role: str
    identical: bool
    detail: str


def rerun(workspace: Workspace, journal: Journal, node: str, sandbox: Sandbox) -> Iterator[Comparison]:
    """Execute a node's experiments again and compare their rows. Raises BadInputError for a node without any."""
    name = next((h for h, n in journal.tree.node_of.items() if n == node), None)
    alone = journal.tree.attributes(node).get("experiment") if node in journal.tree.graph else None
    if alone:  # an attack or a repair
        name = journal.by_experiment[alone]
    if name is None or not journal.branches[name].runs():
        nodes = ", ".join(list(journal.tree.node_of.values())[:8])
        raise BadInputError(f"the node {node!r} has no experiment to run again; those that may have are {nodes} …")
    if journal.mind == PERSON:
        raise BadInputError(f"{node} holds a person's own command, which a replay does not run; see `evidentia verify`")
    for run in (r for r in journal.branches[name].runs() if alone in (None, r.experiment.id)):
        limits = Limits(
            wall_seconds=run.experiment.limits["wall_seconds"],
            cpu_seconds=run.experiment.limits["cpu_seconds"],
            memory_bytes=int(run.experiment.limits["memory_bytes"]),
        )
        script = workspace.blobs.get(run.evidence.script).decode()
        family = journal.branches[name].hypothesis.family
        warm = registry.warming(family, (c.system for c in run.experiment.cells))
        try:
            outcome = sandbox.run(Job(script=script, outputs=run.experiment.outputs, limits=limits, warm=warm))
        except SandboxFailedError as error:
            raise EvidentiaError(f"the experiment {run.experiment.id} could not be run: {error}") from error
        digest = run.evidence.outputs.get(ROWS)
        before = workspace.blobs.get(digest) if digest else b""
        now = outcome.outputs.get(ROWS, b"")
        yield Comparison(run.experiment.id, run.experiment.role, before == now, _difference(before, now))


def _difference(before: bytes, now: bytes) -> str:
    if before == now:
        return f"{len(before.splitlines())} rows, byte for byte"
    old, new = before.splitlines(), now.splitlines()
    for number, (a, b) in enumerate(zip(old, new, strict=False), start=1):
        if a != b:
            return f"line {number} differs: recorded {a.decode(errors='replace')}, now {b.decode(errors='replace')}"
    return f"recorded {len(old)} rows, now {len(new)}"
