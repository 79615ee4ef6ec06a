"""Running one planned experiment and writing down what the host saw."""

from __future__ import annotations

from evidentia.agents.minds.protocol import Failure
from evidentia.errors import EvidentiaError
from evidentia.graph.executors import Executor
from evidentia.graph.executors.placed import environment_of
from evidentia.kernels import registry
from evidentia.sandbox import Job, Limits, Outcome, SandboxFailedError, strict_json_lines
from evidentia.workspace.blobs import BlobStore
from evidentia.workspace.records import Evidence, Experiment, Row

ROWS = "rows.jsonl"


class Laboratory:
    """Executes experiments and keeps their bytes in the blob store.

    `devices` are those that jobs may use; `weak_allowed` says that a person let a language model's code run in a
    weaker sandbox than the brief asks for.
    """

    def __init__(
        self, executor: Executor, blobs: BlobStore, *, devices: tuple[str, ...] = (), weak_allowed: bool = False
    ) -> None:
        self.executor, self.blobs = executor, blobs
        self.devices, self.weak_allowed = devices, weak_allowed

    def run(self, experiment: Experiment, family: str) -> tuple[Evidence, Failure | None]:
        """Execute the experiment. A script that fails is a result; only the host's own faults are raised, as
        EvidentiaError."""
        limits = Limits(
            wall_seconds=experiment.limits["wall_seconds"],
            cpu_seconds=experiment.limits["cpu_seconds"],
            memory_bytes=int(experiment.limits["memory_bytes"]),
        )
        job = Job(
            script=self.blobs.get(experiment.script).decode(),
            outputs=experiment.outputs,
            limits=limits,
            warm=registry.warming(family, (c.system for c in experiment.cells)),
        )
        try:
            outcome = self.executor.run(job, exclusive=experiment.exclusive)
        except SandboxFailedError as error:
            raise EvidentiaError(f"the experiment {experiment.id} could not be run: {error}") from error
        rows, problem = _read(outcome)
        evidence = Evidence(
            experiment=experiment.id,
            script=experiment.script,
            seeds=experiment.seeds,
            environment=environment_of(outcome, self.devices, job.seed, self.weak_allowed),
            limits=experiment.limits,
            exit_status=outcome.exit_status,
            signal=outcome.signal,
            exceeded=outcome.exceeded,
            wall_seconds=outcome.wall_seconds,
            cpu_seconds=outcome.cpu_seconds,
            peak_memory_bytes=outcome.peak_memory_bytes,
            stdout=self.blobs.put(outcome.stdout),
            stderr=self.blobs.put(outcome.stderr),
            outputs={name: self.blobs.put(data) for name, data in outcome.outputs.items()},
            refused={**outcome.refused, **({ROWS: problem} if problem else {})},
            row_count=len(rows),
        )
        if evidence.ok:
            return evidence, None
        failure = Failure(
            exit_status=outcome.exit_status,
            signal=outcome.signal,
            exceeded=outcome.exceeded,
            stderr=outcome.stderr.decode(errors="replace")[-4000:],
            refused=evidence.refused if outcome.exit_status == 0 else {},
        )
        return evidence, failure

    def rows(self, evidence: Evidence) -> list[Row]:
        """The result rows of one run, read back from the blob store."""
        digest = evidence.outputs.get(ROWS)
        if digest is None or not evidence.ok:
            return []
        rows: list[Row] = [*strict_json_lines(self.blobs.get(digest))]
        return rows


def _read(outcome: Outcome) -> tuple[list[Row], str]:
    """The rows an experiment left, or why they cannot be used."""
    if ROWS not in outcome.outputs:
        return [], ""
    try:
        rows: list[Row] = [*strict_json_lines(outcome.outputs[ROWS])]
    except ValueError as error:
        return [], str(error)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row.get("system"), str) or type(row.get("seed")) is not int:
            return [], f"line {number}: a row needs a text “system” and a whole number “seed”"
    return rows, ""
