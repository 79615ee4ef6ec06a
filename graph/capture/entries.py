"""Writing a capture's end into the log: what the host saw, the rows it left, and those of captures that were killed."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evidentia.agents.minds.protocol import Failure
from evidentia.graph.branch import Branch
from evidentia.graph.capture.notebook import PATIENCE, Notebook, notebook
from evidentia.sandbox import strict_json_lines
from evidentia.sandbox.rows import ROWS, gather_rows, is_row
from evidentia.workspace.canonical import canonical
from evidentia.workspace.home import Workspace
from evidentia.workspace.quantities import figure
from evidentia.workspace.records import Cell, Environment, Evidence, Experiment, Hypothesis, Row
from evidentia.workspace.secrets import find_secret, mask_secrets

ACTOR = "capture"
LEAST_SECONDS, LEAST_BYTES = 60.0, 2.0 * 1024**3
KILLED = "interrupted: the capture was killed"
"""How a capture is recorded that did not live to write its end."""


@dataclass(frozen=True)
class Seen:
    """What the host saw of one command. `taken` are the bytes of declared outputs small enough to hold rows,
    `hashed` the SHA-256 of all that were written."""

    exit_status: int | None
    signal: int | None
    exceeded: str | None
    stdout: bytes
    stderr: bytes
    cut: bool = False
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    taken: Mapping[str, bytes] = field(default_factory=dict)
    hashed: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def result(self) -> str:
        """How it ended, in a few words."""
        after = f"in {figure(self.wall_seconds)} s" if self.wall_seconds else ""
        ending = self.exceeded or (
            f"killed by signal {self.signal}" if self.signal else f"exit status {self.exit_status}"
        )
        return f"{ending} {after}".strip()


@contextmanager
def entry(workspace: Workspace, name: str, *, question: str = "", patience: float = PATIENCE) -> Iterator[Notebook]:
    """A person's run for one entry, after what killed captures left has been written down."""
    with notebook(workspace, name, question=question, patience=patience) as book:
        settle_killed(book)
        yield book


def record_end(book: Notebook, started: Mapping[str, Any], seen: Seen) -> list[Evidence]:
    """Write the end of a capture: an experiment with its evidence for every hypothesis it was started for."""
    blobs = book.workspace.blobs
    stdout, told_out = mask_secrets(seen.stdout)
    stderr, told_err = mask_secrets(seen.stderr)
    branches = [book.journal.branches[name] for name in started["hypotheses"]]
    found, rows, problem = _rows(seen, stdout, started["seeds"], [b.hypothesis for b in branches])
    outputs = dict(seen.hashed)
    if found and not find_secret(found):
        outputs[ROWS] = blobs.put(found)
    refused = {**seen.refused, **({ROWS: problem} if problem else {})}
    result = seen.result + (f", {len(rows)} rows" if rows else "")
    written: list[Evidence] = []
    done = _written(book, started["id"])
    for branch in branches:
        experiment = done.get(branch.hypothesis.id) or _experiment(branch, started, seen, rows, outputs.get(ROWS))
        if experiment.id not in branch.planned:
            planned = {"experiment": experiment.to_json(), "id": experiment.id, "capture": started["id"]}
            book.journal.append("experiment.planned", planned, ACTOR)
        if branch.done(experiment.id):
            continue
        evidence = Evidence(
            experiment=experiment.id,
            script=experiment.script,
            inputs=started["inputs"],
            seeds=experiment.seeds,
            environment=Environment.model_validate(started["environment"]),
            limits=experiment.limits,
            exit_status=seen.exit_status,
            signal=seen.signal,
            exceeded=seen.exceeded,
            wall_seconds=seen.wall_seconds,
            cpu_seconds=seen.cpu_seconds,
            peak_memory_bytes=seen.peak_memory_bytes,
            stdout=blobs.put(stdout),
            stderr=blobs.put(stderr),
            outputs=outputs,
            refused=refused,
            row_count=len(rows),
        )
        payload = {
            "experiment": experiment.id,
            "evidence_id": evidence.id,
            "evidence": evidence.to_json(),
            "failure": None if evidence.ok else asdict(_failure(evidence, stderr)),
            "capture": started["id"],
        }
        book.journal.append("experiment.finished", payload, ACTOR)
        written.append(evidence)
    ended = {
        "id": started["id"],
        "hypotheses": list(started["hypotheses"]),
        "result": result,
        "masked": list(dict.fromkeys((*told_out, *told_err))),
    }
    book.journal.append("capture.ended", ended, ACTOR)
    return written


