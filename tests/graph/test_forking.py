"""A fork shares a run's past and nothing of its future."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidentia.agents.brief import Brief
from evidentia.errors import BadInputError
from evidentia.graph.compare import compare
from evidentia.graph.forking import fork
from evidentia.graph.replay import journal_of, prove
from evidentia.graph.running import resume
from evidentia.workspace.eventlog import read_events
from tests.graph.conftest import Finished, finish


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    brief = Brief(
        question="Does the group size of round-to-nearest quantization matter?",
        families=("quantization",),
        conditions={"in_features": 128, "out_features": 32},
        vary={"bits": (3, 4)},
    )
    return finish(
        tmp_path_factory.mktemp("run") / "ws",
        brief.model_copy(update={"budget": brief.budget.model_copy(update={"max_experiments": 6})}),
    )


def _more(brief: Brief, experiments: int) -> Brief:
    return brief.model_copy(update={"budget": brief.budget.model_copy(update={"max_experiments": experiments})})


def test_a_fork_at_the_end_with_more_budget_goes_on_and_repeats_nothing(done: Finished) -> None:
    assert done.journal.brief is not None
    last = str(len(done.journal.log.events) - 1)
    name = fork(done.workspace, done.report.run, last, brief=_more(done.journal.brief, 12))
    report = resume(done.workspace, name)
    assert report.experiments > done.report.experiments
    forked = journal_of(done.workspace, name)
    shared = {r.evidence.id for b in done.journal.branches.values() for r in b.runs()}
    again = [r.evidence.id for b in forked.branches.values() for r in b.runs()]
    assert shared <= set(again)
    assert len(again) == len(set(again)) == report.experiments
    found = compare(done.journal, forked)
    assert found.parting is not None
    assert set(found.settings) == {"budget.max_experiments"}
    proofs, same = prove(forked.log.events, (done.workspace.runs / name / "tree.json").read_bytes())
    assert proofs
    assert all(p.holds for p in proofs)
    assert same


def test_a_fork_without_a_change_comes_to_the_same_claims(done: Finished) -> None:
    node = next(iter(done.journal.tree.node_of.values()))
    name = fork(done.workspace, done.report.run, node)
    shared = len(journal_of(done.workspace, name).log.events)
    assert 0 < shared < len(done.journal.log.events)
    resume(done.workspace, name)
    found = compare(done.journal, journal_of(done.workspace, name))
    assert found.parting is None
    assert all(pair.agrees for pair in found.claims)


def test_the_first_event_names_what_was_forked(done: Finished) -> None:
    name = fork(done.workspace, done.report.run, "3")
    events = list(read_events(done.workspace.runs / name / "events.jsonl"))
    origin = done.journal.log.events[3]
    assert events[0].payload["forked"] == {"run": done.report.run, "seq": 3, "hash": origin.hash}
    assert [e.kind for e in events] == [e.kind for e in done.journal.log.events[:4]]
    assert all(e.run == name for e in events)


@pytest.mark.parametrize("at", ["N999", "999999", ""])
def test_a_point_that_does_not_exist_is_named_and_nothing_is_written(done: Finished, at: str) -> None:
    before = sorted(done.workspace.runs.iterdir())
    with pytest.raises(BadInputError, match="--at"):
        fork(done.workspace, done.report.run, at)
    assert sorted(done.workspace.runs.iterdir()) == before


def test_the_original_is_untouched(done: Finished) -> None:
    path = Path(done.journal.log.path)
    before = path.read_bytes()
    fork(done.workspace, done.report.run, "0")
    assert path.read_bytes() == before
