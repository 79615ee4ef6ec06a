"""A finding that others described, without evidence this project could check, as a package of the workspace.

Its claims keep the status their authors state, with a note that nothing decided it here; its rung is what the
ladder gives it. Nothing is made up: what has no counterpart is listed in ``IMPORT.md``.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from evidentia.hub.exports.placing import fill
from evidentia.hub.imports.guard import guarded
from evidentia.hub.imports.receipt import INTACT, Receipt, changes_since, take_in
from evidentia.hub.verification import verify
from evidentia.workspace.canonical import content_id
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.package.store import MANIFEST, hashes, package_versions, write_package
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import (
    Branch,
    Check,
    Citation,
    Claim,
    DeadEnd,
    Expectation,
    Hypothesis,
    Node,
    Outcome,
    SamplePlan,
    Status,
)

MIND = "import"
RUN = "import"
NOTE = "as its authors state it; nothing decided it here"
UNKNOWN_DATE = "1970-01-01T00:00:00.000+00:00"
LIST, CITATION, README = "IMPORT.md", "CITATION.cff", "README.md"
ADDED_LICENCE = "Apache-2.0 for code, CC-BY-4.0 for text and data that the import added"


@dataclass(frozen=True)
class Described:
    """What was read of a description: its fields in our terms, its files, and what could not be mapped.

    `source` is where it was read; `identity` tells it from others and stays the same over its versions; `licence` is
    empty where none is stated.
    """

    source: str
    form: str
    identity: tuple[str, ...]
    title: str
    question: str
    abstract: str
    created: str
    category: str
    tags: tuple[str, ...]
    licence: str
    authors: tuple[str, ...]
    falsification: str
    claims: tuple[Claim, ...]
    nodes: tuple[Node, ...]
    citations: tuple[Citation, ...]
    files: dict[str, bytes]
    unmapped: tuple[str, ...]


def slug(text: str) -> str:
    """A text as part of an id."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].rstrip("-") or "import"


def stated_claim(
    identity: str,
    statement: str,
    status: Status,
    *,
    kind: str = "descriptive",
    metric: str = "",
    system: str = "",
    baseline: str = "",
    workload: str = "",
    value: float | None = None,
    unit: str = "1",
    n: int = 0,
    ci: tuple[float, float] | None = None,
    tolerance: float = 0.0,
    conditions: dict[str, int | float | str | bool] | None = None,
    higher_is_better: bool = True,
) -> Claim:
    """A claim as others state it. Its check says that the mean lies within the stated tolerance of the value."""
    expect = Expectation(relation="precise", high=tolerance)
    if value is not None:
        expect = Expectation(relation="inside", low=value - tolerance, high=value + tolerance)
    check = Check(
        estimator="mean",
        metric=metric,
        system=system,
        where=conditions or {},
        higher_is_better=higher_is_better,
        expect=expect,
    )
    return Claim(
        id=identity,
        statement=statement,
        kind=kind,
        metric=metric,
        system=system,
        baseline=baseline,
        workload=workload,
        value=value,
        unit=unit,
        n=n,
        sd=None,
        ci=ci,
        tolerance=tolerance,
        headline=True,
        conditions=conditions or {},
        status=status,
        note=NOTE,
        evidence=(),
        check=check,
    )


def import_described(workspace: Workspace, described: Described) -> Receipt:
    """Write the package, or its next version where it says something else than the latest, and publish it.

    Raises BadInputError when the disk refuses.
    """
    package = f"{slug(described.title)}-{content_id([described.form, *described.identity], 8)}"
    before = package_versions(workspace.packages / package)
    _rehearse(workspace, described, package)
    version, path = write_package(workspace, package, partial(_made, described, package))
    rung, failed = take_in(workspace, package, version, form=described.form)
    new = version not in before
    changed = changes_since(workspace, package, version) if new else ()
    return Receipt(package, version, path, described.form, new, rung, failed, (), described.unmapped, changed)


def _rehearse(workspace: Workspace, described: Described, package: str) -> None:
    """Verify the package aside, so that one which no verifier can read is refused before it is written."""
    workspace.packages.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".importing-", dir=workspace.packages) as staging:
        folder = Path(staging) / package / "v1"
        manifest, files = _made(described, package, 1)
        fill(folder, {**files, MANIFEST: manifest.to_bytes()})
        guarded(Path(described.source), lambda: verify(folder, None, INTACT))


