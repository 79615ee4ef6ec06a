"""The tree's page: its data against the tree built from the log, what changes as the log grows, and hostile logs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from evidentia.errors import IntegrityError
from evidentia.graph.journal import Journal
from evidentia.graph.replay import RecordedLog, journal_of
from evidentia.graph.tree import build_tree
from evidentia.graph.world import World
from evidentia.hub.app import create_app
from evidentia.hub.app.runlog import KINDS, RunLog, run_log
from evidentia.hub.app.trees import COLUMNS, changed, history_of, tree_of
from evidentia.workspace.canonical import canonical, content_id
from evidentia.workspace.eventlog import GENESIS, read_events
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.quantities import quantity
from tests.hub.app.conftest import BASE, PORT, TOKEN

Explored = tuple[Workspace, str]
TREE = {"attack": "experiment", "repair": "experiment", "aggregate": "experiment"}


def lines_of(home: Workspace, run: str) -> list[bytes]:
    return home.log_path(run).read_bytes().splitlines(keepends=True)


def partly(tmp_path: Path, lines: list[bytes], run: str = "a-run") -> tuple[Workspace, Path]:
    """A workspace with a log of these lines."""
    home = open_workspace(tmp_path / "partly", create=True)
    path = home.runs / run / "events.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(lines))
    return home, path


def test_the_data_is_the_tree_that_the_log_rebuilds(explored: Explored, visitor: TestClient) -> None:
    home, run = explored
    told = visitor.get(f"/runs/{run}/tree.json").json()
    journal = journal_of(home, run)
    assert sorted(told["id"]) == sorted(journal.tree.graph.nodes)
    assert all(len(told[name]) == len(told["id"]) for name in COLUMNS)
    for place, name in enumerate(told["id"]):
        node = journal.tree.node(name)
        parent = told["parent"][place]
        assert (told["id"][parent] if parent >= 0 else None) == node.parent
        assert parent < place
        assert told["title"][place] == node.title
        assert TREE.get(kind := told["kinds"][told["kind"][place]], kind) == node.type
        assert told["states"][told["state"][place]] == journal.tree.status(name)
    effects = {journal.tree.node_of[h]: b.effect for h, b in journal.branches.items() if b.outcome}
    assert {n: e for n, e in zip(told["id"], told["effect"], strict=True) if e} == {
        n: pytest.approx(e, abs=0.01) for n, e in effects.items() if e
    }
    assert told["stopped"] == journal.stopped


def test_every_state_is_found_at_its_event(explored: Explored) -> None:
    """Folding the changes up to an event gives the states of the tree that the events up to there build."""
    home, run = explored
    log = run_log(home, run)
    events = list(read_events(home.log_path(run)))
    history = history_of(log)
    for last in range(0, len(events), 7):
        tree = build_tree(events[: last + 1])
        states = dict.fromkeys(log.names, "")
        for seq, number, code in zip(*history["changes"], strict=True):
            if seq <= last:
                states[log.names[number]] = log.states[code]
        there = [name for name, born in zip(log.names, log.born, strict=True) if born <= last]
        assert sorted(there) == sorted(tree.graph.nodes)
        assert {name: states[name] for name in there} == {name: tree.status(name) for name in there}


def test_budget_and_world_model_are_those_of_the_instant(explored: Explored) -> None:
    home, run = explored
    log = run_log(home, run)
    events = list(read_events(home.log_path(run)))
    for last in range(0, len(events), 11):
        journal, world = Journal(RecordedLog(Path("none"), run, events[: last + 1])), World()
        for event in events[: last + 1]:
            world.apply(event)
        spent, known = log.instants.spent(last), log.instants.known(last, 10_000)
        assert spent.experiments == journal.experiments
        assert spent.cpu_seconds == pytest.approx(journal.cpu_seconds)
        assert spent.seconds == pytest.approx(journal.active_seconds, abs=0.002)
        assert journal.brief is not None
        assert spent.limits.experiments == journal.brief.budget.max_experiments
        assert [item.told["statement"] for item in known["open"].latest[::-1]] == [
            told["statement"] for told in world.open_questions()
        ]
        concluded = [e.payload["hypothesis"] for e in events[: last + 1] if e.kind == "branch.concluded"]
        assert [item.told["statement"] for item in known["finding"].latest[::-1]] == [
            journal.branches[name].hypothesis.statement for name in concluded
        ]
        for group in ("hypothesis", "finding", "lesson", "constraint"):
            assert known[group].count == len(world.of_kind(group)), (last, group)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_a_log_read_on_is_the_log_read_anew(explored: Explored, tmp_path: Path, share: float) -> None:
    lines = lines_of(*explored)
    cut = int(share * len(lines))
    home, path = partly(tmp_path, [*lines[:cut], lines[cut][:40]])
    log = run_log(home, "a-run")
    assert log.last == cut - 1
    seen = tree_of(log, {})
    path.write_bytes(b"".join(lines))
    log = run_log(home, "a-run")
    fresh = RunLog(path, "a-run")
    fresh.refresh()
    assert tree_of(log, {}) == tree_of(fresh, {})
    told = changed(log, cut - 1, {})
    before = list(zip(*(seen[name] for name in COLUMNS), strict=True))
    after = {number: tuple(row) for number, *row in told["rows"]}
    merged = {**dict(enumerate(before)), **after}
    assert [merged[n] for n in sorted(merged)] == list(zip(*(tree_of(fresh, {})[c] for c in COLUMNS), strict=True))


def test_a_log_that_was_replaced_is_read_anew(explored: Explored, tmp_path: Path) -> None:
    lines = lines_of(*explored)
    home, path = partly(tmp_path, lines)
    assert run_log(home, "a-run").last == len(lines) - 1
    path.unlink()
    path.write_bytes(b"".join(lines[:9]))
    assert run_log(home, "a-run").last == 8


def test_a_changed_line_is_told_in_one_sentence(explored: Explored, tmp_path: Path) -> None:
    lines = lines_of(*explored)
    lines[5] = lines[5].replace(b'"actor":"', b'"actor":"x')
    home, _ = partly(tmp_path, lines)
    with pytest.raises(IntegrityError, match="event 5 was changed"):
        run_log(home, "a-run")
    with TestClient(create_app(home, TOKEN, PORT), base_url=BASE, raise_server_exceptions=False) as client:
        for page in ("tree.json", "nodes/N001", "replay/state"):
            answer = client.get(f"/runs/a-run/{page}")
            assert answer.status_code == 409
            assert "event 5 was changed" in answer.text


def test_the_data_has_a_tag_and_comes_compressed(explored: Explored, visitor: TestClient) -> None:
    run = explored[1]
    for history in ("", "?history=true"):
        first = visitor.get(f"/runs/{run}/tree.json{history}")
        plain = visitor.get(f"/runs/{run}/tree.json{history}", headers={"accept-encoding": "identity"})
        assert first.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert first.json() == plain.json()
        assert len(gzip.compress(plain.content)) < len(plain.content) / 2
        again = visitor.get(f"/runs/{run}/tree.json{history}", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert first.headers["etag"] != visitor.get(f"/runs/{run}/tree.json").headers["etag"]


def messages(text: str) -> list[dict[str, str]]:
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


@pytest.mark.parametrize("way", ["address", "header"])
def test_the_stream_tells_only_what_changed_and_ends_with_the_run(
    explored: Explored, visitor: TestClient, way: str
) -> None:
    home, run = explored
    log = run_log(home, run)
    seen = log.last // 2
    header = {"last-event-id": str(seen)} if way == "header" else {}
    answer = visitor.get(f"/runs/{run}/tree/stream?from={0 if header else seen}", headers=header)
    first, end = messages(answer.text)
    assert (first["event"], end["event"], first["id"]) == ("nodes", "end", str(log.last))
    rows = json.loads(first["data"])["rows"]
    later = {log.names[n] for s, n in zip(log.changes[0], log.changes[1], strict=True) if s > seen}
    assert {row[1] for row in rows} == later
    assert 0 < len(rows) < len(log.names)
    nothing = messages(visitor.get(f"/runs/{run}/tree/stream?from={log.last}").text)
    assert [m["event"] for m in nothing] == ["nodes", "end"]
    assert json.loads(nothing[0]["data"])["rows"] == []
    every = messages(visitor.get(f"/runs/{run}/tree/stream").text)
    assert [row[1] for row in json.loads(every[0]["data"])["rows"]] == log.names


def test_the_pages_and_every_card_open(explored: Explored, visitor: TestClient) -> None:
    home, run = explored
    assert visitor.get(f"/runs/{run}/tree").status_code == 200
    journal = journal_of(home, run)
    for name in journal.tree.graph.nodes:
        answer = visitor.get(f"/runs/{run}/nodes/{name}")
        assert answer.status_code == 200, name
        assert name in answer.text
        assert "<form" not in answer.text
    branch = next(b for b in journal.branches.values() if b.claims and b.outcome)
    text = visitor.get(f"/runs/{run}/nodes/{journal.tree.node_of[branch.id]}").text
    for claim in branch.claims:
        assert claim.id in text
        low = quantity(claim).split("[")[1].split(",")[0] if claim.ci else claim.id
        assert low[:4] in text


@pytest.mark.parametrize("run", ["nothing-here", "..", "%2e%2e", "..%2f..%2fkeys", ".hidden", "a%00b"])
def test_names_that_are_no_run_are_refused(visitor: TestClient, run: str) -> None:
    for page in ("tree", "tree.json", "nodes/N001", "tree/stream", "replay", "replay/state"):
        assert visitor.get(f"/runs/{run}/{page}").status_code in (400, 404)


def test_an_unknown_node_is_one_sentence(explored: Explored, visitor: TestClient) -> None:
    answer = visitor.get(f"/runs/{explored[1]}/nodes/N999<script>")
    assert answer.status_code == 404
    assert "<script>" not in answer.text.split("<main")[1]


def rewritten(lines: list[bytes], change: Any) -> list[bytes]:
    """The same log with other payloads, chained again."""
    prev, found = GENESIS, []
    for line in lines:
        body = {**json.loads(line), "prev": prev}
        del body["hash"]
        body["payload"] = change(body["payload"])
        prev = content_id(body)
        found.append(canonical({**body, "hash": prev}) + b"\n")
    return found


def test_what_agents_wrote_is_shown_as_text(explored: Explored, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"

    def poison(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: poison(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [poison(v, key) for v in value]
        prose = ("title", "statement", "lesson", "failure_mode", "result", "finding", "choice", "question", "summary")
        return evil if key in prose and isinstance(value, str) else value

    home, _ = partly(tmp_path, rewritten(lines_of(*explored), poison))
    with TestClient(create_app(home, TOKEN, PORT), base_url=BASE, raise_server_exceptions=False) as client:
        log = run_log(home, "a-run")
        pages = [f"nodes/{name}" for name in log.names] + [f"replay/state?at={n}" for n in range(0, log.last, 5)]
        for page in pages:
            answer = client.get(f"/runs/a-run/{page}")
            assert answer.status_code == 200, page
            assert "<script>alert" not in answer.text
            assert "<img" not in answer.text
        told = client.get("/runs/a-run/tree.json")
        assert told.headers["content-type"] == "application/json"
        assert evil in told.json()["title"]


def odd(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": "event/1",
        "time": "2026-01-01T00:00:00.000+00:00",
        "kind": kind,
        "actor": "x",
        "payload": payload,
    }


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("hypothesis.registered", {}),
        ("branch.concluded", {"hypothesis": "h-nothing"}),
        ("experiment.planned", {"id": "e", "experiment": {"hypothesis": "h-nothing"}}),
        ("decision.made", {"node": "D99", "parent": "N999", "choice": "x", "alternatives": []}),
        ("round.selected", {"hypotheses": 5}),
        ("falsification.done", {"hypothesis": "h-nothing", "attacks": None}),
        ("budget.changed", {"budget": 3}),
        ("experiment.finished", {"experiment": ["e"], "evidence": {}, "failure": None}),
        ("unheard.of", {"node": ["N001"], "hypothesis": {"a": 1}, "experiment": 7}),
    ],
)
def test_a_whole_chain_of_odd_events_is_no_server_error(
    explored: Explored, tmp_path: Path, kind: str, payload: dict[str, Any]
) -> None:
    """Whoever made the log could also chain it; what does not follow is one sentence, or is left alone."""
    lines = lines_of(*explored)[:12]
    body = {**odd(kind, payload), "seq": 12, "run": json.loads(lines[0])["run"], "prev": "", "hash": "0" * 64}
    home, _ = partly(tmp_path, rewritten([*lines, canonical(body) + b"\n"], lambda given: given))
    with TestClient(create_app(home, TOKEN, PORT), base_url=BASE, raise_server_exceptions=False) as client:
        for page in ("tree.json", "tree.json?history=true", "replay/state?at=12", "nodes/N000", "nodes/N001"):
            answer = client.get(f"/runs/a-run/{page}")
            assert answer.status_code in (200, 409), (page, answer.text)


def test_a_run_without_events_has_an_empty_tree(tmp_path: Path) -> None:
    home, _ = partly(tmp_path, [])
    log = run_log(home, "a-run")
    assert tree_of(log, {})["id"] == ()
    assert KINDS[0] == "question"
