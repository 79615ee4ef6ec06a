"""One entry point of a package run in the sandbox: as recorded, or with other seeds and conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evidentia.errors import EvidentiaError
from evidentia.hub.mcp.variation import FixedCellsError, recelled
from evidentia.hub.reading.located import read_file
from evidentia.hub.verification.commands import own_command, with_printed_rows
from evidentia.hub.verification.opened import Opened
from evidentia.hub.verification.recomputed import failure_differs, read_rows, rows_differ
from evidentia.hub.verification.reruns import job_of
from evidentia.hub.verification.scripts import FixedSeedsError, reseeded
from evidentia.sandbox import Sandbox, SandboxFailedError
from evidentia.workspace.records import Row, Value


@dataclass(frozen=True)
class Experiment:
    """What came out of a run. `reproduced` says whether a run as recorded gave the recorded rows (or failed as it had
    failed), and is None for a run with other seeds or conditions; `detail` says it in words."""

    rows: list[Row]
    stdout: str
    reproduced: bool | None
    detail: str
    seconds: float
    sandbox: str


def run_entry(
    package: Opened,
    index: int,
    sandbox: Sandbox,
    seeds: Sequence[int] | None = None,
    changes: Mapping[str, Value] | None = None,
) -> Experiment:
    """Run the script of the entry point at `index`, with `seeds` and `changes` to its conditions where they are given.

    Raises EvidentiaError when a varied script fails, cannot be varied so, or the sandbox fails; IntegrityError when
    the script is not the one that the manifest names.
    """
    entry, run = package.entries[index]
    script = read_file(package.path, package.manifest, entry.script).decode("utf-8", "replace")
    recorded = (not seeds or tuple(seeds) == run.evidence.seeds) and not changes
    try:
        if changes:
            script = recelled(script, run.experiment.cells, changes)
        if not recorded and seeds:
            script = reseeded(script, run.evidence.seeds, seeds)
    except (FixedCellsError, FixedSeedsError) as error:
        raise EvidentiaError(f"{entry.id} cannot be run so: {error}") from None
    try:
        outcome = sandbox.run(replace(job_of(package, index), script=script))
    except SandboxFailedError as error:
        raise EvidentiaError(f"{entry.id} could not be run here, which says nothing of it: {error}") from error
    if own_command(run):
        outcome = with_printed_rows(run, outcome)
    stdout = outcome.stdout.decode("utf-8", "replace")
    if recorded and not run.evidence.ok:
        problem = failure_differs(package, entry.id, run.evidence, outcome) if not outcome.ok else "it now ends well"
        rows: list[Row] = []
        told = problem or "it fails as it failed before"
        return Experiment(rows, stdout, problem is None, told, outcome.wall_seconds, outcome.level)
    if not outcome.ok:
        last = outcome.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        why = outcome.exceeded or " ".join([f"exit status {outcome.exit_status}", *last])
        raise EvidentiaError(f"{entry.id} failed: {why[:400]}")
    rows, unread = read_rows(outcome)
    if unread:
        raise EvidentiaError(f"{entry.id} failed: {unread}")
    if not recorded:
        return Experiment(rows, stdout, None, f"{len(rows)} rows", outcome.wall_seconds, outcome.level)
    problem = rows_differ(package, package.rows[index], rows)
    told = problem or f"{len(rows)} rows, as recorded"
    return Experiment(rows, stdout, problem is None, told, outcome.wall_seconds, outcome.level)
