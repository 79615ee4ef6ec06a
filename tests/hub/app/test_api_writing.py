"""Writing by programs: only with the token, each act one event, and nothing half-written."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from evidentia.graph.capture.entries import entry
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace
from tests.hub.app.conftest import TOKEN

BEARER = {"authorization": f"Bearer {TOKEN}"}
SCORES = {"soundness": 3, "evidence": 4, "significance": 2, "reproducibility": 4}
FORM: dict[str, Any] = {
    "reviewer": "a reading program",
    "kind": "agent",
    "claims": [{"claim": "C01", "verdict": "supported", "reason": "E01 rows 1 to 10"}],
    "scores": SCORES,
    "overall": "accept",
    "confidence": 4,
}


def first(home: Workspace, outcome: str = "supported") -> str:
    """The id of the package of an outcome."""
    events = read_events(home.ledger_path)
    return next(str(e.payload["package"]) for e in events if e.payload["summary"]["outcome"] == outcome)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}])
def test_nothing_is_written_without_the_token(reader: TestClient, home: Workspace, headers: dict[str, str]) -> None:
    before, name = home.ledger_path.read_bytes(), first(home)
    for path, body in (("reviews", FORM), ("verify", {"rung": 1})):
        answer = reader.post(f"/api/packages/{name}/{path}", json=body, headers=headers)
        assert answer.status_code == 401
        assert "token" in answer.json()["error"]
    assert home.ledger_path.read_bytes() == before
    assert not (home.root / "jobs").exists()


def test_another_site_writes_nothing(reader: TestClient, home: Workspace) -> None:
    headers = {**BEARER, "origin": "http://elsewhere.example"}
    assert reader.post(f"/api/packages/{first(home)}/reviews", json=FORM, headers=headers).status_code == 403


def test_a_review_is_signed_and_an_event_of_the_ledger(reader: TestClient, home: Workspace) -> None:
    name = first(home)
    receipt = reader.post(f"/api/packages/{name}/reviews", json=FORM, headers=BEARER)
    assert receipt.status_code == 201, receipt.text
    event = [*read_events(home.ledger_path)][-1]
    assert (event.seq, event.hash) == (receipt.json()["event"], receipt.json()["hash"])
    assert event.payload["review"]["kind"] == "agent"
    told = reader.get(f"/api/packages/{name}/reviews").json()
    assert [r["review"]["reviewer"] for r in told["submitted"]] == ["a reading program"]
    assert told["submitted"][0]["trusted"]
    assert not told["left_out"]


def test_an_agents_review_earns_no_points(reader: TestClient, home: Workspace) -> None:
    name = first(home)
    before = reader.get(f"/api/packages/{name}/attention").json()["attention"]
    reader.post(f"/api/packages/{name}/reviews", json=FORM, headers=BEARER)
    assert reader.get(f"/api/packages/{name}/attention").json()["attention"] == before
    reader.post(f"/api/packages/{name}/reviews", json={**FORM, "kind": "person", "reviewer": "ada"}, headers=BEARER)
    assert reader.get(f"/api/packages/{name}/attention").json()["attention"] > before


@pytest.mark.parametrize(
    "change",
    [
        {"reviewer": " "},
        {"kind": "god"},
        {"claims": [{"claim": "C09", "verdict": "wrong"}]},
        {"claims": [FORM["claims"][0], FORM["claims"][0]]},
        {"claims": [{"claim": "C01", "verdict": "splendid"}]},
        {"scores": {**SCORES, "soundness": 5}},
        {"scores": {"soundness": 3}},
        {"confidence": 6},
        {"overall": "maybe"},
        {"summary": "a" * 2001},
        {"summary": "\ud800"},
        {"more": 1},
    ],
)
def test_a_review_that_cannot_be_leaves_nothing_behind(
    reader: TestClient, home: Workspace, change: dict[str, Any]
) -> None:
    before, name = home.ledger_path.read_bytes(), first(home)
    body = json.dumps({**FORM, **change}).encode()
    headers = {**BEARER, "content-type": "application/json"}
    answer = reader.post(f"/api/packages/{name}/reviews", content=body, headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert "\n" not in answer.json()["error"]
    assert home.ledger_path.read_bytes() == before
    assert not (home.packages / name / "reviews").exists()


def test_verification_runs_in_the_background(reader: TestClient, home: Workspace) -> None:
    name = first(home)
    job = reader.post(f"/api/packages/{name}/verify", json={"rung": 0}, headers=BEARER)
    assert job.status_code == 202, job.text
    deadline = time.monotonic() + 60
    while (told := reader.get(f"/api/jobs/{job.json()['job']}").json())["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert told["state"] == "done", told["output"]
    assert reader.get(f"/api/packages/{name}").json()["listed"]["rung"] == 0
    attested = reader.get(f"/api/packages/{name}/attestations").json()
    assert [(a["trusted"], a["about_this"], a["statement"]["rung"]) for a in attested] == [(True, True, 0)]


NOTES: list[dict[str, Any]] = [
    {"kind": "decision", "choice": "measure hit rate", "alternatives": ["measure latency"]},
    {"kind": "dead_end", "title": "fifo", "hypothesis": "as good", "failure": "it was not", "lesson": "it forgets"},
    {"kind": "pivot", "title": "on", "origin": "hit rate", "target": "latency", "because": "nobody asked"},
]


def test_notes_become_nodes_of_a_persons_run(reader: TestClient, home: Workspace) -> None:
    with entry(home, "lab", question="Which cache is better?"):
        pass
    for note in NOTES:
        answer = reader.post("/api/runs/lab/notes", json=note, headers=BEARER)
        assert answer.status_code == 201, answer.text
        nodes = reader.get("/api/runs/lab/tree").json()["items"]
        assert answer.json()["node"] in [node["id"] for node in nodes]


@pytest.mark.parametrize(
    ("run", "note", "status"),
    [
        ("none", NOTES[0], 404),
        ("lab", {"kind": "song"}, 422),
        ("lab", {"kind": "decision", "choice": "x", "alternatives": []}, 422),
        ("lab", {**NOTES[0], "at": "N999"}, 400),
        ("lab", {**NOTES[0], "at": "../.."}, 422),
        ("lab", {**NOTES[1], "lesson": "x"}, 400),
    ],
)
def test_a_note_that_cannot_be_is_one_sentence(
    reader: TestClient, home: Workspace, run: str, note: dict[str, Any], status: int
) -> None:
    with entry(home, "lab", question="Which cache is better?"):
        pass
    before = home.log_path("lab").read_bytes()
    answer = reader.post(f"/api/runs/{run}/notes", json=note, headers=BEARER)
    assert answer.status_code == status, answer.text
    assert "\n" not in answer.json()["error"]
    assert home.log_path("lab").read_bytes() == before
