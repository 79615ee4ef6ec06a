"""The index: it finds what is there, follows what changes, mends itself, and never says more than its sources."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import BadInputError, IntegrityError
from evidentia.hub.ranking import explain, find_packages, list_packages
from evidentia.hub.ranking.listing import rate
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.eventlog import append_event
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.index import Facets
from evidentia.workspace.index_update import Formula
from evidentia.workspace.ledger import RUN, publish, record, record_review, record_verification
from evidentia.workspace.ledger_events import Cited, Refuted, Side, Source, TensionOpened
from evidentia.workspace.records import Review

PASSED = [{"rung": 3, "name": "x", "passed": True, "detail": ""}]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


def written(workspace: Workspace, package: str, version: int = 1, **texts: Any) -> str:
    """A folder with no more of a manifest than the index reads; the manifest's SHA-256."""
    manifest = {
        "question": texts.get("question", "Which is better?"),
        "branch": {
            "hypothesis": {"statement": texts.get("statement", "")},
            "dead_end": {"failure_mode": "", "lesson": texts["lesson"]} if "lesson" in texts else None,
        },
        "claims": [{"statement": claim} for claim in texts.get("claims", ())],
    }
    folder = workspace.packages / package / f"v{version}"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(canonical(manifest))
    return sha256(canonical(manifest))


def make(workspace: Workspace, package: str, version: int = 1, *, rung: int | None = None, **texts: Any) -> Path:
    """Write and publish a package, and verify it where a rung is given."""
    digest = written(workspace, package, version, **texts)
    summary = {
        "title": texts.get("title", package),
        "outcome": texts.get("outcome", "supported"),
        "category": texts.get("category", "cs.PF"),
        "tags": texts.get("tags", []),
        "run": "run",
        "created": "2026-01-01T00:00:00.000+00:00",
        "claims": {"total": 1, "decided": 1, "supported": 1},
    }
    payload = {"package": package, "version": version, "summary": summary, "manifest": digest}
    append_event(workspace.ledger_path, RUN, "package.published", payload, "compilation")
    path = workspace.packages / package / f"v{version}" / "manifest.json"
    if rung is not None:
        verify(workspace, package, rung, version)
    return path


def verify(workspace: Workspace, package: str, rung: int, version: int = 1) -> None:
    digest = sha256((workspace.packages / package / f"v{version}" / "manifest.json").read_bytes())
    record_verification(workspace, package, version, rung, PASSED, "v", manifest=digest)


def found(workspace: Workspace, **facets: Any) -> set[str]:
    total, listed = find_packages(workspace, Facets(**facets))
    assert total == len(listed)
    return {item["id"] for item in listed}


# Search and facets


@pytest.fixture
def library(workspace: Workspace) -> Workspace:
    make(workspace, "by-title", title="LFU-perfect against LRU on hit_rate")
    make(workspace, "by-statement", statement="Sinks keep perplexity low")
    make(workspace, "by-question", question="Does warm-up matter for ARC?")
    make(workspace, "by-claim", claims=["Outliers need per-channel scales", "The café is crowded"])
    make(workspace, "by-lesson", lesson="Never compare caches without the same warm-up", outcome="crashed")
    make(workspace, "by-tag", tags=["Attention", "tiling"], category="cs.LG", rung=3)
    return workspace


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("lfu", {"by-title"}),
        ("LFU-perfect", {"by-title"}),
        ("hit_rate", {"by-title"}),
        ("lru lfu", {"by-title"}),
        ('"lru lfu"', set()),
        ('"against lru"', {"by-title"}),
        ("perplexity", {"by-statement"}),
        ("arc", {"by-question"}),
        ("outlier", {"by-claim"}),
        ("cafe", {"by-claim"}),
        ("CAFÉ", {"by-claim"}),
        ("comparing", {"by-lesson"}),
        ("warm-up", {"by-question", "by-lesson"}),
        ("cach*", {"by-lesson"}),
        ("warm* same", {"by-lesson"}),
        ("tiling attention", {"by-tag"}),
        ("lfu AND", set()),
        ("nowhere", set()),
        ('lfu" OR "sinks', set()),
        ("title:lfu", set()),
        ("lfu NEAR(x)", set()),
    ],
)
def test_search_reads_title_statement_question_claims_lesson_and_tags(
    library: Workspace, text: str, names: set[str]
) -> None:
    assert found(library, search=text) == names


