"""The ARA level-1 linter: structure, labels, references, tables, tree. Reports file, line, rule and mend."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MANDATORY = (
    "PAPER.md",
    "logic/problem.md",
    "logic/claims.md",
    "logic/concepts.md",
    "logic/experiments.md",
    "logic/solution/constraints.md",
    "logic/related_work.md",
    "src/environment.md",
    "src/artifacts.md",
    "trace/exploration_tree.yaml",
    "evidence/README.md",
    "evidence/logs/log_pointers.md",
)
FOLDERS = ("src/execution", "src/configs", "evidence/tables", "evidence/figures", "evidence/results")
LABELS: dict[str, dict[str, tuple[str, ...]]] = {
    "logic/problem.md": {
        r"### O\d+": ("Statement", "Evidence", "Implication"),
        r"### G\d+": ("Statement", "Caused by", "Existing attempts", "Why they fail"),
    },
    "logic/claims.md": {
        r"## C\d+": (
            "Statement",
            "Conditions",
            "Sources",
            "Status",
            "Falsification criteria",
            "Proof",
            "Evidence basis",
            "Dependencies",
            "Tags",
        )
    },
    "logic/experiments.md": {
        r"## E\d+": (
            "Verifies",
            "Evidence",
            "Run",
            "Setup",
            "Procedure",
            "Metrics",
            "Expected outcome",
            "Baselines",
            "Dependencies",
        )
    },
    "logic/related_work.md": {r"## RW\d+": ("DOI", "Type", "Delta", "Claims affected", "Adopted elements")},
}
NODE_FIELDS = {
    "question": ("description",),
    "experiment": ("result",),
    "dead_end": ("hypothesis", "failure_mode", "lesson"),
    "decision": ("choice", "alternatives"),
    "pivot": ("from", "to", "trigger"),
}
LEAST_BYTES = 11


@dataclass(frozen=True)
class Finding:
    """One fault of a package."""

    file: str
    line: int
    rule: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.mend}"


def lint(package: Path) -> list[Finding]:
    """All faults of the package directory against ARA level 1; none for a well-formed one."""
    found = list(_files(package))
    if found:
        return found
    found = list(_unreadable(package))
    if found:
        return found
    texts = {name: (package / name).read_text(encoding="utf-8") for name in MANDATORY}
    found += _front_matter(texts["PAPER.md"])
    for name, blocks in LABELS.items():
        found += _labels(name, texts[name], blocks)
    found += _references(package, texts)
    found += _tables(package)
    found += _tree(texts["trace/exploration_tree.yaml"])
    for script in sorted((package / "src/execution").glob("*.py")):
        if not re.search(r"^# Grounding: (transcribed|reconstructed)", script.read_text(encoding="utf-8"), re.M):
            found.append(Finding(f"src/execution/{script.name}", 1, "grounding", "add a line “# Grounding: …”"))
    return found


def _files(package: Path) -> Iterator[Finding]:
    for name in MANDATORY:
        path = package / name
        if not path.is_file():
            yield Finding(name, 0, "missing file", "add it")
        elif path.stat().st_size < LEAST_BYTES:
            yield Finding(name, 1, "empty file", "fill it")
    for name in FOLDERS:
        if not (package / name).is_dir():
            yield Finding(name, 0, "missing folder", "add it")


def _unreadable(package: Path) -> Iterator[Finding]:
    """Texts that are not UTF-8: nothing can be said of them."""
    scripts = (p.relative_to(package) for p in (package / "src/execution").glob("*.py"))
    told = (
        p.relative_to(package) for folder in ("tables", "figures") for p in (package / "evidence" / folder).glob("*.md")
    )
    for name in sorted({*MANDATORY, *map(str, scripts), *map(str, told)}):
        try:
            (package / name).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            yield Finding(name, 1, "encoding", f"write it in UTF-8: {error.reason} at byte {error.start}")
        except OSError as error:
            yield Finding(name, 1, "unreadable", error.strerror or "make it readable")


def _front_matter(text: str) -> Iterator[Finding]:
    match = re.match(r"---\n(.*?)\n---\n", text, re.S)
    if not match:
        yield Finding("PAPER.md", 1, "front matter", "begin with a YAML block between two lines of ---")
        return
    try:
        data = yaml.safe_load(match[1])
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        yield Finding("PAPER.md", 1, "front matter", f"mend the YAML: {str(error).splitlines()[0]}")
        return
    for key in ("title", "authors", "year"):
        if not isinstance(data, dict) or not data.get(key):
            yield Finding("PAPER.md", 1, "front matter", f"add {key}")
    if "Layer Index" not in text:
        yield Finding("PAPER.md", text.count("\n"), "layer index", "add a section “Layer Index”")


def _labels(name: str, text: str, blocks: dict[str, tuple[str, ...]]) -> Iterator[Finding]:
    for heading, labels in blocks.items():
        level = heading.split()[0]
        for match in re.finditer(rf"^{heading}.*?$(.*?)(?=^{level} |^#{{1,{len(level)}}} |\Z)", text, re.M | re.S):
            line = text.count("\n", 0, match.start()) + 1
            for label in labels:
                if f"**{label}**" not in match[0]:
                    yield Finding(name, line, "label", f"add **{label}** to this block")


def _references(package: Path, texts: dict[str, str]) -> Iterator[Finding]:
    claims = set(re.findall(r"^## (C\d+)", texts["logic/claims.md"], re.M))
    experiments = set(re.findall(r"^## (E\d+)", texts["logic/experiments.md"], re.M))
    for number, line in enumerate(texts["logic/claims.md"].splitlines(), start=1):
        if line.startswith("- **Proof**"):
            for name in re.findall(r"\bE\d+\b", line):
                if name not in experiments:
                    yield Finding("logic/claims.md", number, "reference", f"{name} is not in logic/experiments.md")
    for number, line in enumerate(texts["logic/experiments.md"].splitlines(), start=1):
        if line.startswith("- **Verifies**"):
            for name in re.findall(r"\bC\d+\b", line):
                if name not in claims:
                    yield Finding("logic/experiments.md", number, "reference", f"{name} is not in logic/claims.md")
    for name in ("logic/experiments.md", "evidence/README.md", "PAPER.md"):
        for number, line in enumerate(texts[name].splitlines(), start=1):
            for path in re.findall(r"`((?:evidence|src|logic|trace)/[\w./-]+)`", line):
                if not (package / path).exists():
                    yield Finding(name, number, "reference", f"{path} does not exist")


def _tables(package: Path) -> Iterator[Finding]:
    for folder in ("evidence/tables", "evidence/figures"):
        for path in sorted((package / folder).glob("*.md")):
            text = path.read_text(encoding="utf-8")
            name = f"{folder}/{path.name}"
            if "**Source**" not in text:
                yield Finding(name, 1, "source", "add **Source**")
            if not re.search(r"^\|.*\|\n\|[\s:|-]+\|$", text, re.M):
                yield Finding(name, 1, "table", "add a Markdown table")
            if not path.with_suffix(".png").is_file():
                yield Finding(name, 1, "picture", f"add {path.with_suffix('.png').name} beside it")


def _tree(text: str) -> Iterator[Finding]:
    name = "trace/exploration_tree.yaml"
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        yield Finding(name, 1, "tree", f"mend the YAML: {str(error).splitlines()[0]}")
        return
    roots = data.get("tree") if isinstance(data, dict) else None
    if not isinstance(roots, list) or not roots:
        yield Finding(name, 1, "tree", "begin with a list “tree:”")
        return
    seen: dict[str, dict[str, Any]] = {}
    yield from _nodes(name, roots, seen)
    for key, node in seen.items():
        others = node.get("also_depends_on") or []
        for other in others if isinstance(others, list) else [others]:
            if str(other) not in seen:
                yield Finding(name, 1, "tree", f"{key} depends on {other}, which is not in the tree")


def _nodes(name: str, roots: list[Any], seen: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    """Each node once, depth first; what YAML's references make part of itself ends at the id that stands twice."""
    waiting = [*reversed(roots)]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            yield Finding(name, 1, "tree", f"{str(node)[:40]!r} is no node; a node has id, type and title")
            continue
        key = str(node.get("id", "?"))
        if key in seen:
            yield Finding(name, 1, "tree", f"the id {key} stands twice")
            continue
        seen[key] = node
        wanted = NODE_FIELDS.get(str(node.get("type")))
        if wanted is None:
            yield Finding(name, 1, "tree", f"{key} has the unknown type {node.get('type')!r}")
            continue
        for field in (*wanted, "title", "support_level"):
            if field not in node:
                yield Finding(name, 1, "tree", f"{key} lacks {field}")
        children = node.get("children") or []
        if not isinstance(children, list):
            yield Finding(name, 1, "tree", f"the children of {key} are no list")
            continue
        if node["type"] == "dead_end" and children:
            yield Finding(name, 1, "tree", f"the dead end {key} has children")
        waiting += reversed(children)
