"""Level 1, intact and grounded: nothing was changed since, and all that is said is held by recorded evidence."""

from __future__ import annotations

import math
from collections.abc import Iterator

from evidentia.errors import IntegrityError
from evidentia.hub.verification.attested import check_attestations
from evidentia.hub.verification.log import check_log
from evidentia.hub.verification.numbers import ungrounded, unquoted
from evidentia.hub.verification.opened import MALFORMED, ROWS, Opened, Result
from evidentia.hub.verification.plans import counted, sampled, vacuous
from evidentia.hub.verification.scripts import reads_results
from evidentia.hub.verification.told import environment, summary, tree
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.checks import evaluate
from evidentia.workspace.estimators import MissingRowsError
from evidentia.workspace.package.manifest import summarise
from evidentia.workspace.package.store import MANIFEST
from evidentia.workspace.records import Claim, Row, Status
from evidentia.workspace.secrets import find_secret
from evidentia.workspace.units import dimension


def check_intact(package: Opened) -> Iterator[Result]:
    """The checks of level 1."""
    yield _result("files", _files(package), "all files are those of the manifest")
    from evidentia.hub.imports.paper_check import check_record, is_record  # imports verify in their turn

    if is_record(package):
        yield from check_record(package)
        yield _result("secrets", _secrets(package), "no file holds a secret")
        yield check_attestations(package)
        return
    yield _result("evidence", _evidence(package), "every blob is the one the host took")
    for name, faults, fine in check_log(package):
        yield _result(name, faults, fine)
    yield _result("seeds", _seeds(package), "the rows are of the registered seeds and cells")
    yield _result("sample plan", sampled(package), "the seeds measured are those of the registered looks")
    yield _result("vacuous checks", vacuous(package), "every registered check can hold and can fail")
    yield _result("evidence counted", counted(package), "the claims rest on all measurements")
    yield _result("scripts", reads_results(package), "no script reads or carries what it is to find")
    yield _result("environment", environment(package), "the environment is recorded, and told as it is recorded")
    yield from (_result(f"claim {c.id}", _claim(package, c), _fine(c)) for c in package.branch.claims)
    for number, attack in enumerate(package.branch.attacks, start=1):
        for claim in attack.claims:
            yield _result(f"attack {number} on {claim.id}", _decided(package, claim), _fine(claim))
    yield _result("registered checks", _registered(package), "every claim is decided by the check registered for it")
    yield _result("results", _results(package), "every cell's mean and interval follow from the rows")
    yield _result("claims in prose", unquoted(package), "README.md and claims.md say what the claims say")
    yield _result("summary", summary(package), "abstract and unit of the manifest are those of PAPER.md and the metric")
    yield _result("numbers", ungrounded(package), "every number in prose and tables is a recorded one")
    yield _result("dead end", _dead_end(package), "failure mode and lesson are told where the branch did not hold")
    yield _result("tree", tree(package), "the exploration tree tells the branch's nodes")
    yield _result("secrets", _secrets(package), "no file holds a secret")
    yield check_attestations(package)


def _result(name: str, faults: Iterator[str], fine: str) -> Result:
    try:
        first = next(faults, None)
    except IntegrityError as error:
        first = str(error)
    except MALFORMED as error:
        first = f"a record lacks what it must have, or has it in another form: {type(error).__name__} {error}"
    return Result(1, name, first is None, fine if first is None else first)


def _fine(claim: Claim) -> str:
    return f"the check gives the stated value, interval and n over the recorded rows ({claim.status})"


def _files(package: Opened) -> Iterator[str]:
    listed, found = package.manifest.files, package.names()
    for name in sorted(listed.keys() - found):
        yield f"{name} is missing"
    for name in sorted(found - listed.keys()):
        yield f"{name} is not in the manifest"
    for name, digest in sorted(listed.items()):
        if (package.path / name).is_symlink() or ".." in name.split("/") or name.startswith("/"):
            yield f"{name} is not a plain file inside the package"
        elif sha256(package.read(name)) != digest:
            yield f"{name} was changed: its SHA-256 is not the manifest's"


def _evidence(package: Opened) -> Iterator[str]:
    for entry, run in package.entries:
        evidence = run.evidence
        held = {
            entry.script: evidence.script,
            f"evidence/logs/{entry.id}.stdout.txt": evidence.stdout,
            f"evidence/logs/{entry.id}.stderr.txt": evidence.stderr,
            f"evidence/manifests/{entry.id}.json": sha256(canonical(evidence.to_json()) + b"\n"),
        }
        if ROWS in evidence.outputs:
            held[f"evidence/rows/{entry.id}.jsonl"] = evidence.outputs[ROWS]
        for name, digest in held.items():
            if sha256(package.read(name)) != digest:
                yield f"{name} is not what the evidence of {entry.id} recorded"
        if run.experiment.script != evidence.script:
            yield f"{entry.id} was planned with another script than the one that ran"


def _seeds(package: Opened) -> Iterator[str]:
    for (entry, run), rows in zip(package.entries, package.rows, strict=True):
        name, experiment = f"evidence/rows/{entry.id}.jsonl", run.experiment
        if run.evidence.seeds != experiment.seeds:
            yield f"{entry.id} was planned with other seeds than its evidence names"
        if not run.evidence.ok:
            continue
        if len(rows) != run.evidence.row_count:
            yield f"{name} has {len(rows)} rows, the evidence counted {run.evidence.row_count}"
        for line, row in enumerate(rows, start=1):
            if row["seed"] not in experiment.seeds:
                yield f"{name}:{line}: the seed {row['seed']} was not registered"
            if not any(
                c.system == row["system"] and all(row.get(k, v) == v for k, v in c.conditions.items())
                for c in experiment.cells
            ):
                yield f"{name}:{line}: the row is of no registered cell"
        if missing := set(experiment.seeds) - {row["seed"] for row in rows}:
            yield f"{name} has no row of the registered seed {min(missing)}"


