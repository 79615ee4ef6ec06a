"""Replay: every instant opens, and viewing, executing again and forking stay three things, the last two for writers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from evidentia.graph.replay import journal_of
from evidentia.hub.app import create_app, jobs
from evidentia.hub.app.runlog import run_log
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace
from tests.hub.app.conftest import BASE, PORT, TOKEN

Explored = tuple[Workspace, str]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The arguments of the jobs that are asked for; none is started."""
    found: list[tuple[str, ...]] = []

    def start(workspace: Workspace, title: str, arguments: Any) -> str:
        found.append(tuple(arguments))
        return "20260101-000000-abcdef"

    monkeypatch.setattr(jobs, "start", start)
    return found


@pytest.fixture
def owner(explored: Explored) -> Iterator[TestClient]:
    """Someone with the token, at the workspace of the finished run."""
    app = create_app(explored[0], TOKEN, PORT)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False, follow_redirects=False) as client:
        client.get(f"/?token={TOKEN}")
        client.headers["x-csrf-token"] = app.state.session.csrf
        yield client


def executed(home: Workspace, run: str) -> str:
    journal = journal_of(home, run)
    return next(journal.tree.node_of[h] for h, b in journal.branches.items() if b.ended)


def test_every_instant_opens_with_its_own_event(explored: Explored, visitor: TestClient) -> None:
    home, run = explored
    assert visitor.get(f"/runs/{run}/replay?at=3").status_code == 200
    for event in list(read_events(home.log_path(run)))[::6]:
        answer = visitor.get(f"/runs/{run}/replay/state?at={event.seq}")
        assert answer.status_code == 200
        assert f"Event {event.seq}<" in answer.text
        assert event.kind in answer.text
    last = run_log(home, run).last
    assert f"Event {last}<" in visitor.get(f"/runs/{run}/replay/state?at=99999999").text
    for odd in ("-1", "x", "1e9", "9" * 30):
        assert visitor.get(f"/runs/{run}/replay/state?at={odd}").status_code == 422


def test_a_chosen_node_is_what_the_buttons_are_about(explored: Explored, owner: TestClient) -> None:
    home, run = explored
    node = executed(home, run)
    text = owner.get(f"/runs/{run}/replay/state?at=2&node={node}").text
    assert f"View {node}" in text
    assert f'name="node" value="{node}"' in text
    assert "Start a new run from event 2" in text
    forms = re.findall(r'<form[^>]*action="([^"]+)"', text)
    assert forms == [f"/runs/{run}/replay/steps", f"/runs/{run}/replay/forks"]


def test_a_reader_sees_the_buttons_but_cannot_use_them(
    explored: Explored, visitor: TestClient, started: list[tuple[str, ...]]
) -> None:
    home, run = explored
    node = executed(home, run)
    text = visitor.get(f"/runs/{run}/replay/state?at=2&node={node}").text
    assert text.count("<button disabled>") == 2
    assert visitor.post(f"/runs/{run}/replay/steps", data={"node": node}).status_code == 401
    assert visitor.post(f"/runs/{run}/replay/forks", data={"at": 2}).status_code == 401
    assert started == []


def test_replaying_a_step_and_forking_start_two_different_jobs(
    explored: Explored, owner: TestClient, started: list[tuple[str, ...]]
) -> None:
    home, run = explored
    node = executed(home, run)
    answer = owner.post(f"/runs/{run}/replay/steps", data={"node": node})
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/20260101-000000-abcdef")
    assert owner.post(f"/runs/{run}/replay/forks", data={"at": 7, "max_experiments": "20"}).status_code == 303
    assert owner.post(f"/runs/{run}/replay/forks", data={"at": 7}).status_code == 303
    assert started == [
        ("replay", f"--rerun={node}", "--", run),
        ("fork", "--at=7", "--max-experiments=20", "--", run),
        ("fork", "--at=7", "--", run),
    ]


@pytest.mark.parametrize(
    ("place", "form", "status"),
    [
        ("steps", {"node": "N000"}, 400),
        ("steps", {"node": "no such"}, 404),
        ("steps", {"node": "--help"}, 404),
        ("steps", {}, 422),
        ("forks", {"at": 10**9}, 404),
        ("forks", {"at": -1}, 422),
        ("forks", {"at": 2, "max_experiments": "--workspace=/"}, 422),
        ("forks", {}, 422),
    ],
)
def test_what_cannot_be_done_is_refused_and_starts_nothing(
    explored: Explored, owner: TestClient, started: list[tuple[str, ...]], place: str, form: dict[str, Any], status: int
) -> None:
    assert owner.post(f"/runs/{explored[1]}/replay/{place}", data=form).status_code == status
    assert started == []


def test_without_the_word_of_our_pages_nothing_starts(
    explored: Explored, owner: TestClient, started: list[tuple[str, ...]]
) -> None:
    del owner.headers["x-csrf-token"]
    assert owner.post(f"/runs/{explored[1]}/replay/forks", data={"at": 2}).status_code == 403
    assert started == []


def test_decisions_and_failures_are_where_the_log_has_them(explored: Explored, visitor: TestClient) -> None:
    home, run = explored
    told = visitor.get(f"/runs/{run}/tree.json?history=true").json()
    events = list(read_events(home.log_path(run)))
    chosen = [e.seq for e in events if e.kind in ("decision.made", "stage.entered", "round.selected")]
    assert told["decisions"] == chosen
    dead = [e.seq for e in events if e.kind == "branch.concluded" and e.payload["dead_end"]]
    assert set(dead) <= set(told["failures"])
    assert [told["event_kinds"][code] for code in told["event"]] == [e.kind for e in events]
    assert told["time"][0] == 0
    assert told["time"] == sorted(told["time"])
