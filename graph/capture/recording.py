"""Recording one command: register what it is for, run it as the person, write down what the host saw."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidentia.agents.minds.person import NOTED_AT_START, NOTED_BEFORE
from evidentia.errors import BadInputError
from evidentia.graph.capture import hypotheses
from evidentia.graph.capture.command import Command, environment, place_of
from evidentia.graph.capture.entries import Seen, entry, hold, record_end
from evidentia.graph.capture.hypotheses import Expected
from evidentia.graph.capture.masking import readable
from evidentia.graph.capture.notebook import ACTOR, Notebook
from evidentia.graph.capture.notes import LONGEST, register, said
from evidentia.graph.capture.passing import Ending, run_passing
from evidentia.workspace.home import Workspace

LATE = 3600.0
"""Seconds the end of a command waits for another terminal: what was measured must not be lost."""
MOST_BYTES = 64 * 1024**2
"""An output larger than this is hashed but not kept."""


@dataclass(frozen=True)
class Wanted:
    """What a person asks to be recorded with a command."""

    command: Command
    outputs: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    claim: str = ""
    expected: Expected = field(default_factory=Expected)
    nodes: tuple[str, ...] = ()
    question: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class Captured:
    """What was recorded, in the shape of ``capture --json`` once its `status` is left out."""

    run: str
    capture: str
    nodes: tuple[str, ...]
    evidence: tuple[str, ...]
    exit_status: int | None
    signal: int | None
    interrupted: bool
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    rows: int
    outputs: dict[str, str]
    refused: dict[str, str]
    masked: tuple[str, ...]
    status: int


def capture(workspace: Workspace, run: str, wanted: Wanted) -> Captured:
    """Run the command and record it. Raises BadInputError, before the command is started, for what cannot be
    recorded as asked, and when the command cannot be started at all."""
    with entry(workspace, run, question=wanted.question) as book:
        targets = _targets(book, wanted)
        name = "c-" + secrets.token_hex(4)
        if not targets:
            targets = [_own(book, wanted, name)]
        started = _started(book, wanted, name, targets)
        folder = book.folder / name
        lock = hold(folder)
        book.journal.append("capture.started", started, ACTOR)
        nodes = tuple(book.journal.tree.node_of[h] for h in targets)
    before = {output: _state(wanted.command.folder / output) for output in wanted.outputs}
    try:
        try:
            ending = run_passing(wanted.command.given, folder, quiet=wanted.quiet)
        except OSError as error:
            seen = Seen(None, None, f"interrupted: it could not be started ({error.strerror})", b"", b"")
            with entry(workspace, run, patience=LATE) as book:
                record_end(book, started, seen)
            told = f"the command {readable(wanted.command.given[0])!r} could not be started: {error.strerror}"
            raise BadInputError(told) from error
        seen = _seen(workspace, wanted, ending, before)
        with entry(workspace, run, patience=LATE) as book:
            evidence = record_end(book, started, seen)
    finally:
        os.close(lock)
    shutil.rmtree(folder, ignore_errors=True)
    return Captured(
        run=run,
        capture=name,
        nodes=nodes,
        evidence=tuple(e.id for e in evidence),
        exit_status=ending.exit_status,
        signal=ending.signal,
        interrupted=ending.interrupted,
        wall_seconds=round(ending.wall_seconds, 3),
        cpu_seconds=round(ending.cpu_seconds, 3),
        peak_memory_bytes=ending.peak_memory_bytes,
        rows=evidence[0].row_count,
        outputs=dict(evidence[0].outputs),
        refused=dict(evidence[0].refused),
        masked=wanted.command.masked,
        status=ending.status,
    )


def _targets(book: Notebook, wanted: Wanted) -> list[str]:
    """The hypotheses the command is for: those named, else all that were noted and have no rows yet; none if it has
    its own."""
    journal = book.journal
    if wanted.nodes:
        names = {node: name for name, node in journal.tree.node_of.items()}
        for node in wanted.nodes:
            branch = journal.branches.get(names.get(node, ""))
            if branch is None or branch.outcome is not None or journal.tree.node(node).type != "experiment":
                raise BadInputError(f"--for {node}: {book.run} has no open experiment or hypothesis of that name")
        return [names[node] for node in wanted.nodes]
    if wanted.claim or wanted.expected.given:
        return []
    noted = {n: b for n, b in journal.branches.items() if b.outcome is None and b.hypothesis.rationale == NOTED_BEFORE}
    return [n for n, b in noted.items() if not any(r.evidence.ok and r.evidence.row_count for r in b.runs())]


def _own(book: Notebook, wanted: Wanted, name: str) -> str:
    """Register the hypothesis that only this command is for."""
    if wanted.expected.given:
        if not wanted.claim:
            raise BadInputError("--expect and its options need the claim in words: --claim “…”")
        hypothesis = hypotheses.decidable(said("--claim", wanted.claim), wanted.expected, NOTED_AT_START)
    else:
        claim = said("--claim", wanted.claim) if wanted.claim else ""
        hypothesis = hypotheses.of_command(said("the command", wanted.command.text[:LONGEST]), name, claim)
    return register(book, hypothesis, book.place())


def _started(book: Notebook, wanted: Wanted, name: str, targets: Sequence[str]) -> dict[str, Any]:
    command = wanted.command
    outputs = [readable(output) for output in wanted.outputs]
    place = place_of(command.folder)
    where = environment(command)
    blobs = book.workspace.blobs
    if command.script is not None and command.script.text is not None:
        blobs.put(command.script.data)
    commit = f", at the commit `{where.commit}`" if where.commit else ""
    seeds = f"; seeds declared: `{', '.join(map(str, wanted.seeds))}`" if wanted.seeds else ""
    return {
        "id": name,
        "hypotheses": list(targets),
        "command": list(command.kept),
        "masked": list(command.masked),
        "folder": place,
        "inputs": command.inputs,
        "outputs": outputs,
        "seeds": list(wanted.seeds),
        "script": blobs.put(command.recorded_script(wanted.outputs).encode()),
        "environment": where.to_json(),
        "protocol": f"a person ran {command.quoted} in the folder `{place}`{commit}{seeds}",
    }


_State = tuple[int, int, int] | None


def _state(path: Path) -> _State:
    """What changes when a file is written; None for one that is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _seen(workspace: Workspace, wanted: Wanted, ending: Ending, before: dict[str, _State]) -> Seen:
    taken: dict[str, bytes] = {}
    hashed: dict[str, str] = {}
    refused: dict[str, str] = {}
    for output in wanted.outputs:
        name, path = readable(output), wanted.command.folder / output
        reason = _unusable(path, before[output])
        if reason:
            refused[name] = reason
            continue
        try:
            if path.stat().st_size <= MOST_BYTES:
                taken[name] = path.read_bytes()
                hashed[name] = workspace.blobs.put(taken[name])
            else:
                with path.open("rb") as file:
                    hashed[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            refused[name] = f"cannot be read: {error.strerror}"
    exceeded = None
    if ending.interrupted:
        exceeded = "interrupted: by the person"
    return Seen(
        exit_status=ending.exit_status,
        signal=ending.signal,
        exceeded=exceeded,
        stdout=ending.stdout,
        stderr=ending.stderr,
        cut=ending.cut,
        wall_seconds=ending.wall_seconds,
        cpu_seconds=ending.cpu_seconds,
        peak_memory_bytes=ending.peak_memory_bytes,
        taken=taken,
        hashed=hashed,
        refused=refused,
    )


def _unusable(path: Path, before: _State) -> str:
    """Why a declared file is not an output of the command; empty if it is one."""
    now = _state(path)
    if now is None:
        return "missing"
    if not stat.S_ISREG(path.stat().st_mode):
        return "not a regular file"
    return "not written by the command: it was there before and did not change" if now == before else ""
