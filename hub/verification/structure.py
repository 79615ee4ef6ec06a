"""Level 0, published: the manifest is one, all ids and references resolve, the layout is ARA's, there is a licence."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from evidentia.hub.verification.opened import Opened, Result
from evidentia.workspace.package.store import MANIFEST
from evidentia.workspace.package.validator import lint

LICENCES = ("Apache-2.0", "CC-BY-4.0")
CITATION = "CITATION.cff"
REQUIRED = ("cff-version", "message", "title", "authors")
"""The keys that the Citation File Format 1.2.0 requires."""


def check_structure(package: Opened) -> Iterator[Result]:
    """The checks of level 0."""
    same = (package.path / MANIFEST).read_bytes() == package.manifest.to_bytes()
    told = "it is the canonical text of its content" if same else "it is not: a key is doubled, or a type is another"
    yield Result(0, "canonical manifest", same, told)
    faults = list(_references(package))
    yield Result(0, "references", not faults, faults[0] if faults else "all ids and references resolve")
    findings = lint(package.path)
    yield Result(0, "layout", not findings, str(findings[0]) if findings else "well-formed ARA")
    fault = next(_licence(package), None)
    yield Result(0, "licence", fault is None, fault or package.manifest.licence)
    fault = next(_citation(package), None)
    yield Result(0, "citation", fault is None, fault or "CITATION.cff says how to cite it")


def _licence(package: Opened) -> Iterator[str]:
    if missing := [name for name in LICENCES if name not in package.manifest.licence]:
        yield f"the manifest's licence does not name {', '.join(missing)}"
    if "LICENSE" in package.manifest.files and not (package.path / "LICENSE").is_file():
        yield "LICENSE is missing"


def _citation(package: Opened) -> Iterator[str]:
    if not (package.path / CITATION).is_file():
        yield f"{CITATION} is missing"
        return
    try:
        said = yaml.safe_load(package.text(CITATION))
    except yaml.YAMLError as error:
        yield f"{CITATION} is not YAML: {str(error).splitlines()[0]}"
        return
    for key in REQUIRED:
        if not isinstance(said, dict) or not said.get(key):
            yield f"{CITATION} lacks {key}"
            return
    if said["title"] != package.manifest.title:
        yield f"{CITATION} is for {said['title']!r}, the manifest's title is {package.manifest.title!r}"


def _references(package: Opened) -> Iterator[str]:
    manifest, branch = package.manifest, package.branch
    told = (manifest.title, manifest.question, manifest.outcome, manifest.run, manifest.created, manifest.mind)
    meant = (branch.hypothesis.title, branch.question, branch.outcome, branch.run, branch.created, branch.mind)
    for name, said, held in zip(("title", "question", "outcome", "run", "created", "mind"), told, meant, strict=True):
        if said != held:
            yield f"the manifest's {name} is {said!r}, its branch says {held!r}"
    held_claims = [c.to_json() for c in branch.claims]
    for shown, meant_claim in zip(manifest.claims, held_claims, strict=False):
        for key, value in meant_claim.items():
            if shown.get(key) != value:
                told_value = f"shows {key} {shown.get(key)!r}, its branch says {value!r}"
                yield f"the manifest's claim {meant_claim['id']} {told_value}"
    if [c.get("id") for c in manifest.claims] != [c["id"] for c in held_claims]:
        yield "the manifest's claims are not those of its branch"
    known = [run.evidence.id for run in branch.runs]
    for doubled in {i for i in known if known.count(i) > 1}:
        yield f"the evidence {doubled[:12]}… is listed twice"
    decided = [*branch.claims, *(c for a in branch.attacks for c in a.claims)]
    for claim in decided:
        for evidence in claim.evidence:
            if evidence not in known:
                yield f"the claim {claim.id} names the evidence {evidence[:12]}…, which the package does not hold"
    yield from _reviews_and_nodes(package)
    if len(manifest.entry_points) != len(branch.runs):
        yield f"{len(manifest.entry_points)} entry points for {len(branch.runs)} runs"
        return
    for entry, run in package.entries:
        if run.experiment.hypothesis != branch.hypothesis.id:
            yield f"{entry.id} belongs to the hypothesis {run.experiment.hypothesis}, not {branch.hypothesis.id}"
        if run.evidence.experiment != run.experiment.id:
            yield f"the evidence of {entry.id} is of the experiment {run.evidence.experiment}, not {run.experiment.id}"
        if entry.evidence != run.evidence.id:
            yield f"{entry.id} names the evidence {entry.evidence[:12]}…, its run has {run.evidence.id[:12]}…"
        if entry.script not in manifest.files:
            yield f"{entry.id} names the script {entry.script}, which the package does not hold"


def _reviews_and_nodes(package: Opened) -> Iterator[str]:
    branch = package.branch
    ids = {c.id for c in branch.claims}
    for review in branch.reviews:
        for said in review.claims:
            if said.claim not in ids:
                yield f"the review by {review.reviewer} names the claim {said.claim}, which there is not"
    nodes = {n.id for n in (*branch.path, *branch.siblings)}
    for node in (*branch.path, *branch.siblings):
        if node.parent is not None and node.parent not in nodes:
            yield f"the node {node.id} names the parent {node.parent}, which there is not"
