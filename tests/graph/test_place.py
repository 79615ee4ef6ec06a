"""A resumed run goes on where it was: its executor, its workers, its rule for workers that differ."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evidentia.agents.brief import Brief
from evidentia.graph.place import Place, last_place
from evidentia.graph.replay import journal_of
from evidentia.graph.running import resume, start
from evidentia.workspace.home import open_workspace
from evidentia.workspace.records import Event
from tests.graph.test_running import _stop_after


def event(kind: str, **payload: object) -> Event:
    time = "2026-01-01T00:00:00+00:00"
    return Event(seq=0, time=time, run="r", kind=kind, actor="a", payload=payload, prev="", hash="")


RAY = event("run.started", workers=8, executor="ray", unlike="mark")


@pytest.mark.parametrize(
    ("events", "asked", "expected"),
    [
        ((), {}, Place()),
        ((RAY,), {}, Place(8, "ray", "mark")),
        ((RAY,), {"executor": "local", "workers": 1}, Place(1, "local", "mark")),
        ((RAY, event("run.resumed", workers=2, executor="local")), {}, Place(2, "local", "mark")),
        ((RAY, event("run.resumed", repaired=None, answered=True)), {}, Place(8, "ray", "mark")),
        ((event("run.started", brief={}),), {}, Place()),  # a log of an early version
        ((RAY,), {"allow_weak": True}, Place(8, "ray", "mark", True)),
    ],
)
def test_what_is_not_asked_for_is_as_before(
    events: tuple[Event, ...], asked: dict[str, object], expected: Place
) -> None:
    given = {"workers": None, "executor": None, "unlike": None, **asked}
    assert last_place(events, **given) == expected


def test_a_resumed_run_has_the_workers_it_had_unless_others_are_asked_for(tmp_path: Path, small_brief: Brief) -> None:
    workspace = open_workspace(tmp_path / "w", create=True)
    _, listener = _stop_after(18)
    run = start(workspace, small_brief, workers=3, listener=listener).run  # type: ignore[arg-type]
    folder = workspace.log_path(run).parent
    told = []
    for number, workers in enumerate((None, 1)):
        shutil.copytree(workspace.root, tmp_path / str(number))
        other = open_workspace(tmp_path / str(number))
        resume(other, folder.name, workers=workers)
        told += [e.payload for e in journal_of(other, run).log.events if e.kind == "run.resumed"]
    assert [t["workers"] for t in told] == [3, 1]
    assert {(t["executor"], t["unlike"]) for t in told} == {("local", "refuse")}
