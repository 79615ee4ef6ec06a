"""Two runs side by side."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from evidentia.agents.brief import Brief
from evidentia.cli.app import app
from evidentia.graph.compare import compare, steps
from tests.graph.conftest import Finished, finish


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    brief = Brief(
        question="Does the group size of round-to-nearest quantization matter?",
        families=("quantization",),
        conditions={"in_features": 128, "out_features": 32},
        vary={"bits": (3, 4)},
    )
    budget = brief.budget.model_copy(update={"max_experiments": 12})
    small = brief.model_copy(update={"budget": budget})
    briefs = {
        "two workers": small,
        "one worker": small,
        "less": small.model_copy(update={"budget": budget.model_copy(update={"max_experiments": 6})}),
        "other": small.model_copy(update={"vary": {"bits": (4, 6)}}),
    }
    return {
        name: finish(tmp_path_factory.mktemp("run") / "ws", asked, 1 if name == "one worker" else 2)
        for name, asked in briefs.items()
    }


def test_the_same_brief_decides_alike_whatever_the_number_of_workers(runs: dict[str, Finished]) -> None:
    found = compare(runs["two workers"].journal, runs["one worker"].journal)
    assert found.settings == {}
    assert found.parting is None
    assert found.common_steps == len(steps(runs["one worker"].journal)) > 5
    assert found.claims
    for pair in found.claims:
        assert pair.agrees
        assert pair.left is not None
        assert pair.right is not None
        assert (pair.left.value, pair.left.ci, pair.left.n) == (pair.right.value, pair.right.ci, pair.right.n)


def test_a_smaller_budget_parts_where_less_is_selected(runs: dict[str, Finished]) -> None:
    found = compare(runs["two workers"].journal, runs["less"].journal)
    assert found.settings == {"budget.max_experiments": ("12", "6")}
    assert found.parting is not None
    more, less = found.parting
    assert more is not None
    assert less is not None
    assert more.kind == less.kind == "selection"
    assert more.decided[: len(less.decided)] == less.decided
    assert "nothing at place" in less.told(more)
    lacking = [pair for pair in found.claims if pair.right is None]
    assert lacking
    assert not any(pair.agrees for pair in lacking)


def test_another_question_parts_at_ideation_and_shares_no_seed_of_a_claim(runs: dict[str, Finished]) -> None:
    found = compare(runs["two workers"].journal, runs["other"].journal)
    assert set(found.settings) == {"vary.bits"}
    assert found.common_steps == 0
    assert found.parting is not None
    assert {step.kind for step in found.parting if step} == {"ideation"}
    for pair in found.claims:
        assert pair.agrees == (None not in pair.statuses and len(set(pair.statuses)) == 1)


def test_the_steps_of_a_branch_follow_its_selection(runs: dict[str, Finished]) -> None:
    found = steps(runs["two workers"].journal)
    assert [s.kind for s in found[:2]] == ["ideation", "selection"]
    for name in found[1].decided:
        own = [s.kind for s in found if s.subject == name]
        assert own[0] == "look 1"
        assert own[-1] == "outcome"


def test_the_command_says_where_two_runs_part(runs: dict[str, Finished]) -> None:
    done = runs["less"]
    arguments = ["compare", done.report.run, done.report.run, "--workspace", str(done.workspace.root)]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0
    assert "decide alike" in shown.stdout
    data = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert data["runs"] == [done.report.run] * 2
    assert data["parting"] is None
    assert {side["status"] for claim in data["claims"] for side in claim["sides"]} <= {
        "supported",
        "refuted",
        "inconclusive",
    }


def test_a_run_that_is_not_there_is_named(runs: dict[str, Finished]) -> None:
    arguments = ["compare", "nothing", "nothing", "--workspace", str(runs["less"].workspace.root)]
    assert CliRunner().invoke(app, arguments).exit_code != 0