@pytest.mark.parametrize("text", ["!!!", "  ", '""', "_", "*"])
def test_a_search_without_a_word_is_refused(library: Workspace, text: str) -> None:
    with pytest.raises(BadInputError, match="holds no word"):
        find_packages(library, Facets(search=text))


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = open_workspace(tmp_path_factory.mktemp("one") / "workspace", create=True)
    make(workspace, "a", title="x")
    return workspace


@settings(max_examples=200, deadline=None)
@given(text=st.text(min_size=1))
def test_no_text_breaks_the_search(one: Workspace, text: str) -> None:
    with suppress(BadInputError):
        find_packages(one, Facets(search=text))


@pytest.mark.parametrize(
    ("facets", "names"),
    [
        ({"outcome": "crashed"}, {"by-lesson"}),
        ({"category": "cs.lg"}, {"by-tag"}),
        ({"tag": "attention"}, {"by-tag"}),
        ({"tag": "atten"}, set()),
        ({"rung": 1}, {"by-tag"}),
        ({"rung": 0, "search": "warm"}, {"by-question", "by-lesson"}),
        ({"tension": "open"}, {"by-title", "by-claim"}),
        ({"tension": "contested"}, {"by-question"}),
        ({"tension": "none"}, {"by-statement", "by-lesson", "by-tag"}),
    ],
)
def test_facets_narrow_the_list(library: Workspace, facets: dict[str, Any], names: set[str]) -> None:
    sides = Side(package="by-title", version=1, claim="C01"), Side(package="by-claim", version=1, claim="C01")
    record(library, TensionOpened(tension="t", sides=sides, tension_class="tension"), "test")
    source = Source(package="by-tag")
    refuted = Refuted(package="by-question", version=1, claim="C01", source=source, protocol="exact")
    record(library, refuted, "test")
    assert found(library, **facets) == names


@pytest.mark.parametrize(("facet", "value"), [("outcome", "great"), ("tension", "high")])
def test_an_unknown_value_of_a_closed_facet_is_refused(library: Workspace, facet: str, value: str) -> None:
    with pytest.raises(BadInputError, match=f"--{facet} '{value}' is none of"):
        found(library, **{facet: value})


def test_a_limit_cuts_the_list_and_not_the_count(library: Workspace) -> None:
    total, listed = find_packages(library, limit=2)
    assert (total, len(listed)) == (6, 2)
    assert listed == list_packages(library)[:2]


# Following what changes


def test_new_events_and_versions_are_taken_in(workspace: Workspace) -> None:
    make(workspace, "a", title="First")
    assert found(workspace, search="first") == {"a"}
    verify(workspace, "a", 3)
    assert [p["rung"] for p in list_packages(workspace)] == [3]
    make(workspace, "a", 2, title="Second")
    (entry,) = list_packages(workspace)
    assert (entry["version"], entry["rung"], entry["title"]) == (2, 0, "Second")
    assert found(workspace, search="first") == set()
    assert found(workspace, search="second") == {"a"}


def test_a_package_edited_after_verification_is_shown_changed_and_falls_to_rung_0(workspace: Workspace) -> None:
    path = make(workspace, "a", rung=3)
    kept = path.read_bytes()

    def shown() -> tuple[int, float, str, int]:
        (entry,) = list_packages(workspace)
        return entry["rung"], entry["attention"], entry["freshness"], explain(workspace, "a")["attention"]

    assert shown() == (3, 10.0, "fresh", 10_000)
    path.write_bytes(kept.replace(b"better", b"bitter"))
    assert shown() == (0, 1.0, "changed", 1000)
    assert found(workspace, fresh=True) == set()
    assert found(workspace, fresh=False) == {"a"}
    assert found(workspace, search="bitter") == {"a"}
    verify(workspace, "a", 3)
    assert shown() == (0, 1.0, "changed", 1000)
    path.write_bytes(kept)
    assert shown() == (3, 10.0, "fresh", 10_000)
    shutil.rmtree(path.parent)
    assert shown() == (0, 1.0, "missing", 1000)


def test_an_edit_that_keeps_size_and_time_is_noticed(workspace: Workspace) -> None:
    path = make(workspace, "a", rung=3)
    assert [p["rung"] for p in list_packages(workspace)] == [3]
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"better", b"bitter"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [p["rung"] for p in list_packages(workspace)] == [0]