def _written(book: Notebook, capture: str) -> dict[str, Experiment]:
    """The experiments of this capture that are in the log already, by hypothesis: it was killed while it wrote."""
    found = {}
    for event in book.journal.log.events:
        if event.kind == "experiment.planned" and event.payload.get("capture") == capture:
            experiment = Experiment.model_validate(event.payload["experiment"])
            found[experiment.hypothesis] = experiment
    return found


def _experiment(
    branch: Branch, started: Mapping[str, Any], seen: Seen, rows: Sequence[Row], digest: str | None
) -> Experiment:
    before = [run.evidence.outputs.get(ROWS) for run in branch.runs() if run.evidence.ok]
    return Experiment(
        hypothesis=branch.hypothesis.id,
        role="rerun" if digest is not None and digest in before else "measure",
        look=len(branch.planned),
        seeds=tuple(sorted({int(r["seed"]) for r in rows})),
        cells=cells_of(rows, branch.hypothesis),
        script=started["script"],
        outputs=tuple(started["outputs"]),
        limits={
            "wall_seconds": max(LEAST_SECONDS, round(3 * seen.wall_seconds)),
            "cpu_seconds": max(LEAST_SECONDS, round(3 * seen.cpu_seconds)),
            "memory_bytes": max(LEAST_BYTES, 2.0 * seen.peak_memory_bytes),
        },
        protocol=started["protocol"],
    )


def cells_of(rows: Iterable[Row], hypothesis: Hypothesis) -> tuple[Cell, ...]:
    """Every system of the rows under the conditions that the hypothesis names."""
    names = list(hypothesis.conditions)
    found = {}
    for row in rows:
        cell = Cell(system=str(row["system"]), conditions={n: row[n] for n in names if n in row})
        found[canonical(cell.to_json())] = cell
    return tuple(found.values())


def _rows(
    seen: Seen, stdout: bytes, declared: Sequence[int], hypotheses: Sequence[Hypothesis]
) -> tuple[bytes, list[Row], str]:
    """The bytes that hold rows, the rows, and why they cannot be used (empty if they can)."""
    found = gather_rows(seen.taken, stdout)
    if seen.cut and found and found == gather_rows({}, stdout):
        return b"", [], "printed rows are not kept whole in so long an output; write them to a file, name it: --output"
    try:
        rows: list[Row] = [*strict_json_lines(found)]
    except ValueError as error:
        return found, [], str(error)
    problem = _problem(rows, hypotheses)
    if not problem and declared and rows:
        seeds = {row["seed"] for row in rows}
        if missing := sorted(set(declared) - seeds):
            problem = f"no row has the seed {missing[0]} that was declared"
        elif strange := sorted(int(s) for s in seeds - set(declared)):
            problem = f"a row has the seed {strange[0]}, which was not declared"
    if not problem and found and (secret := find_secret(found)):
        problem = f"it holds {secret[0]}"
    return found, [] if problem else rows, problem


def _problem(rows: Sequence[Row], hypotheses: Sequence[Hypothesis]) -> str:
    metrics = {claim.check.metric for h in hypotheses for claim in h.claims}
    for number, row in enumerate(rows, start=1):
        if not is_row(row):
            return f"line {number}: a row needs a text “system” and a whole number “seed”"
        for metric in sorted(metrics & row.keys()):
            if isinstance(row[metric], bool | str):
                return f"line {number}: {metric} must be a number"
    try:
        for hypothesis in hypotheses:
            cells_of(rows, hypothesis)
        canonical([row["seed"] for row in rows])
    except ValueError as error:
        return f"a row cannot be recorded: {error}"
    return ""


def _failure(evidence: Evidence, stderr: bytes) -> Failure:
    return Failure(
        exit_status=evidence.exit_status,
        signal=evidence.signal,
        exceeded=evidence.exceeded,
        stderr=stderr.decode(errors="replace")[-4000:],
        refused=dict(evidence.refused) if evidence.exit_status == 0 else {},
    )


def settle_killed(book: Notebook) -> None:
    """Write the end of every capture whose process is gone, with the beginning of what it printed."""
    for name, started in list(book.journal.captures.items()):
        folder = book.folder / name
        if is_alive(folder):
            continue
        refused = dict.fromkeys(started["outputs"], "not taken: the capture was killed")
        seen = Seen(None, None, KILLED, _spooled(folder / "stdout"), _spooled(folder / "stderr"), refused=refused)
        record_end(book, started, seen)
        shutil.rmtree(folder, ignore_errors=True)


def hold(folder: Path) -> int:
    """Make a capture's folder and hold its lock: as long as the descriptor is open, the capture is alive."""
    folder.mkdir(parents=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def is_alive(folder: Path) -> bool:
    """Whether the process that holds the capture's lock still runs."""
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _spooled(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
