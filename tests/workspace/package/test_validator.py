"""The ARA linter: silent on our packages of every outcome, and naming file, line and mend of every planted fault."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from evidentia.workspace.package.validator import lint


@pytest.mark.parametrize("kind", ["supported", "refuted", "crashed"])
def test_packages_of_every_outcome_are_well_formed(kind: str, request: pytest.FixtureRequest) -> None:
    assert [str(f) for f in lint(request.getfixturevalue(kind))] == []


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("PAPER.md", "---\ntitle:", "title:", "PAPER.md:1: front matter: begin with a YAML block"),
        ("PAPER.md", "\nyear: ", "\nera: ", "PAPER.md:1: front matter: add year"),
        ("PAPER.md", "Layer Index", "Files", "layer index"),
        ("logic/problem.md", "**Implication**", "**So**", "add **Implication**"),
        ("logic/problem.md", "**Caused by**", "**Why**", "add **Caused by**"),
        ("logic/experiments.md", "**Baselines**", "**Others**", "add **Baselines**"),
        ("logic/claims.md", "[E01", "[E77", "E77 is not in logic/experiments.md"),
        ("logic/experiments.md", "**Verifies**: C01", "**Verifies**: C55", "C55 is not in logic/claims.md"),
        ("evidence/README.md", "evidence/rows/E01", "evidence/rows/E99", "evidence/rows/E99.jsonl does not exist"),
        ("evidence/tables/T01.md", "**Source**", "**From**", "add **Source**"),
        ("trace/exploration_tree.yaml", "type: experiment", "type: idea", "N02 has the unknown type 'idea'"),
        ("trace/exploration_tree.yaml", "id: N02", "id: N01", "the id N01 stands twice"),
        ("trace/exploration_tree.yaml", "  description:", "  text:", "N01 lacks description"),
        ("trace/exploration_tree.yaml", "tree:", "tree: [", "mend the YAML"),
        ("src/execution/E01.py", "# Grounding: transcribed", "# A script", "src/execution/E01.py:1: grounding"),
    ],
)
def test_a_fault_of_the_layout_is_named(copied: Any, supported: Path, name: str, old: str, new: str, told: str) -> None:
    findings = lint(copied(supported).edit(name, old, new).path)
    assert any(told in str(finding) for finding in findings), [str(f) for f in findings]


def test_missing_and_empty_files_and_pictures_are_named(copied: Any, supported: Path) -> None:
    copy = copied(supported)
    (copy.path / "logic/concepts.md").unlink()
    (copy.path / "src/environment.md").write_text("# none\n")
    shutil.rmtree(copy.path / "evidence/results")
    assert {(f.file, f.rule) for f in lint(copy.path)} == {
        ("logic/concepts.md", "missing file"),
        ("src/environment.md", "empty file"),
        ("evidence/results", "missing folder"),
    }


def test_a_table_without_its_picture_is_named(copied: Any, supported: Path) -> None:
    copy = copied(supported)
    (copy.path / "evidence/tables/T01.png").unlink()
    assert [(f.file, f.rule) for f in lint(copy.path)] == [("evidence/tables/T01.md", "picture")]


def test_a_dead_end_with_children_is_named(copied: Any, refuted: Path) -> None:
    copy = copied(refuted)
    path = copy.path / "trace/exploration_tree.yaml"
    data = yaml.safe_load(path.read_text())
    node = data["tree"][0]
    while node["type"] != "dead_end":
        node = node["children"][0]
    node["children"] = [{"id": "N99", "type": "question", "title": "?", "support_level": "explicit", "description": ""}]
    path.write_text(yaml.safe_dump(data))
    assert any(f"the dead end {node['id']} has children" in f.mend for f in lint(copy.path))


HOSTILE = {
    "not UTF-8": (b"tree: \xff\xfe and more", "write it in UTF-8"),
    "a part of itself": (b"tree: &t\n- id: N01\n  type: question\n  title: t\n  children: *t\n", "stands twice"),
    "nodes that are none": (b"tree:\n- 7\n- [a]\n", "is no node"),
    "children that are no list": (b"tree:\n- id: N01\n  type: question\n  children: 5\n", "are no list"),
    "an odd dependency": (b"tree:\n- id: N01\n  type: question\n  also_depends_on: {a: 1}\n", "not in the tree"),
    "a nest": (b"tree: " + b"[" * 3000, "tree"),
    "an impossible date": (b"tree: 2026-99-99", "tree"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_tree_is_a_finding_and_no_crash(copied: Any, supported: Path, name: str) -> None:
    content, told = HOSTILE[name]
    package = copied(supported).path
    (package / "trace/exploration_tree.yaml").write_bytes(content)
    assert any(told in str(finding) for finding in lint(package))
