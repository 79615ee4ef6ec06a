"""Level 4, reproduced: another key, on another machine, with seeds that nobody has used, finds the same values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from evidentia.errors import BadInputError
from evidentia.hub.verification.attested import Attested, attestations, machine, manifest_digest, used_offsets
from evidentia.hub.verification.intact import recompute
from evidentia.hub.verification.opened import Opened, Result
from evidentia.hub.verification.recomputed import (
    CONFIDENCE,
    LEAST_SEEDS,
    failure_differs,
    prediction,
    read_rows,
    timed_metrics,
    told_value,
)
from evidentia.hub.verification.reruns import job_of, run_all
from evidentia.hub.verification.scripts import FixedSeedsError, reseeded
from evidentia.sandbox import Job, Outcome, Sandbox
from evidentia.workspace.records import Claim, Row, Run

OPERATOR = "another operator"
STEP = 1_000_000
MOST = 2**32 - 1
"""The largest seed that every generator takes."""


@dataclass(frozen=True)
class Verifier:
    """Who verifies: the id of the key, empty where there is none, and the shift of the seeds."""

    keyid: str
    seed_offset: int


def fresh_offset(package: Opened, wanted: int | None) -> int:
    """The shift that level 4 gives the registered seeds: the one wanted, or the next nobody has used.

    Raises BadInputError when the wanted one leads to seeds that were used, or that are no seeds.
    """
    measured = [s for run in _measures(package) for s in run.experiment.seeds]
    seen = {s for run in package.branch.runs for s in run.experiment.seeds}
    for offset in used_offsets(attestations(package)):
        seen |= {s + offset for s in measured}
    if wanted is None:
        offset = STEP
        while any(s + offset in seen for s in measured):
            offset += STEP
        return offset
    if used := sorted({s + wanted for s in measured} & seen):
        raise BadInputError(f"--seed-offset {wanted} leads to the seed {used[0]}, which was already used; take another")
    if any(not 0 <= s + wanted <= MOST for s in measured):
        raise BadInputError(f"--seed-offset {wanted} leads out of the seeds from 0 to {MOST}; take another")
    return wanted


def check_reproduced(package: Opened, sandbox: Sandbox, verifier: Verifier) -> Iterator[Result]:
    """The checks of level 4: the claims on other seeds, and who found them so."""
    offset = verifier.seed_offset
    jobs: list[Job | None] = []
    for index, (entry, run) in enumerate(package.entries):
        if run.experiment.role != "measure":
            jobs.append(None)
            continue
        job, seeds = job_of(package, index), run.experiment.seeds
        try:
            jobs.append(replace(job, script=reseeded(job.script, seeds, [s + offset for s in seeds])))
        except FixedSeedsError as error:
            yield Result(4, f"other seeds of {entry.id}", False, f"{entry.script} cannot be given other seeds: {error}")
            return
    if not any(jobs):
        yield Result(4, "other seeds", False, "the package holds no measurement that could be repeated")
        return
    outcomes = run_all(sandbox, jobs, [run.experiment.exclusive for run in package.branch.runs])
    fresh: dict[str, list[Row]] = {}
    for index, outcome in enumerate(outcomes):
        if outcome is not None:
            entry, run = package.entries[index]
            rows, problem = _again(package, index, outcome, offset)
            fresh[run.evidence.id] = rows
            told = f"{len(rows)} rows of the seeds shifted by {offset}" if rows else "it fails in the same way"
            yield Result(4, f"other seeds of {entry.id}", problem is None, problem or told)
    decided = [c for c in package.branch.claims if c.value is not None]
    for claim in package.branch.claims:
        again = recompute(claim, [row for e in claim.evidence for row in fresh.get(e, [])])
        problem = unlike(claim, again, claims=len(decided))
        told = f"stated {claim.status}, {told_value(claim)}; with other seeds {again.status}, {told_value(again)}"
        yield Result(4, f"claim {claim.id}", problem is None, problem or told)
    yield _operator(package, verifier.keyid)


def unlike(stated: Claim, again: Claim, *, claims: int = 1) -> str | None:
    """Why other seeds do not confirm the claim; None if they do.

    The value must lie inside the tolerance or the 95 % prediction interval for the mean of as many other seeds, the
    5 % shared among `claims`; and the opposite verdict must not come out.
    """
    if {stated.status, again.status} == {"supported", "refuted"}:
        values = f"({told_value(stated)} and {told_value(again)})"
        return f"expected {stated.status}, got {again.status} {values}, tolerance {stated.tolerance:g}"
    if stated.value is None or again.value is None:
        return None if stated.value is again.value else f"expected {told_value(stated)}, got {told_value(again)}"
    if abs(again.value - stated.value) <= stated.tolerance:
        return None
    told = f"expected {told_value(stated)}, got {told_value(again)}: outside the tolerance {stated.tolerance:g}"
    if stated.n < LEAST_SEEDS:
        return f"{told}, and {stated.n} seeds predict nothing"
    low, high = prediction(stated, seeds=max(1, again.n), confidence=1 - (1 - CONFIDENCE) / max(1, claims))
    if low <= again.value <= high:
        return None
    return f"{told} and the prediction interval {low:.6g} to {high:.6g}"


def _measures(package: Opened) -> list[Run]:
    return [run for run in package.branch.runs if run.experiment.role == "measure"]


def _again(package: Opened, index: int, outcome: Outcome, offset: int) -> tuple[list[Row], str | None]:
    """The rows with other seeds, and what is wrong with them."""
    entry, run = package.entries[index]
    if not run.evidence.ok:
        if outcome.ok:
            return [], f"{entry.id} failed with the registered seeds and does not fail with others"
        return [], failure_differs(package, entry.id, run.evidence, outcome)
    rows, problem = read_rows(outcome)
    if not outcome.ok or problem:
        return [], f"expected exit status 0, got {outcome.exceeded or outcome.exit_status}: {problem or 'it failed'}"
    return rows, _not_shifted(package, package.rows[index], rows, offset)


def _not_shifted(package: Opened, recorded: Sequence[Row], rows: Sequence[Row], offset: int) -> str | None:
    """The first row that is not the recorded one with its seed shifted; or that the seed changed no measurement."""
    columns = _cell_columns(package)
    for line, (old, new) in enumerate(zip(recorded, rows, strict=False), start=1):
        due = {**{name: old.get(name) for name in columns}, "seed": int(old["seed"]) + offset}
        for name, value in due.items():
            if new.get(name) != value:
                return f"first diverging line {line}: expected {name} {value}, got {new.get(name)}"
    if len(recorded) != len(rows):
        first = min(len(recorded), len(rows)) + 1
        return f"first diverging line {first}: expected {len(recorded)} rows, got {len(rows)}"
    metrics = {c.metric for c in package.branch.claims} | {package.branch.hypothesis.metric}
    for metric in sorted(metrics - timed_metrics(package)):
        was, now = ([row.get(metric) for row in found] for found in (recorded, rows))
        if was == now and _varies(recorded, metric, columns):
            return f"{metric} is the recorded one to the last digit in all {len(was)} rows: the seed changes nothing"
    return None


def _cell_columns(package: Opened) -> tuple[str, ...]:
    return ("system", *sorted({name for cell in package.branch.hypothesis.cells for name in cell.conditions}))


def _varies(rows: Sequence[Row], metric: str, columns: Sequence[str]) -> bool:
    """Whether the metric differs between two rows of one cell: between seeds, that is."""
    first: dict[str, object] = {}
    return any(
        first.setdefault(repr([row.get(c) for c in columns]), row.get(metric)) != row.get(metric) for row in rows
    )


def _operator(package: Opened, keyid: str) -> Result:
    """Whether key and machine are others than those of the run and of the first attestation."""
    first = _first(package)
    if package.native:
        fault = "the run was made in this workspace: the same operator"
    elif not keyid:
        fault = "there is no workspace whose key could say who verified: name one with --workspace"
    elif first is None:
        fault = "nobody has attested the first run, so nothing shows that it was another's"
    elif first.keyid == keyid:
        fault = f"{first.name} is by this very key: the same operator"
    elif not first.trusted:
        fault = (
            f"{first.name} is by the unknown key {first.keyid[:16]}…; if you know whose it is: --trust {first.keyid}"
        )
    elif not first.machine or first.machine == machine():
        fault = f"{first.name} was made on this very machine: the same operator"
    else:
        told = f"{first.name} is by the key {first.keyid[:16]}… on another machine"
        return Result(4, OPERATOR, True, told)
    return Result(4, OPERATOR, False, fault)


def _first(package: Opened) -> Attested | None:
    digest = manifest_digest(package.path)
    passed = (a for a in attestations(package) if a.subject == digest and a.predicate.get("verdict") == "passed")
    return next(passed, None)