def _made(described: Described, package: str, version: int) -> tuple[Manifest, dict[str, bytes]]:
    files = {name: data for name, data in described.files.items() if name != MANIFEST}
    files[LIST] = _list(described)
    files.setdefault(CITATION, _citation(described, version))
    branch = _branch(described)
    files.setdefault(README, _readme(described, branch))
    stated = f"{described.licence} for what was imported, as it states; {ADDED_LICENCE}"
    manifest = Manifest(
        id=package,
        version=version,
        title=described.title,
        question=described.question,
        abstract=described.abstract,
        outcome=branch.outcome,
        category=described.category,
        tags=tuple(dict.fromkeys([*described.tags, "imported"])),
        run=RUN,
        created=described.created,
        mind=MIND,
        generator=f"import of {described.form}",
        licence=stated if described.licence else "the source states no licence",
        unit=described.claims[0].unit if described.claims else "1",
        branch=branch,
        claims=tuple(c.to_json() for c in branch.claims),
        results=(),
        entry_points=(),
        templates={},
        files=hashes(files),
    )
    return manifest, files


def _branch(described: Described) -> Branch:
    statuses = {c.status for c in described.claims}
    outcome: Outcome = "refuted" if "refuted" in statuses else "supported" if statuses == {"supported"} else "null"
    path, others = _path(described.nodes)
    end = next((n for n in (*path, *others) if n.type == "dead_end"), None)
    told = end.fields if end else {}
    ended = end is not None and outcome != "supported"
    return Branch(
        run=RUN,
        question=described.question,
        created=described.created,
        mind=MIND,
        hypothesis=Hypothesis(
            form="record",
            title=described.title,
            statement=described.claims[0].statement if described.claims else described.title,
            rationale="Others state it; it was taken in as they describe it, registered nowhere before its data.",
            family="imported",
            metric=described.claims[0].metric if described.claims else "",
            systems=tuple(dict.fromkeys(c.system for c in described.claims if c.system)),
            conditions={},
            cells=(),
            claims=(),
            smallest_effect=0.0,
            effect="difference",
            falsification=described.falsification,
            sample_plan=SamplePlan(looks=()),
        ),
        outcome=outcome,
        runs=(),
        claims=described.claims,
        attacks=(),
        reviews=(),
        citations=described.citations,
        dead_end=DeadEnd(**{k: str(told[k]) for k in ("hypothesis", "failure_mode", "lesson")}) if ended else None,
        path=path,
        siblings=others,
        limits=("Imported: no run of it was recorded in a form that could be checked here.",),
    )


def _path(nodes: tuple[Node, ...]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """The way from the root to the deepest node (the first of them), and all other nodes."""
    by_id = {n.id: n for n in nodes}

    def way(node: Node) -> tuple[Node, ...]:
        found = [node]
        while found[-1].parent in by_id and len(found) <= len(nodes):
            found.append(by_id[str(found[-1].parent)])
        return tuple(reversed(found))

    path = max((way(n) for n in nodes), key=len, default=())
    return path, tuple(n for n in nodes if n not in path)


def _list(described: Described) -> bytes:
    lines = [
        "# What this package was made from",
        "",
        f"Imported from {described.form}. Claims keep the status their authors state; nothing was run here.",
        "",
        "## What could not be mapped",
        "",
        *(f"- {line}" for line in described.unmapped or ("nothing: all of it has a counterpart",)),
    ]
    return ("\n".join(lines) + "\n").encode()


def _readme(described: Described, branch: Branch) -> bytes:
    claims = [f"- {c.id} is {c.status}, {quantity(c)}: {c.statement}" for c in described.claims]
    lines = [f"# {described.title}", "", described.abstract, "", "## Claims", "", *(claims or ["None."])]
    if end := branch.dead_end:
        lines += ["", "## Dead end", "", f"- Failure mode: {end.failure_mode}", f"- Lesson: {end.lesson}"]
    lines += ["", f"Imported from {described.form}; see `{LIST}`."]
    return ("\n".join(lines) + "\n").encode()


def _citation(described: Described, version: int) -> bytes:
    about = {
        "cff-version": "1.2.0",
        "message": "If you use this package, please cite it.",
        "title": described.title,
        "type": "dataset",
        "authors": [{"name": name} for name in described.authors or ("unknown",)],
        "version": str(version),
        "date-released": described.created[:10],
    }
    if re.fullmatch(r"[A-Za-z0-9.+-]+", described.licence):
        about["license"] = described.licence
    text: str = yaml.safe_dump(about, sort_keys=False, allow_unicode=True)
    return text.encode()
