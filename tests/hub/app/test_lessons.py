"""Lessons on their page: the dead ends of all packages, searched, escaped, without what was retracted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from evidentia.errors import BadInputError
from evidentia.hub.ranking import find_lessons
from evidentia.workspace.home import Workspace
from evidentia.workspace.index import Facets
from evidentia.workspace.ledger import record
from evidentia.workspace.ledger_events import Retracted
from evidentia.workspace.package.store import load_manifest


def taught(home: Workspace, package: Path, failure_mode: str, lesson: str) -> str:
    """Give a published package another dead end; its id."""
    name = load_manifest(package).id
    path = home.packages / name / "v1" / "manifest.json"
    told = json.loads(path.read_bytes())
    told["branch"]["dead_end"] = {"failure_mode": failure_mode, "lesson": lesson}
    path.write_text(json.dumps(told))
    return name


def test_dead_ends_are_listed_and_supported_branches_are_not(
    home: Workspace, supported: Path, refuted: Path, crashed: Path
) -> None:
    total, found = find_lessons(home)
    dead = {p: load_manifest(p).branch.dead_end for p in (refuted, crashed)}
    assert total == 2
    assert {f.package for f in found} == {load_manifest(p).id for p in dead}
    for path, end in dead.items():
        lesson = next(f for f in found if f.package == load_manifest(path).id)
        assert end is not None
        assert (lesson.failure_mode, lesson.text) == (end.failure_mode, end.lesson)
        assert lesson.statement == load_manifest(path).branch.hypothesis.statement
    assert load_manifest(supported).id not in {f.package for f in found}


def test_search_finds_words_of_lesson_and_statement(home: Workspace, refuted: Path, crashed: Path) -> None:
    name = taught(home, refuted, "Ghost entries crowd out", "Keep admission windows small")
    assert [f.package for f in find_lessons(home, Facets(search="admission windows"))[1]] == [name]
    assert [f.package for f in find_lessons(home, Facets(search='"ghost entries"'))[1]] == [name]
    assert find_lessons(home, Facets(search="nothingness")) == (0, [])
    assert [f.package for f in find_lessons(home, Facets(outcome="crashed"))[1]] == [load_manifest(crashed).id]
    with pytest.raises(BadInputError):
        find_lessons(home, Facets(search="***"))


def test_pages_of_a_list_are_its_parts(home: Workspace) -> None:
    total, every = find_lessons(home)
    parts = [find_lessons(home, None, 1, n)[1] for n in range(total)]
    assert [part[0] for part in parts] == every


def test_retracted_lesson_is_left_out(home: Workspace, refuted: Path) -> None:
    name = load_manifest(refuted).id
    assert find_lessons(home)[0] == 2
    record(home, Retracted(package=name, version=1, reason="a mistake"), "person")
    assert [f.package for f in find_lessons(home)[1] if f.package == name] == []


def test_page_escapes_and_takes_any_search(home: Workspace, refuted: Path, reader: TestClient) -> None:
    taught(home, refuted, "<img src=x onerror=alert(1)>", "<script>alert(2)</script>")
    page = reader.get("/lessons").text
    assert "2 lessons" in page
    assert "&lt;script&gt;alert(2)" in page
    assert "<img" not in page
    for odd in ("***", '"', "a OR b NEAR(", "'; --", "\x00", "é" * 100, "lesson:x", "-"):
        assert reader.get("/lessons", params={"search": odd}).status_code == 200
    assert reader.get("/lessons", params={"search": "x" * 301}).status_code == 422
    assert "holds no word" in reader.get("/lessons", params={"search": "***"}).text
    assert "No dead end is within this search" in reader.get("/lessons", params={"search": "nothingness"}).text
    assert "<html" not in reader.get("/lessons", params={"offset": 1}).text


def test_workspace_without_packages_says_what_to_do(tmp_path: Path) -> None:
    from evidentia.hub.app import create_app
    from evidentia.workspace.home import open_workspace

    app = create_app(open_workspace(tmp_path / "new", create=True), "t" * 20, 8127)
    with TestClient(app, base_url="http://127.0.0.1:8127") as client:
        assert "No dead ends yet" in client.get("/lessons").text
        assert "The ledger is empty" in client.get("/ledger").text
        assert "No two published claims" in client.get("/tensions").text
        assert "No runs yet" in client.get("/runs").text
