"""The exploration tree and the graph that grows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidentia.graph.orchestrator import studio_graph
from evidentia.graph.tree import ROOT, Tree, build_tree
from evidentia.workspace.records import Event, Node


def event(seq: int, kind: str, **payload: object) -> Event:
    return Event(
        seq=seq, time="2026-01-01T00:00:00+00:00", run="r", kind=kind, actor="a", payload=payload, prev="", hash=""
    )


def events() -> list[Event]:
    hypothesis = {"title": "one", "statement": "s", "form": "trend", "trigger": "because"}
    return [
        event(0, "run.started", brief={"question": "why?"}),
        event(1, "decision.made", node="D00", choice="try", alternatives=["stop"]),
        event(2, "hypothesis.registered", id="h-1", node="N001", parent="D00", pivot=None, hypothesis=hypothesis),
        event(3, "experiment.planned", experiment={"hypothesis": "h-1"}),
        event(
            4,
            "branch.concluded",
            hypothesis="h-1",
            outcome="refuted",
            claims=[{"id": "C01", "status": "refuted"}],
            result="no",
            evidence=["e"],
            dead_end={"hypothesis": "s", "failure_mode": "refuted", "lesson": "do not"},
        ),
        event(5, "package.compiled", hypothesis="h-1", package="p-1"),
        event(6, "hypothesis.registered", id="h-2", node="N002", parent="N001", pivot="N002p", hypothesis=hypothesis),
        event(7, "something.else", anything=1),
    ]


def test_events_grow_all_five_types_of_node() -> None:
    tree = build_tree(events())
    assert {tree.node(n).type for n in tree.graph} == {"question", "decision", "experiment", "dead_end", "pivot"}
    assert tree.status("N001") == "refuted"
    assert tree.attributes("N001")["claims"] == {"total": 1, "decided": 1, "supported": 0}
    assert tree.attributes("N001")["package"] == "p-1"
    assert tree.children("N001") == ["N001x", "N002p"]
    assert [n.id for n in tree.path("N002")] == [ROOT, "D00", "N001", "N002p", "N002"]
    assert tree.node("N002p").fields["trigger"] == "because"


def test_a_tree_built_at_once_is_that_built_event_by_event() -> None:
    step = Tree()
    for number, item in enumerate(events()):
        step.apply(item)
        assert step.to_bytes() == build_tree(events()[: number + 1]).to_bytes()
    assert step.digest == build_tree(events()).digest != build_tree(events()[:5]).digest


def test_dead_ends_bear_no_children_and_parents_must_exist() -> None:
    tree = build_tree(events())
    with pytest.raises(ValueError, match="dead end N001x"):
        tree.add(Node(id="N009", type="experiment", title="t", parent="N001x"))
    with pytest.raises(ValueError, match="unknown parent"):
        tree.add(Node(id="N009", type="experiment", title="t", parent="N777"))


def test_studio_can_open_the_graph_and_opening_it_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nodes = set(studio_graph().get_graph().nodes)
    assert {"literature", "ideation", "selection", "branch", "gather", "finish"} <= nodes
    assert list(tmp_path.iterdir()) == []
