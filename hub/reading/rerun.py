"""One claim run again in the sandbox: its experiments, its rows, its value. Nothing is written anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evidentia.errors import BadInputError, EvidentiaError
from evidentia.hub.reading.located import read_file
from evidentia.hub.verification.commands import not_again, own_command, with_printed_rows
from evidentia.hub.verification.intact import recompute
from evidentia.hub.verification.ladder import cards_for, refuse_weak, sandboxed
from evidentia.hub.verification.opened import Opened, open_package
from evidentia.hub.verification.recomputed import disagreement, read_rows, rows_differ, timed_metrics, told_value
from evidentia.hub.verification.reruns import job_of, run_all
from evidentia.sandbox import Sandbox, SandboxFailedError
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import Claim, Row


@dataclass(frozen=True)
class Compared:
    """One experiment run again: whether its rows are the recorded ones, and if not, where they begin to differ."""

    entry: str
    identical: bool
    rows: int
    detail: str
    seconds: float


@dataclass(frozen=True)
class Rerun:
    """A claim as stated and as it comes out again. `confirmed` says that the verdict is the same and the value lies
    within the claim's tolerance (for a timed metric: its prediction interval); `detail` says so in words."""

    claim: Claim
    again: Claim
    confirmed: bool
    detail: str
    runs: tuple[Compared, ...]
    sandbox: str


def rerun_claim(workspace: Workspace, path: Path, name: str, sandbox: Sandbox | None = None) -> Rerun:
    """Run a claim's experiments again from the package alone and decide the claim over the new rows.

    Raises BadInputError for an unknown claim, one without rows that can be run again, and foreign code where the
    sandbox is weak or it would get this machine's graphics cards; IntegrityError when a script was changed;
    EvidentiaError when the sandbox itself fails.
    """
    package = open_package(path, workspace)
    claim = next((c for c in package.branch.claims if c.id == name), None)
    if claim is None:
        known = ", ".join(c.id for c in package.branch.claims) or "none"
        raise BadInputError(f"no claim {name[:80]!r} in {package.manifest.id}; it has {known}")
    wanted = [i for i, run in enumerate(package.branch.runs) if run.evidence.id in claim.evidence and run.evidence.ok]
    if not wanted:
        raise BadInputError(f"{claim.id} of {package.manifest.id} rests on no run that ended well")
    for index in wanted:
        if why := not_again(package, index):
            raise BadInputError(f"{package.entries[index][0].id} of {package.manifest.id}: {why}")
    refuse_weak(path, workspace)
    cards = cards_for(path, workspace, allowed=False)
    with sandboxed(None if cards else sandbox, workspace, needed=True, devices=cards) as box:
        assert box is not None
        return _decided(package, claim, wanted, box)


def _decided(package: Opened, claim: Claim, wanted: list[int], sandbox: Sandbox) -> Rerun:
    jobs = []
    for index in wanted:
        read_file(package.path, package.manifest, package.entries[index][0].script)
        jobs.append(job_of(package, index))
    try:
        outcomes = run_all(sandbox, jobs, [package.branch.runs[i].experiment.exclusive for i in wanted])
    except SandboxFailedError as error:
        raise EvidentiaError(f"the claim could not be run again here, which says nothing of it: {error}") from error
    fresh: list[Row] = []
    compared = []
    for index, outcome in zip(wanted, outcomes, strict=True):
        assert outcome is not None
        entry, run = package.entries[index]
        if own_command(run):
            outcome = with_printed_rows(run, outcome)
        rows, problem = read_rows(outcome)
        if not outcome.ok:
            problem = outcome.exceeded or f"it ended with exit status {outcome.exit_status}, signal {outcome.signal}"
        problem = problem or rows_differ(package, package.rows[index], rows)
        told = problem or f"{len(rows)} rows come out again"
        compared.append(Compared(entry.id, problem is None, len(rows), told, round(outcome.wall_seconds, 3)))
        fresh += rows
    again = recompute(claim, fresh)
    problem = disagreement(claim, again, timed=claim.metric in timed_metrics(package))
    detail = problem or f"stated {told_value(claim)}, the re-run gives {told_value(again)}"
    level = next(o.level for o in outcomes if o is not None)
    return Rerun(claim, again, problem is None, detail, tuple(compared), level)
