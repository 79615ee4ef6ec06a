"""Level 1: what the package's texts tell of summary, environment and tree is what its records hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from evidentia.hub.verification.opened import Opened
from evidentia.kernels import registry

ENVIRONMENT = "src/environment.md"
PAPER = "PAPER.md"
TREE = "trace/exploration_tree.yaml"
FIELDS = ("python", "platform", "processor", "sandbox")


def environment(package: Opened) -> Iterator[str]:
    """Every field of an environment that was not recorded, and what the text says of the first one otherwise."""
    for entry, run in package.entries:
        for name in FIELDS:
            if not str(getattr(run.evidence.environment, name)).strip():
                yield f"the environment of {entry.id} does not say its {name}"
    if not package.branch.runs:
        return
    recorded = package.branch.runs[0].evidence.environment
    for line, text in enumerate(package.text(ENVIRONMENT).splitlines(), start=1):
        told = re.match(r"- (Runtime|Hardware|Sandbox|Dependencies): (.*)", text)
        if told is None:
            continue
        label, said = told[1], told[2].strip()
        due = {
            "Runtime": f"Python {recorded.python} on {recorded.platform}",
            "Hardware": recorded.processor,
            "Sandbox": f"level {recorded.sandbox}",
        }.get(label)
        if due is not None and said != due.strip():
            yield f"{ENVIRONMENT}:{line}: environment drift: it says {said!r}, recorded was {due!r}"
        for name, version in re.findall(r"([\w.-]+) (\d[\w.+!-]*)", said) if label == "Dependencies" else ():
            if recorded.packages.get(name) != version:
                was = recorded.packages.get(name) or "nothing"
                yield f"{ENVIRONMENT}:{line}: environment drift: it says {name} {version}, recorded was {was}"


def summary(package: Opened) -> Iterator[str]:
    """Where the manifest's abstract is not the one of PAPER.md, whose numbers are checked, or its unit is not the
    metric's."""
    front = re.match(r"---\n(.*?)\n---\n", package.text(PAPER), re.S)
    said = yaml.safe_load(front[1]).get("abstract") if front else None
    if said is not None and str(said).split() != package.manifest.abstract.split():
        yield f"the manifest's abstract is not the one of {PAPER}"
    hypothesis = package.branch.hypothesis
    try:
        unit = registry.family(hypothesis.family).metric(hypothesis.metric).unit
    except KeyError:
        return
    if package.manifest.unit != unit:
        yield f"the manifest's unit is {package.manifest.unit!r}, that of {hypothesis.metric} is {unit!r}"


def tree(package: Opened) -> Iterator[str]:
    """Every node of the branch that the tree tells otherwise or not at all, and every one it adds."""
    branch = package.branch
    found = list(_nodes(yaml.safe_load(package.text(TREE)).get("tree")))
    for node in (*branch.path, *branch.siblings):
        fields = {k: list(v) if isinstance(v, tuple) else v for k, v in node.fields.items()}
        same = [n for n in found if (n.get("type"), n.get("title")) == (node.type, node.title)]
        if not same:
            yield f"{TREE} does not tell the {node.type.replace('_', ' ')} {node.title!r}"
        for name, value in fields.items():
            if same and all(n.get(name) != value for n in same):
                yield f"{TREE}: the {node.type.replace('_', ' ')} {node.title!r} tells another {name}"
    held = {(n.type, n.title) for n in (*branch.path, *branch.siblings)}
    for told in found:
        if (told.get("type"), told.get("title")) not in held:
            yield f"{TREE} tells a node that the branch does not hold: {told.get('title')!r}"


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """All nodes of a nested tree; its form was checked on level 0."""
    for node in value if isinstance(value, list) else ():
        if isinstance(node, dict):
            yield node
            yield from _nodes(node.get("children"))
