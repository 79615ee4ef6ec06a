"""Reading by programs: every resource, pages of lists, entity tags, and faults in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from evidentia.graph.capture.entries import entry
from evidentia.graph.capture.hypotheses import Expected
from evidentia.graph.capture.notes import note_dead_end, note_decision, note_hypothesis
from evidentia.hub.app import create_app
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.package.store import load_manifest
from tests.hub.app.conftest import BASE, PORT, TOKEN, take_in

EXPECTED = Expected("hit_rate", "lfu-perfect", "lru", "above:1")


@pytest.fixture(scope="module")
def shelf(
    tmp_path_factory: pytest.TempPathFactory, supported: Path, refuted: Path, crashed: Path
) -> tuple[TestClient, Workspace, list[str]]:
    """A reader over three packages and a person's run; the packages' ids."""
    home = open_workspace(tmp_path_factory.mktemp("shelf") / "workspace", create=True)
    names = [take_in(home, package) for package in (supported, refuted, crashed)]
    with entry(home, "lab", question="Which cache is better?") as book:
        note_decision(book, "measure hit rate", ["measure latency"])
        note_hypothesis(book, "lfu-perfect is better than lru", EXPECTED)
        note_dead_end(book, "fifo", "fifo is as good", "it was not", "fifo forgets the frequent")
    client = TestClient(create_app(home, TOKEN, PORT), base_url=BASE, raise_server_exceptions=False)
    return client, home, names


def got(shelf: tuple[TestClient, Workspace, list[str]], path: str, **params: Any) -> Any:
    answer = shelf[0].get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_list_narrows_as_the_page_does(shelf: Any) -> None:
    assert got(shelf, "/api/packages")["total"] == 3
    assert {p["outcome"] for p in got(shelf, "/api/packages", outcome="refuted")["items"]} == {"refuted"}
    assert got(shelf, "/api/packages", rung=5)["total"] == 0
    assert got(shelf, "/api/packages", search="nothing of the kind")["total"] == 0
    assert got(shelf, "/api/facets")["outcome"] == {"crashed": 1, "refuted": 1, "supported": 1}


def test_pages_follow_each_other_without_gap_or_repetition(shelf: Any) -> None:
    path, seen = "/api/packages?sort=recent&limit=1", []
    while path:
        page = got(shelf, path)
        seen += [item["id"] for item in page["items"]]
        path = page["next"]
    assert sorted(seen) == sorted(shelf[2])


def test_a_package_says_what_its_manifest_says(shelf: Any) -> None:
    client, home, names = shelf
    manifest = load_manifest(home.packages / names[0] / "v1")
    told = got(shelf, f"/api/packages/{names[0]}")
    assert (told["outcome"], told["versions"], told["listed"]["id"]) == ("supported", [1], names[0])
    assert client.get(f"/api/packages/{names[0]}/manifest").content == manifest.to_bytes()
    claim = got(shelf, f"/api/packages/{names[0]}/claims")[0]
    assert claim["value"] == manifest.branch.claims[0].value
    assert got(shelf, f"/api/packages/{names[0]}/claims/{claim['id']}") == claim
    assert got(shelf, f"/api/packages/{names[0]}@v1", version=1)["id"] == names[0]


def test_attention_is_explained_to_the_point(shelf: Any) -> None:
    why = got(shelf, f"/api/packages/{shelf[2][0]}/attention")
    assert sum(event["points"] for event in why["events"]) == why["attention"]


def test_evidence_is_read_by_lines(shelf: Any) -> None:
    client, home, names = shelf
    base = f"/api/packages/{names[0]}/evidence"
    rows = (home.packages / names[0] / "v1/evidence/rows/E01.jsonl").read_text().splitlines()
    page = got(shelf, f"{base}/E01/rows", first=2, count=3)
    assert (page["lines"], page["total"], page["next"]) == (rows[1:4], len(rows), 5)
    digest = got(shelf, f"{base}/E01")["digest"]
    assert got(shelf, f"{base}/{digest}/rows", first=len(rows))["next"] is None
    assert got(shelf, f"{base}/E01/stdout")["lines"] == ["measured 5 seeds"]
    assert any("rows.jsonl" in line for line in got(shelf, f"{base}/E01/script")["lines"])
    assert client.get(f"{base}/E01/rows?first={len(rows) + 1}").status_code == 400
    assert client.get(f"{base}/E99/rows").status_code == 404


def test_files_are_attachments_that_nothing_runs(shelf: Any) -> None:
    client, _, names = shelf
    for file in got(shelf, f"/api/packages/{names[0]}/files"):
        answer = client.get(f"/api/packages/{names[0]}/files/{file['path']}")
        assert len(answer.content) == file["size"]
        assert answer.headers["content-type"] in ("text/plain; charset=utf-8", "application/octet-stream")
        assert answer.headers["content-disposition"].startswith("attachment;")


def test_a_changed_file_is_refused(shelf: Any, tmp_path: Path, supported: Path) -> None:
    home = open_workspace(tmp_path / "workspace", create=True)
    name = take_in(home, supported)
    (home.packages / name / "v1/README.md").write_text("other words")
    client = TestClient(create_app(home, TOKEN, PORT), base_url=BASE, raise_server_exceptions=False)
    answer = client.get(f"/api/packages/{name}/files/README.md")
    assert answer.status_code == 409
    assert "changed" in answer.json()["error"]


@pytest.mark.parametrize("form", ["zip", "ara", "discovery", "citation"])
def test_an_export_is_the_same_bytes_each_time(shelf: Any, form: str) -> None:
    client, _, names = shelf
    first, second = (client.get(f"/api/packages/{names[0]}/export/{form}") for _ in range(2))
    assert first.status_code == 200, first.text
    assert first.content == second.content
    assert names[0] in first.headers["content-disposition"]


def test_claims_and_lessons_are_found_by_their_words(shelf: Any) -> None:
    found = got(shelf, "/api/claims", search="lfu higher")
    assert found["total"] == 2
    assert got(shelf, "/api/claims", status="refuted")["items"][0]["package"] == shelf[2][1]
    assert got(shelf, "/api/claims", package=shelf[2][0])["total"] == 1
    assert got(shelf, "/api/claims", metric="latency")["total"] == 0
    lessons = got(shelf, "/api/lessons")
    assert {item["package"] for item in lessons["items"]} == set(shelf[2][1:])


def test_new_packages_are_found_and_replaced_ones_are_not(tmp_path: Path, supported: Path, refuted: Path) -> None:
    home = open_workspace(tmp_path / "workspace", create=True)
    client = TestClient(create_app(home, TOKEN, PORT), base_url=BASE)
    assert client.get("/api/claims").json()["total"] == 0
    take_in(home, supported)
    assert client.get("/api/claims").json()["total"] == 1
    take_in(home, refuted)
    assert client.get("/api/claims").json()["total"] == 2
    (home.cache / "findings.sqlite").write_bytes(b"no database" * 100)
    assert client.get("/api/claims").json()["total"] == 2


def test_a_run_is_told_by_events_tree_and_frontier(shelf: Any) -> None:
    assert [run["run"] for run in got(shelf, "/api/runs")["items"]] == ["lab"]
    run = got(shelf, "/api/runs/lab")
    events = got(shelf, "/api/runs/lab/events", limit=2)
    assert [event["seq"] for event in events["items"]] == [0, 1]
    assert got(shelf, events["next"])["items"][0]["seq"] == 2
    tree = got(shelf, "/api/runs/lab/tree")
    assert tree["total"] == run["nodes"] == len(tree["items"])
    assert {node["type"] for node in tree["items"]} >= {"question", "decision", "experiment", "dead_end"}
    waiting = got(shelf, "/api/runs/lab/frontier")["items"]
    assert [item["statement"] for item in waiting] == ["lfu-perfect is better than lru"]


def test_the_ledger_is_read_from_either_end(shelf: Any) -> None:
    forwards = got(shelf, "/api/ledger")["items"]
    backwards = got(shelf, "/api/ledger", newest_first=True)["items"]
    assert [e["seq"] for e in forwards] == [e["seq"] for e in reversed(backwards)] == list(range(len(forwards)))
    assert got(shelf, "/api/ledger", newest_first=True, limit=2, offset=len(forwards) - 1)["items"] == forwards[:1]


def test_the_library_is_described(shelf: Any) -> None:
    listed = got(shelf, "/api/kernels", family="caching", limit=200)["items"]
    assert "lru" in [kernel["name"] for kernel in listed]
    assert "capacity" in [p["name"] for p in got(shelf, "/api/kernels/caching/lru")["parameters"]]


def test_tags_save_what_the_caller_has(shelf: Any) -> None:
    client, _, names = shelf
    for path in ("/api/packages", f"/api/packages/{names[0]}", f"/api/packages/{names[0]}/files/README.md"):
        first = client.get(path)
        again = client.get(path, headers={"if-none-match": f'"other", {first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(path, headers={"if-none-match": 'W/"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/packages?limit=0", 422),
        ("/api/packages?limit=201", 422),
        ("/api/packages?offset=-1", 422),
        ("/api/packages?offset=99999999999999999999999", 422),
        ("/api/packages?rung=six", 422),
        ("/api/packages?outcome=splendid", 422),
        ("/api/packages?sort=beauty", 422),
        (f"/api/packages?search={'a' * 301}", 422),
        ("/api/packages?search=%2A%22", 400),
        ("/api/claims?search=--", 400),
        ("/api/packages/none-such", 404),
        ("/api/packages/%2e%2e%2f%2e%2e%2fetc/manifest", 404),
        ("/api/packages/%00", 404),
        (f"/api/packages/{'a' * 221}", 422),
        ("/api/packages/PKG/claims/C99", 404),
        ("/api/packages/PKG@v9", 404),
        ("/api/packages/PKG?version=0", 422),
        ("/api/packages/PKG/files/..%2f..%2f..%2fledger.jsonl", 404),
        ("/api/packages/PKG/files/%2fetc%2fpasswd", 404),
        ("/api/packages/PKG/export/exe", 422),
        ("/api/packages/PKG/evidence/E01/memory", 422),
        ("/api/packages/PKG/evidence/E01/rows?count=1001", 422),
        ("/api/runs/none-such", 404),
        ("/api/runs/..%2flab", 404),
        ("/api/runs/lab/events?offset=1e9", 422),
        ("/api/tensions/t-0", 404),
        ("/api/kernels/caching/none", 404),
        ("/api/kernels/none/lru", 404),
        ("/api/jobs/..%2f..%2fkeys", 404),
        ("/api/jobs/20260101-000000-abcdef", 404),
        ("/api/none-such", 404),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(shelf: Any, path: str, status: int) -> None:
    answer = shelf[0].get(path.replace("PKG", shelf[2][0]))
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    assert "\n" not in answer.json()["error"]


def test_the_schema_is_openapi_and_the_page_shows_every_call(shelf: Any) -> None:
    schema = got(shelf, "/api/openapi.json")
    assert schema["openapi"] == "3.1.0"
    page = shelf[0].get("/docs").text
    for path, methods in schema["paths"].items():
        assert path in page
        for operation in methods.values():
            assert operation["operationId"] in page
            assert operation["description"]
    assert not any("/packages/{name}" in path for path in schema["paths"])


def test_agents_find_one_page_of_plain_text(shelf: Any) -> None:
    text = shelf[0].get("/llms.txt")
    assert text.headers["content-type"].startswith("text/plain")
    assert text.text.startswith("# Evidentia")
    assert len(text.text) < 5000
    assert "Read in this order" in shelf[0].get("/docs/agents").text
    paths = {path.split("{")[0].rstrip("/") for path in got(shelf, "/api/openapi.json")["paths"]}
    for named in ("/api/claims", "/api/packages", "/api/lessons", "/api/tensions", "/api/runs", "/api/kernels"):
        assert named in text.text
        assert named in paths


def test_a_broken_manifest_is_told_and_hides_no_other_package(tmp_path: Path, supported: Path, refuted: Path) -> None:
    home = open_workspace(tmp_path / "workspace", create=True)
    broken, fine = take_in(home, supported), take_in(home, refuted)
    client = TestClient(create_app(home, TOKEN, PORT), base_url=BASE, raise_server_exceptions=False)
    for text in ("[" * 100_000, "{}", "\x00", json.dumps({"claims": [1], "branch": None})):
        (home.packages / broken / "v1/manifest.json").write_text(text)
        (home.cache / "findings.sqlite").unlink(missing_ok=True)
        assert client.get(f"/api/packages/{broken}").status_code == 409
        assert client.get(f"/api/packages/{broken}/attestations").status_code == 409
        assert [item["package"] for item in client.get("/api/claims").json()["items"]] == [fine]
        assert client.get("/api/packages").json()["total"] == 2