def test_a_package_of_an_old_ledger_is_bound_by_its_verification(workspace: Workspace) -> None:
    path = make(workspace, "a")
    text = workspace.ledger_path.read_text()
    workspace.ledger_path.unlink()
    payload = json.loads(text)["payload"]
    del payload["manifest"]
    append_event(workspace.ledger_path, RUN, "package.published", payload, "compilation")
    record_verification(workspace, "a", 1, 2, PASSED, "v")
    path.write_bytes(path.read_bytes() + b"\n")
    assert [(p["rung"], p["freshness"]) for p in list_packages(workspace)] == [(2, "fresh")]
    verify(workspace, "a", 3)
    assert [(p["rung"], p["freshness"]) for p in list_packages(workspace)] == [(3, "fresh")]
    path.write_bytes(path.read_bytes() + b"\n")
    assert [(p["rung"], p["freshness"]) for p in list_packages(workspace)] == [(0, "changed")]
    verify(workspace, "a", 1)
    assert [(p["rung"], p["freshness"]) for p in list_packages(workspace)] == [(1, "fresh")]


@pytest.mark.parametrize("name", ["..", "../outside", "a/b", "a\0b", "."])
def test_a_package_name_that_leads_out_of_the_folder_is_not_followed(workspace: Workspace, name: str) -> None:
    (workspace.packages / "v1").mkdir(parents=True)
    make(workspace, "fine")
    payload = {"package": name, "version": 1, "manifest": "0" * 64}
    summary = {"title": "t", "outcome": "null", "category": "", "tags": [], "run": "", "created": ""}
    payload["summary"] = {**summary, "claims": {"total": 0, "decided": 0, "supported": 0}}
    append_event(workspace.ledger_path, RUN, "package.published", payload, "test")
    assert {p["id"]: p["freshness"] for p in list_packages(workspace)} == {"fine": "fresh", name: "missing"}


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"7", b'{"branch": 3, "claims": {"a": 1}}', b'{"claims": [1, {}]}'])
def test_a_manifest_of_another_form_is_listed_by_what_the_ledger_says(workspace: Workspace, text: bytes) -> None:
    make(workspace, "a", title="Known").write_bytes(text)
    assert found(workspace, search="known") == {"a"}


# Never the truth


def rebuilt(workspace: Workspace) -> list[dict[str, Any]]:
    """The list by an index made from nothing."""
    for left in workspace.root.glob("index.*"):
        left.unlink()
    return list_packages(workspace)


def overwritten(path: Path) -> None:
    path.write_bytes(b"this is not a database" * 100)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def scrambled(path: Path) -> None:
    data, draw = bytearray(path.read_bytes()), random.Random(0)
    data[4096:] = draw.randbytes(len(data) - 4096)
    path.write_bytes(data)


