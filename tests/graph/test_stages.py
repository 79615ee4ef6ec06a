"""The experiment manager: which stage, when, and that log and tree show it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidentia.agents.brief import Brief, Stages
from evidentia.graph.frontier import ROOT, Candidate, Frontier, stage_of, work_of
from evidentia.graph.stages import Feasibility, stand
from tests.graph.conftest import finish


def frontier_with(**stages: int) -> Frontier:
    frontier = Frontier()
    for stage, count in stages.items():
        for number in range(count):
            name = f"{stage}{number}"
            frontier.add(Candidate(name, stage, "draft", "f", "trend", stage, ROOT, 1.0, 4))
    return frontier


def feasible() -> Feasibility:
    known = Feasibility()
    known.ended("f", "supported")
    return known


def stage(
    frontier: Frontier, spent: dict[str, int], known: Feasibility | None = None, plan: Stages | None = None
) -> str:
    found = stand(plan or Stages(), frontier, known or feasible(), spent, 100)
    return found.stage if found else ""


def test_feasibility_comes_first_and_ends_with_the_first_rows() -> None:
    frontier, known = frontier_with(baseline=2), Feasibility()
    known.registered("f")
    assert stage(frontier, {}, known) == "feasibility"
    known.ended("f", "crashed")
    assert stage(frontier, {}, known) == "feasibility"
    known.ended("f", "null")
    assert stage(frontier, {}, known) == "baseline"


def test_a_family_that_only_crashes_is_given_up() -> None:
    known = Feasibility()
    for _ in range(3):
        known.ended("f", "crashed")
    known.ended("g", "supported")
    found = stand(Stages(tries=3), frontier_with(baseline=1), known, {}, 100)
    assert found is not None
    assert found.infeasible == ("f",)
    assert found.stage == "baseline"


def test_a_stage_ends_with_its_share_and_what_is_left_goes_to_the_first_with_work() -> None:
    frontier = frontier_with(baseline=5, exploration=5, ablation=5)
    assert stage(frontier, {}) == "baseline"
    assert stage(frontier, {"baseline": 35}) == "exploration"
    assert stage(frontier, {"baseline": 35, "exploration": 40}) == "ablation"
    assert stage(frontier, {"baseline": 35, "exploration": 40, "ablation": 25}) == "baseline"
    assert stage(Frontier(), {}) == ""


def test_what_a_left_out_stage_would_take_is_explored() -> None:
    plan = Stages(order=("exploration",))
    assert stage(frontier_with(ablation=1, baseline=1), {}, Feasibility(), plan) == "exploration"


@pytest.mark.parametrize(
    ("form", "parent", "origin", "work", "where"),
    [
        ("comparison", ROOT, "question", "draft", "baseline"),
        ("optimum", ROOT, "question", "draft", "baseline"),
        ("comparison", ROOT, "challenger", "draft", "exploration"),
        ("trend", "h-1", "follow-up", "improve", "exploration"),
        ("interaction", ROOT, "question", "ablate", "ablation"),
    ],
)
def test_forms_belong_to_kinds_of_work_and_stages(form: str, parent: str, origin: str, work: str, where: str) -> None:
    assert work_of(form, parent) == work
    assert stage_of(form, work, origin) == where


def test_a_run_goes_through_its_stages_and_replicates_what_it_found(tmp_path: Path, small_brief: Brief) -> None:
    budget = small_brief.budget.model_copy(update={"max_experiments": 60})
    journal = finish(tmp_path / "w", small_brief.model_copy(update={"budget": budget})).journal
    entered = [e.payload for e in journal.log.events if e.kind == "stage.entered"]
    stages = [e["stage"] for e in entered]
    assert stages[0] == "feasibility"
    assert stages[-1] == "replication"
    assert all(journal.tree.node(e["node"]).type == "decision" for e in entered)
    taken = [n for names in journal.selected.values() for n in names]
    assert all(journal.tree.attributes(journal.tree.node_of[n])["stage"] in stages for n in taken)
    (original,) = journal.replicas
    whole = journal.aggregates[original]
    branches = [journal.branches[n] for n in (original, *journal.replicas[original])]
    values = [b.claims[0].value for b in branches]
    assert whole["statistics"][0]["value"] == pytest.approx(sum(v for v in values if v is not None) / len(values))
    seeds = [{s for r in b.runs("measure") for s in r.experiment.seeds} for b in branches]
    assert not seeds[0] & seeds[1] | seeds[1] & seeds[2] | seeds[0] & seeds[2]
    assert journal.tree.attributes(whole["node"])["work"] == "aggregate"