def recompute(claim: Claim, rows: list[Row]) -> Claim:
    """The claim as its check decides it over the rows."""
    try:
        found, status = evaluate(claim.check, rows)
    except MissingRowsError as error:
        changed: dict[str, object] = {"value": None, "ci": None, "sd": None, "n": 0, "status": "inconclusive"}
        return claim.model_copy(update={**changed, "note": str(error)})
    low, high = found.low, found.high
    ci = None if low is None or high is None or not math.isfinite(low) or not math.isfinite(high) else (low, high)
    return claim.model_copy(
        update={"value": found.value, "ci": ci, "sd": found.sd, "n": found.n, "status": status, "note": found.note}
    )


def _decided(package: Opened, claim: Claim) -> Iterator[str]:
    if not claim.evidence:
        yield f"{claim.id} names no evidence"
        return
    again = recompute(claim, package.rows_of(claim.evidence))
    for name in ("value", "n", "sd"):
        if not _same(getattr(claim, name), getattr(again, name)):
            yield f"{claim.id} states {name} {getattr(claim, name)}, the rows give {getattr(again, name)}"
    if (claim.ci is None) != (again.ci is None) or any(
        not _same(a, b) for a, b in zip(claim.ci or (), again.ci or (), strict=False)
    ):
        yield f"{claim.id} states the interval {claim.ci}, the rows give {again.ci}"
    if claim.status != again.status and not _downgraded(claim.status, again.status):
        yield f"{claim.id} is stated as {claim.status}, the rows give {again.status}"


def _downgraded(stated: Status, found: Status) -> bool:
    """A claim may be stated as less than its rows give: an attack can take it back."""
    return stated == "inconclusive" and found != "inconclusive"


def _same(stated: float | None, found: float | None) -> bool:
    """Equal but for the last bits, which differ between builds of the mathematical library."""
    if stated is None or found is None:
        return stated is found
    return math.isclose(stated, found, rel_tol=1e-12, abs_tol=1e-15)


def _claim(package: Opened, claim: Claim) -> Iterator[str]:
    yield from _decided(package, claim)
    check = claim.check
    versus = check.versus if check.versus != check.system else ""
    told, meant = (claim.metric, claim.system, claim.baseline), (check.metric, check.system, versus)
    for name, said, read in zip(("metric", "system", "baseline"), told, meant, strict=True):
        if said != read:
            yield f"{claim.id} states the {name} {said!r}, its check reads {read!r}"


def _registered(package: Opened) -> Iterator[str]:
    planned = package.branch.hypothesis.claims
    if package.branch.claims and len(package.branch.claims) != len(planned):
        yield f"{len(package.branch.claims)} claims are stated, {len(planned)} were registered"
        return
    for claim, plan in zip(package.branch.claims, planned, strict=False):
        for name in ("check", "unit", "tolerance", "statement", "kind", "headline", "conditions"):
            if getattr(claim, name) != getattr(plan, name):
                yield f"{claim.id} states another {name} than was registered"
        try:
            dimension(claim.unit)
        except ValueError as error:
            yield f"{claim.id}: {error}"


def _results(package: Opened) -> Iterator[str]:
    pairs = zip(package.branch.runs, package.rows, strict=True)
    measured = [row for run, rows in pairs if run.experiment.role == "measure" for row in rows]
    again = summarise(package.branch, measured)
    if len(again) != len(package.manifest.results):
        yield f"the manifest has {len(package.manifest.results)} cell results, the rows give {len(again)}"
    for stated, found in zip(package.manifest.results, again, strict=False):
        if (stated.system, stated.conditions, stated.n) != (found.system, found.conditions, found.n):
            yield f"the result of {stated.system} is stated for another cell or n than the rows give"
        ends = zip(
            (stated.mean, stated.sd, *(stated.ci or ())), (found.mean, found.sd, *(found.ci or ())), strict=False
        )
        if not all(_same(a, b) for a, b in ends) or (stated.ci is None) != (found.ci is None):
            yield f"the result of {stated.system} at {stated.conditions} is not what the rows give"


def _dead_end(package: Opened) -> Iterator[str]:
    branch = package.branch
    decided = {c.status for c in branch.claims if c.headline}
    due = "refuted" if "refuted" in decided else "supported" if decided == {"supported"} else "null"
    if not branch.claims:
        failed = any(not run.evidence.ok for run in branch.runs)
        due = "crashed" if branch.hypothesis.claims or failed else "null"
    if branch.outcome != due:
        yield f"the outcome is stated as {branch.outcome}, the claims give {due}"
    if branch.outcome == "supported":
        return
    if branch.dead_end is None and due == "null" and not branch.hypothesis.claims and branch.runs:
        return  # recorded without a claim: there was nothing that could have held or failed
    if branch.dead_end is None:
        yield f"the branch is {branch.outcome} and tells no dead end"
        return
    for name, text in (("failure mode", branch.dead_end.failure_mode), ("lesson", branch.dead_end.lesson)):
        if not text.strip():
            yield f"the dead end has no {name}"
        elif text not in package.text("README.md"):
            yield f"README.md does not tell the dead end's {name}"


def _secrets(package: Opened) -> Iterator[str]:
    for name in sorted({*package.names(), MANIFEST}):
        data = package.read(name)
        if found := find_secret(data):
            kind, place = found
            yield f"{name}:{data[:place].count(10) + 1}: holds {kind}"
