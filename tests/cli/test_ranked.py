"""The ranking on the command line: facets, marks, and every point with its event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evidentia.cli.app import app
from evidentia.errors import BadInputError
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.ledger import publish, record, record_review, record_verification
from evidentia.workspace.ledger_events import BuiltOn, Refuted, Source
from evidentia.workspace.records import Review

PASSED = [{"rung": 3, "name": "x", "passed": True, "detail": ""}]


@pytest.fixture
def home(tmp_path: Path, refuted: Path, crashed: Path) -> Workspace:
    """A refuted package that was re-run and used, and a crashed one that was not, both real."""
    import shutil

    workspace = open_workspace(tmp_path / "workspace", create=True)
    for path, outcome in ((refuted, "refuted"), (crashed, "crashed")):
        shutil.copytree(path, workspace.packages / path.parent.name / "v1")
        publish(workspace, path.parent.name, 1, run="run", outcome=outcome)
    name, other = refuted.parent.name, crashed.parent.name
    record_verification(workspace, name, 1, 3, PASSED, "verifier")
    record(workspace, BuiltOn(package=name, version=1, source=Source(package="later", run="later")), "compiler")
    source = Source(package=name)
    record(workspace, Refuted(package=other, version=1, claim="C01", source=source, protocol="exact"), "t")
    for kind, reviewer in (("person", "Ada"), ("agent", "builtin")):
        scores = dict.fromkeys(("soundness", "evidence", "significance", "reproducibility"), 4)
        review = Review(
            reviewer=reviewer, kind=kind, claims=(), scores=scores, overall="accept", confidence=4, summary=""
        )
        record_review(workspace, name, 1, review)
    return workspace


def told(home: Workspace, *arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--workspace", str(home.root)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def listed(home: Workspace, *arguments: str) -> list[str]:
    return [item["outcome"] for item in json.loads(told(home, "packages", "--json", *arguments))]


@pytest.mark.parametrize(
    ("arguments", "outcomes"),
    [
        ([], ["refuted", "crashed"]),
        (["--limit", "1"], ["refuted"]),
        (["--outcome", "crashed"], ["crashed"]),
        (["--rung", "3"], ["refuted"]),
        (["--rung", "4"], []),
        (["--tension", "contested"], ["crashed"]),
        (["--category", "cs.PF", "--tag", "caching"], ["refuted", "crashed"]),
        (["--fresh"], ["refuted", "crashed"]),
        (["--stale"], []),
        (["--search", '"higher hit rate" lfu*'], ["refuted", "crashed"]),
        (["--search", "no such trace"], ["crashed"]),
    ],
)
def test_facets_narrow_what_is_listed(home: Workspace, arguments: list[str], outcomes: list[str]) -> None:
    assert listed(home, *arguments) == outcomes


def test_the_list_shows_marks_beside_the_rung(home: Workspace, refuted: Path) -> None:
    manifest = home.packages / refuted.parent.name / "v1" / "manifest.json"
    shown = told(home, "packages")
    assert "contested" in shown
    assert "1 review" in shown
    assert "changed since" not in shown
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    assert "changed since" in told(home, "packages")


def test_nothing_within_the_facets_is_said_so(home: Workspace) -> None:
    assert "No package is within these facets" in told(home, "packages", "--rung", "5")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--outcome", "great"], "--outcome 'great' is none of supported, refuted, null, crashed"),
        (["--tension", "x"], "--tension 'x' is none of"),
        (["--search", "?"], "--search '?' holds no word"),
    ],
)
def test_a_facet_that_cannot_be_is_refused(home: Workspace, arguments: list[str], expected: str) -> None:
    with pytest.raises(BadInputError, match=expected.replace("?", r"\?")):
        told(home, "packages", *arguments)


def test_why_adds_up_and_every_point_has_its_event(home: Workspace, refuted: Path) -> None:
    why: dict[str, Any] = json.loads(told(home, "show", refuted.parent.name, "--why", "--json"))
    assert why["parts"] == {"V": 10_000, "U": 4000 * 250 // 4250, "H": 4 * 500 // 3}
    assert why["attention"] == sum(why["parts"].values()) == sum(e["points"] for e in why["events"])
    assert {(e["part"], e["kind"], e["actor"]) for e in why["events"]} == {
        ("V", "package.published", "compilation"),
        ("V", "package.verified", "verifier"),
        ("U", "package.built_on", "compiler"),
        ("H", "review.submitted", "Ada"),
        ("H", "review.submitted", "builtin"),
    }
    lines = home.ledger_path.read_text().splitlines()
    for event in why["events"]:
        assert json.loads(lines[event["seq"]])["kind"] == event["kind"]


def test_why_for_people_shows_the_sum_and_what_does_not_count(home: Workspace, refuted: Path) -> None:
    shown = told(home, "show", refuted.parent.name, "--why")
    assert "attention 10.901" in shown
    assert "V verification 10.000, U use 0.235, H people 0.666" in shown
    assert "shown, not counted" in shown
    assert "\x1b" not in shown