def of_another_schema(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.execute("DROP TABLE packages")
    connection.commit()
    connection.close()


def without_a_table(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE texts")
    connection.commit()
    connection.close()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "damage", [overwritten, cut, scrambled, of_another_schema, without_a_table, a_folder, Path.unlink]
)
def test_a_damaged_index_is_made_anew_without_a_word(
    library: Workspace, damage: Callable[[Path], None], capfd: pytest.CaptureFixture[str]
) -> None:
    before = list_packages(library)
    damage(library.root / "index.sqlite")
    make(library, "later", title="Later warm-up")
    assert len(list_packages(library)) == len(before) + 1
    assert found(library, search="warm-up") == {"by-question", "by-lesson", "later"}
    assert capfd.readouterr() == ("", "")


def test_another_formula_makes_the_index_anew(library: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list_packages(library)[0]["attention"] == 10.0
    monkeypatch.setattr("evidentia.hub.ranking.formula.PER_RUNG", 5000)
    assert list_packages(library)[0]["attention"] == 10.0
    monkeypatch.setattr("evidentia.hub.ranking.listing.FORMULA_OF_PACKAGES", Formula("attention/2", rate))
    assert list_packages(library)[0]["attention"] == 16.0


def test_a_ledger_changed_behind_the_index_is_refused(library: Workspace) -> None:
    list_packages(library)
    text = library.ledger_path.read_bytes()
    library.ledger_path.write_bytes(text.replace(b'"outcome":"crashed"', b'"outcome":"refuted"', 1))
    with pytest.raises(IntegrityError, match="event 4 was changed"):
        list_packages(library)
    append_event(library.ledger_path, RUN, "other.kind", {}, "test")
    with pytest.raises(IntegrityError, match="event 4 was changed"):
        list_packages(library)
    library.ledger_path.write_bytes(text)
    assert len(list_packages(library)) == 6


def test_a_ledger_restored_from_a_copy_or_gone_is_followed(library: Workspace) -> None:
    old = library.ledger_path.read_bytes()
    make(library, "later")
    assert len(list_packages(library)) == 7
    library.ledger_path.write_bytes(old)
    assert len(list_packages(library)) == 6
    library.ledger_path.unlink()
    assert list_packages(library) == []
    library.ledger_path.write_bytes(old)
    assert len(list_packages(library)) == 6


def test_a_torn_last_line_is_left_out_until_it_is_whole(workspace: Workspace) -> None:
    make(workspace, "a")
    make(workspace, "b")
    text = workspace.ledger_path.read_bytes()
    workspace.ledger_path.write_bytes(text[:-40])
    assert [p["id"] for p in list_packages(workspace)] == ["a"]
    workspace.ledger_path.write_bytes(text)
    assert [p["id"] for p in list_packages(workspace)] == ["a", "b"]


STEPS = st.lists(
    st.tuples(st.sampled_from(["make", "verify", "cite", "review", "edit", "remove", "list"]), st.sampled_from("abc")),
    max_size=14,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_an_index_updated_step_by_step_is_one_made_at_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    workspace = open_workspace(tmp_path_factory.mktemp("steps") / "workspace", create=True)
    versions: dict[str, int] = {}
    for number, (step, name) in enumerate(steps):
        path = workspace.packages / name / f"v{versions.get(name, 0)}" / "manifest.json"
        if step == "make":
            versions[name] = versions.get(name, 0) + 1
            make(workspace, name, versions[name], title=f"step {number}")
        elif step == "verify" and path.exists():
            verify(workspace, name, number % 4, versions[name])
        elif step == "cite":
            source = Source(package=f"source-{number}", run=str(number % 3))
            record(workspace, Cited(package=name, version=1, source=source), "test")
        elif step == "review" and name in versions:
            record_review(workspace, name, versions[name], REVIEW)
        elif step == "edit" and path.exists():
            path.write_bytes(path.read_bytes() + b"\n")
        elif step == "remove" and path.exists():
            path.unlink()
        elif step == "list":
            list_packages(workspace)
    listed = list_packages(workspace)
    assert listed == rebuilt(workspace)
    assert {p["id"] for p in listed} == set(versions)
    for entry in listed:
        assert explain(workspace, entry["id"])["attention"] == round(1000 * entry["attention"])


REVIEW = Review(
    reviewer="ada", kind="person", claims=(), scores={"soundness": 4}, overall="accept", confidence=4, summary=""
)


# Several processes

WORKER = """
import sys
from pathlib import Path
from evidentia.hub.ranking import list_packages
from evidentia.workspace.home import open_workspace
from evidentia.workspace.ledger import record_verification
workspace, me = open_workspace(Path(sys.argv[1])), int(sys.argv[2])
rungs = []
for step in range(25):
    if me == 0 and step % 8 == 3:
        (workspace.root / "index.sqlite").write_bytes(b"damaged" * 1000)
    passed = [{"rung": step % 4, "name": "x", "passed": True, "detail": ""}]
    record_verification(workspace, f"p{me}", 1, step % 4, passed, "v")
    rungs.append({p["id"]: p["rung"] for p in list_packages(workspace)}[f"p{me}"])
assert rungs == [0, 1, 2] + [3] * 22, rungs
"""


def test_processes_that_list_write_and_damage_at_once_see_what_they_wrote(workspace: Workspace) -> None:
    for i in range(3):
        make(workspace, f"p{i}")
    command = [sys.executable, "-c", WORKER, str(workspace.root)]
    workers = [subprocess.Popen([*command, str(i)], stderr=subprocess.PIPE, text=True) for i in range(3)]
    assert [(w.communicate(timeout=60)[1], w.returncode) for w in workers] == [("", 0)] * 3
    assert {p["id"]: p["rung"] for p in list_packages(workspace)} == {"p0": 3, "p1": 3, "p2": 3}
    assert list_packages(workspace) == rebuilt(workspace)


# A real package


def test_a_real_package_is_found_by_its_own_words(
    workspace: Workspace, refuted: Path, crashed: Path, supported: Path
) -> None:
    for path in (refuted, crashed, supported):
        shutil.copytree(path.parent, workspace.packages / path.parent.name, dirs_exist_ok=True)
        publish(workspace, path.parent.name, int(path.name[1:]), run="run", outcome="refuted")
    name = refuted.parent.name
    assert name in found(workspace, search='"higher hit rate than lru"')
    lesson = json.loads((crashed / "manifest.json").read_bytes())["branch"]["dead_end"]["lesson"]
    assert found(workspace, search=f'"{lesson}"') >= {crashed.parent.name}
