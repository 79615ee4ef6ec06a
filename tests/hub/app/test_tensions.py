"""Tensions on their page: both claims, what differs, and a factorial that is reckoned before it is run."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from evidentia.hub.app import disputed, jobs
from evidentia.hub.app.disputed import Tensions, state_of
from evidentia.hub.app.pages import tensions as page
from evidentia.hub.tensions import Detected, detect, find
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import publish, record_verification
from tests.hub.app.conftest import take_in


@pytest.fixture(scope="session")
def lower(bench: Any) -> Path:
    """The same comparison as `supported`, 3 points ahead instead of 8."""
    built: Path = bench.build([bench.look(3.0), bench.look(3.0, (5, 6, 7, 8, 9))])
    return built


@pytest.fixture
def opened(home: Workspace, lower: Path) -> dict[str, Any]:
    """The tension between the two, as it is listed."""
    take_in(home, lower)
    return max(detect(home).items, key=lambda item: min(v or 0 for v in item["values"]))


def test_no_tensions_says_when_claims_are_compared(tmp_path: Path, home: Workspace, reader: TestClient) -> None:
    for package in home.package_names()[1:]:
        (home.packages / package).rename(tmp_path / package)
    assert "No two published claims about the same quantity are in conflict" in reader.get("/tensions").text


def test_both_claims_stand_side_by_side_with_what_they_share(
    opened: dict[str, Any], reader: TestClient, home: Workspace
) -> None:
    told = reader.get("/tensions")
    assert told.status_code == 200
    text = " ".join(told.text.split())
    assert f'id="{opened["id"]}"' in text
    for ref, value in zip(opened["claims"], opened["values"], strict=True):
        package, _, claim = ref.partition("#")
        assert f'href="/packages/{package.partition("@")[0]}/claims/{claim}"' in text
        assert f"{value:.1f}"[:2] in text
    assert "Alike: capacity 100" in text
    assert opened["class"] in text
    assert "No tension is in this state" in reader.get("/tensions?state=resolved").text
    for odd in ("?state=%00", "?offset=999999", "?state=nothing", "?offset=-1", f"?state={'x' * 50}"):
        assert reader.get(f"/tensions{odd}").status_code in (200, 422)


def test_states_are_told_apart() -> None:
    def item(state: str, class_: str = "tension", verified: bool = False) -> dict[str, Any]:
        return {"state": state, "class": class_, "explanation_verified": verified}

    assert state_of(item("open")) == "open"
    assert state_of(item("open", "contradiction")) == "open"
    assert state_of(item("open", "boundary")) == "boundary"
    assert state_of(item("explained", "boundary")) == "explained"
    assert state_of(item("explained", verified=True)) == "resolved"
    assert state_of(item("unexplained")) == "unexplained"


def test_cost_of_what_cannot_be_measured_says_why(opened: dict[str, Any], reader: TestClient) -> None:
    told = reader.get(f"/tensions/{opened['id']}/cost").text
    assert "its claims state the same conditions" in told
    assert "<form" not in told
    assert reader.get("/tensions/t-0123456789/cost").status_code == 404
    assert reader.get("/tensions/..%2f..%2fkeys/cost").status_code in (404, 422)


def test_cost_is_reckoned_from_cells_seeds_and_what_the_packages_took(
    home: Workspace, opened: dict[str, Any], writer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, older, newer = find(home, opened["id"])
    common = {"workload": "zipf", "items": 1000, "exponent": 1.1, "requests": 5000, "warmup": 0, "counts": "kept"}
    sides = [
        side.model_copy(update={"conditions": {**common, "capacity": capacity}, "workload": "caching/zipf"})
        for side, capacity in ((older, 100), (newer, 300))
    ]
    monkeypatch.setattr(page, "find", lambda home, tension: (item, *sides))
    told = writer.get(f"/tensions/{opened['id']}/cost").text
    assert "Moves capacity between the two settings: 4 cells at 5 to 80 fresh seeds each" in told
    assert "of CPU time by what the two packages took" in told
    started: list[tuple[str, list[str]]] = []

    def start(home: Workspace, title: str, arguments: list[str]) -> str:
        started.append((title, arguments))
        return "J"

    monkeypatch.setattr(jobs, "start", start)
    answer = writer.post(f"/tensions/{opened['id']}/explain", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/J")
    answer = writer.post(f"/tensions/{opened['id']}/explain", headers={"hx-request": "true"}, follow_redirects=False)
    assert answer.headers["location"] == "/jobs/J/panel"
    assert started[0][1] == ["tensions", "explain", "--", opened["id"]]
    assert started[0][0].startswith(f"Explain {opened['id']}: hit_rate of lfu-perfect over lru")


def test_explaining_needs_the_token(opened: dict[str, Any], reader: TestClient, home: Workspace) -> None:
    assert reader.post(f"/tensions/{opened['id']}/explain").status_code == 401
    assert jobs.jobs(home) == []


def test_page_does_not_wait_for_a_long_comparison(
    home: Workspace, reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()

    def slow(home: Workspace) -> Detected:
        done.wait(30)
        return Detected([], [])

    monkeypatch.setattr(disputed, "detect", slow)
    monkeypatch.setattr(disputed, "PATIENCE", 0.05)
    assert "Comparing claims" in reader.get("/tensions").text
    done.set()
    monkeypatch.setattr(disputed, "PATIENCE", 30)
    assert "No two published claims" in reader.get("/tensions").text


def test_broken_ledger_is_said_not_a_fault_of_the_server(home: Workspace, reader: TestClient) -> None:
    home.ledger_path.write_bytes(home.ledger_path.read_bytes().replace(b'"version":1', b'"version":2', 1))
    told = reader.get("/tensions")
    assert told.status_code == 409
    assert "was changed after it was written" in told.text


def test_list_is_found_again_only_when_the_ledger_has_changed(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []

    def counted(home: Workspace) -> Detected:
        found.append(1)
        return detect(home)

    monkeypatch.setattr(disputed, "detect", counted)
    monkeypatch.setattr(disputed, "SHARE", 0)
    monkeypatch.setattr(disputed, "PATIENCE", 30)
    tensions = Tensions(home)
    for _ in range(3):
        tensions.found()
    assert len(found) == 1
    name = home.package_names()[0]
    record_verification(home, name, 1, 1, [{"rung": 1, "name": "files", "passed": True, "detail": ""}], "verifier")
    tensions.found()
    assert len(found) == 2
    monkeypatch.setattr(disputed, "SHARE", 10**9)
    publish(home, name, 1, run="r", outcome="supported")
    tensions.found()
    publish(home, name, 1, run="r", outcome="supported")
    tensions.found()
    assert len(found) == 3
