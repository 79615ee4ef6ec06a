"""The world model: rebuilt from the log alone, and what a mind may read in it."""

from __future__ import annotations

import networkx as nx
import pytest

from evidentia.agents.brief import Brief
from evidentia.graph.world import QUESTION, World
from evidentia.workspace.records import Event
from tests.graph.conftest import Finished, finish


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One small run."""
    brief = Brief.model_validate(
        {
            "question": "Does the group size of round-to-nearest quantization matter?",
            "families": ("quantization",),
            "conditions": {"in_features": 128, "out_features": 32},
            "vary": {"bits": (3, 4)},
            "budget": {"max_experiments": 10},
        }
    )
    return finish(tmp_path_factory.mktemp("world") / "w", brief)


def test_every_hypothesis_finding_and_lesson_of_the_log_is_in_it(small: Finished) -> None:
    journal = small.journal
    world = journal.world
    assert set(world.of_kind("hypothesis")) == set(journal.branches)
    concluded = {name for name, b in journal.branches.items() if b.outcome}
    assert {n.removeprefix("finding ") for n in world.of_kind("finding")} == concluded
    taught = [b.dead_end.lesson for b in journal.branches.values() if b.dead_end]
    assert sorted(x["text"] for x in world.lessons()) == sorted(taught)
    assert any("in_features is fixed at 128" in c["text"] for c in world.constraints())
    reachable = nx.node_connected_component(world.graph.to_undirected(), QUESTION)
    assert reachable == set(world.graph)


def test_it_is_the_same_however_often_it_is_rebuilt(small: Finished) -> None:
    again = World()
    for event in small.journal.log.events:
        again.apply(event)
    assert nx.utils.graphs_equal(again.graph, small.journal.world.graph)


def event(seq: int, kind: str, **payload: object) -> Event:
    return Event(seq=seq, time="2026-01-01T00:00:00", run="r", kind=kind, actor="a", payload=payload, prev="", hash="")


def test_what_stays_undecided_is_an_open_question_until_a_follow_up_decides_it() -> None:
    world = World()
    told = {"statement": "s", "form": "trend", "parent": None}
    world.apply(event(0, "run.started", brief={"question": "Which?", "conditions": {}, "budget": {}}))
    world.apply(event(1, "hypothesis.registered", id="h-1", hypothesis=told))
    dead = {"hypothesis": "s", "failure_mode": "undecided", "lesson": "more seeds"}
    world.apply(event(2, "branch.concluded", hypothesis="h-1", outcome="null", result="", dead_end=dead))
    assert [q["hypothesis"] for q in world.open_questions()] == ["h-1"]
    world.apply(event(3, "hypothesis.registered", id="h-2", hypothesis={**told, "parent": "h-1"}))
    world.apply(event(4, "branch.concluded", hypothesis="h-2", outcome="supported", result="", dead_end=None))
    assert list(world.open_questions()) == []
    assert (world.depth("h-1"), world.depth("h-2"), world.depth("h-9")) == (0, 1, 0)
