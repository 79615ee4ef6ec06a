"""Lessons of earlier runs: a repetition of a dead end is left out and recorded, save in rounds kept free of lessons."""

from __future__ import annotations

from pathlib import Path

from evidentia.agents.brief import Brief
from evidentia.graph.replay import journal_of
from evidentia.graph.running import start
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import open_workspace


def with_share(brief: Brief, share: float) -> Brief:
    return brief.model_copy(update={"search": brief.search.model_copy(update={"free_of_lessons": share})})


def test_a_second_run_avoids_the_dead_ends_of_the_first_and_says_so(tmp_path: Path, small_brief: Brief) -> None:
    workspace = open_workspace(tmp_path / "w", create=True)
    first = journal_of(workspace, start(workspace, with_share(small_brief, 0.0)).run)
    dead = {name for name, b in first.branches.items() if b.outcome not in (None, "supported")}
    assert dead, "the test needs a dead end"

    second = journal_of(workspace, start(workspace, with_share(small_brief, 0.0)).run)
    assert dead & set(second.avoided)
    assert not dead & set(second.branches)
    assert {lesson.hypothesis for lesson in second.lessons or ()} == dead
    told = [e for e in read_events(workspace.ledger_path) if e.kind == "search.avoided"]
    assert {e.payload["avoided"] for e in told} == set(second.avoided)
    for event in told:
        package = event.payload["package"]
        assert package == first.branches[event.payload["avoided"]].package
        assert event.payload["source"]["run"] == second.log.run

    third = journal_of(workspace, start(workspace, with_share(small_brief, 1.0)).run)
    assert not third.avoided
    assert dead & set(third.branches)
