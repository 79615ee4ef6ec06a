"""Three cheap studies end to end by the command, and the page that tells of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evidentia.graph.studies import FOLDER, catalogue
from evidentia.hub.replications import answers
from evidentia.hub.replications.page import page
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.quantities import quantity
from tests.hub.replications.conftest import evidentia

CHEAP = ("cache-zipf", "mla-cache", "scalesearch")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the three were answered and verified."""
    root = tmp_path_factory.mktemp("studies") / "workspace"
    for name in CHEAP:
        done = evidentia(root, "replicate", name, "--rung", "2", "--json")
        assert done.returncode == 0, done.stderr
    return root


def told(home: Path, *arguments: str) -> list[dict[str, Any]]:
    done = evidentia(home, "replicate", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_outcomes_follow_from_verified_packages(home: Path) -> None:
    rows = {row["study"]: row for row in told(home, "--list")}
    assert len(rows) == 39
    assert rows["cache-zipf"]["outcome"] == "replicated"
    assert rows["cache-zipf"]["claims"] == {"gap": "supported", "lfu": "supported", "in-cache": "supported"}
    assert rows["mla-cache"]["outcome"] == "replicated"
    for name in CHEAP:
        assert rows[name]["state"] == "finished"
        assert rows[name]["rung"] == 2
        assert len(rows[name]["packages"]) == len(rows[name]["claims"])
    assert rows["gptq"]["state"] == "new"


def test_what_is_finished_is_not_run_again(home: Path) -> None:
    before = open_workspace(home).run_names()
    (row,) = told(home, "cache-zipf", "--rung", "2")
    assert row["state"] == "finished"
    assert open_workspace(home).run_names() == before


def test_the_page_has_the_papers_figure_beside_ours(home: Path) -> None:
    workspace: Workspace = open_workspace(home)
    found = {a.study.id: a for a in answers(workspace)}
    assert set(found) == set(CHEAP)
    text = "\n".join(page([case.study for case in catalogue(FOLDER)], found, {}, {}))
    assert "36 not run" in text
    for name in CHEAP:
        for part in found[name].parts:
            assert part.manifest.id in text
            for claim in part.manifest.branch.claims:
                assert quantity(claim).replace("[", "\\[").replace("]", "\\]") in text


def test_the_same_page_comes_from_packages_that_were_imported(home: Path, tmp_path: Path) -> None:
    """The answer lies in the package: taken into another workspace, it is read there at the rung it earns."""
    workspace = open_workspace(home)
    name = next(p.manifest.id for a in answers(workspace) for p in a.parts if p.stated.id == "gap")
    out = tmp_path / "gap.zip"
    assert evidentia(home, "export", name, "--format", "zip", "--out", str(out)).returncode == 0
    elsewhere = tmp_path / "elsewhere"
    done = evidentia(elsewhere, "import", str(out))
    assert done.returncode == 0, done.stderr
    (answer,) = answers(open_workspace(elsewhere))
    assert answer.study.id == "cache-zipf"
    assert answer.outcome == "undecided" or answer.outcome == "partly replicated"


@pytest.mark.parametrize(
    "arguments",
    [[], ["nope"], ["--all", "--list"], ["cache-zipf", "--list"], ["--list", "--studies", "/nowhere"]],
)
def test_bad_input_is_one_sentence(tmp_path: Path, arguments: list[str]) -> None:
    done = evidentia(tmp_path / "w", "replicate", *arguments)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_verdict_that_changes_is_told_and_fails(home: Path, tmp_path: Path) -> None:
    report = tmp_path / "page.md"
    assert evidentia(home, "replicate", "--report", str(report)).returncode == 0
    kept = tmp_path / "page.json"
    assert evidentia(home, "replicate", "--list", "--check", str(kept)).returncode == 0
    verdicts = json.loads(kept.read_text())
    verdicts["cache-zipf"] |= {"gap": "refuted", "lfu": "inconclusive"}
    kept.write_text(json.dumps({**verdicts, "gptq": {"better": "supported"}}))
    done = evidentia(home, "replicate", "--list", "--check", str(kept))
    assert done.returncode == 1
    assert done.stderr.strip() == "cache-zipf: gap was refuted, and is supported"
    kept.write_text("[]")
    assert evidentia(home, "replicate", "--list", "--check", str(kept)).returncode == 2
