"""Level 5, replicated: re-implemented from statement and conditions alone, one condition changed, read by a person.

A re-implementation is a package of its own in the verifier's workspace whose registered hypothesis says
``replicates: ID`` in its trigger, so before any data. Nothing here runs code: that package was verified by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from evidentia.errors import IntegrityError
from evidentia.hub.verification.attested import trusted_by
from evidentia.hub.verification.opened import Opened, Result, open_package
from evidentia.hub.verification.recomputed import prediction
from evidentia.hub.verification.scripts import carried, imports
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import standings
from evidentia.workspace.package.reviews import FOLDER, read_reviews
from evidentia.workspace.package.store import MANIFEST, package_versions
from evidentia.workspace.records import Claim, Value

STATES = re.compile(r"\breplicates: (?P<id>[\w.-]+)")
LEAST_RUNG = 3


def check_replicated(package: Opened) -> Iterator[Result]:
    """The checks of level 5; what is missing is said in the failed ones."""
    found = [(name, *_judge(package, other)) for name, other in _replications(package)]
    best = next((item for item in found if not item[1]), found[0] if found else None)
    if best is None:
        need = (
            f"missing: a package, implemented from the statement and the conditions alone, whose registered hypothesis "
            f"says “replicates: {package.manifest.id}” in its trigger, with one pre-registered changed condition"
        )
        yield Result(5, "re-implementation", False, need)
    else:
        name, fault, told = best
        yield Result(5, "re-implementation", not fault, fault or f"{name}: {told}")
    yield _read_by_a_person(package)


def _replications(package: Opened) -> Iterator[tuple[str, Opened]]:
    """Every package of the workspace whose latest version says that it replicates this one."""
    if package.workspace is None:
        return
    stated = f"replicates: {package.manifest.id}".encode()
    for name in package.workspace.package_names():
        path = _latest(package.workspace, name)
        try:
            if path is None or name == package.manifest.id or stated not in (path / MANIFEST).read_bytes():
                continue
            other = open_package(path, package.workspace)
        except (OSError, IntegrityError):
            continue
        said = STATES.search(other.branch.hypothesis.trigger)
        if said and said["id"].rstrip(".") == package.manifest.id:
            yield name, other


def _latest(workspace: Workspace, name: str) -> Path | None:
    versions = package_versions(workspace.packages / name)
    return workspace.packages / name / f"v{versions[-1]}" if versions else None


def _judge(package: Opened, other: Opened) -> tuple[str, str]:
    """(why the other package does not replicate this one, or nothing; what it found)."""
    name = other.manifest.id
    assert package.workspace is not None
    standing = standings(package.workspace).get(name)
    rung = standing.rung if standing and standing.version == other.manifest.version else -1
    if rung < LEAST_RUNG:
        return f"{name} is verified to L{max(rung, 0)} only: evidentia verify {name} --rung {LEAST_RUNG}", ""
    if fault := next(_copied(package, other), None):
        return f"{name}: {fault}", ""
    changed: list[str] = []
    for claim in package.branch.claims:
        if not claim.headline or claim.value is None:
            continue
        if fault := _outside(claim, other):
            return f"{name}: {fault}", ""
        changed += [c for again in other.branch.claims if (c := _changed(claim, again))]
    if not changed:
        return f"{name} tests no claim with exactly one condition changed", ""
    return "", f"all headline claims hold again, and {changed[0]} was changed"


def _copied(package: Opened, other: Opened) -> Iterator[str]:
    """Signs that the re-implementation knew the code or the values."""
    scripts = {run.experiment.script for run in package.branch.runs}
    metrics = {c.metric for c in package.branch.claims}
    values = {float(r[m]) for rows in package.rows for r in rows for m in metrics if isinstance(r.get(m), float)}
    values |= {c.value for c in package.branch.claims if c.value is not None}
    for entry, run in other.entries:
        text = other.text(entry.script)
        if run.experiment.script in scripts:
            yield f"{entry.script} is the script it should re-implement"
        try:
            if "evidentia" in imports(text):
                yield f"{entry.script} imports evidentia: it runs the same code"
        except (SyntaxError, ValueError, RecursionError):
            yield f"{entry.script} is not Python, so what it runs cannot be told"
        for line, number in carried(text, values):
            yield f"{entry.script}:{line}: carries the value {number} of the original"


def _outside(claim: Claim, other: Opened) -> str:
    """Why the re-implementation does not confirm a claim; empty if it does."""
    same = [c for c in other.branch.claims if _alike(claim, c) and dict(c.conditions) == dict(claim.conditions)]
    if not same:
        return f"no claim is {claim.id}'s, with its metric, systems and conditions"
    again = same[0]
    assert claim.value is not None
    if again.value is None or {again.status, claim.status} == {"supported", "refuted"}:
        return f"{claim.id}: expected {claim.status}, got {again.status}"
    low, high = prediction(claim, seeds=max(1, again.n))
    if abs(again.value - claim.value) <= claim.tolerance or low <= again.value <= high:
        return ""
    return (
        f"{claim.id}: expected {claim.value:.6g} {claim.unit}, got {again.value:.6g}: outside the tolerance "
        f"{claim.tolerance:g} and the prediction interval {low:.6g} to {high:.6g}"
    )


def _alike(claim: Claim, again: Claim) -> bool:
    told = ("metric", "unit", "system", "baseline")
    return all(getattr(claim, name) == getattr(again, name) for name in told)


def _changed(claim: Claim, again: Claim) -> str:
    """The one condition in which a decided claim differs from another; empty if there is not exactly one."""
    if not _alike(claim, again) or again.value is None or claim.conditions.keys() != again.conditions.keys():
        return ""
    moved: list[tuple[str, Value]] = [(k, v) for k, v in again.conditions.items() if claim.conditions[k] != v]
    return f"{moved[0][0]} to {moved[0][1]}" if len(moved) == 1 else ""


def _read_by_a_person(package: Opened) -> Result:
    name = "human review"
    held, faults = read_reviews(package.path, trusted_by(package.workspace))
    for signed in held:
        if wrong := [c.claim for c in signed.review.claims if c.verdict == "wrong"]:
            told = f"{FOLDER}/{signed.path.name}: {signed.review.reviewer} finds {', '.join(wrong)} wrong"
            return Result(5, name, False, told)
    people = [signed for signed in held if signed.review.kind == "person"]
    if people:
        return Result(5, name, True, f"{len(people)} signed, without a “wrong” verdict")
    faults += [f"{signed.path.name}: it is not a person's" for signed in held]
    need = f"missing: a signed review by a person without a “wrong” verdict: evidentia review {package.manifest.id}"
    return Result(5, name, False, "; ".join((need, *(f"{FOLDER}/{fault}" for fault in faults[:1]))))
