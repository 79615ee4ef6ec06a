"""Ranking: recomputed from the ledger alone, verification before anything else, failed branches like the others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import BadInputError
from evidentia.hub.ranking import attention, explain, list_packages, record_uses, score
from evidentia.hub.ranking.formula import DECAY
from evidentia.workspace import ledger
from evidentia.workspace.canonical import canonical, content_id
from evidentia.workspace.eventlog import GENESIS, append_event
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.ledger import RUN, record, record_verification, standings
from evidentia.workspace.ledger_events import (
    Avoided,
    BuiltOn,
    Cited,
    Confirmed,
    Payload,
    Refuted,
    Retracted,
    Side,
    Source,
    TensionOpened,
    TensionResolved,
    Used,
)

FIELDS = ["id", "title", "outcome", "rung", "attention", "claims", "category", "tags", "run", "created", "version"]
SHA = "a" * 64
DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


def publication(package: str, version: int = 1, *, node: str = "", key: str = "", **changes: Any) -> dict[str, Any]:
    summary = {
        "title": package.title(),
        "outcome": "supported",
        "category": "cs.PF",
        "tags": ["caching"],
        "run": "run",
        "created": "2026-01-01T00:00:00.000+00:00",
        "claims": {"total": 2, "decided": 1, "supported": 1},
        **changes,
    }
    return {"package": package, "version": version, "summary": summary, "node": node, "key": key}


def publish(workspace: Workspace, package: str, version: int = 1, **changes: Any) -> None:
    append_event(
        workspace.ledger_path, RUN, "package.published", publication(package, version, **changes), "compilation"
    )


def verified(workspace: Workspace, package: str, rung: int, asked: int | None = None, version: int = 1) -> None:
    asked = rung if asked is None else asked
    checks = [{"rung": r, "name": "check", "passed": r <= rung, "detail": ""} for r in range(asked + 1)]
    record_verification(workspace, package, version, rung, checks, "verifier")


def order(workspace: Workspace) -> list[str]:
    return [p["id"] for p in list_packages(workspace)]


class Book:
    """A ledger written by hand, each event on a day of its own choosing."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.lines: list[bytes] = []
        self.last = GENESIS

    def event(self, kind: str, payload: dict[str, Any], day: float = 0) -> int:
        when = (DAY_0 + timedelta(days=day)).isoformat(timespec="milliseconds")
        body = {"schema": "event/1", "seq": len(self.lines), "time": when, "run": RUN, "kind": kind, "actor": "test"}
        body |= {"payload": payload, "prev": self.last}
        self.last = content_id(body)
        self.lines.append(canonical({**body, "hash": self.last}))
        return len(self.lines) - 1

    def published(self, package: str, day: float = 0, **how: Any) -> int:
        return self.event("package.published", publication(package, **how), day)

    def verified(self, package: str, rung: int, day: float = 0, **bound: str) -> int:
        payload = {"package": package, "version": 1, "rung": rung, "asked": rung, "failed": [], **bound}
        return self.event("package.verified", payload, day)

    def reviewed(self, package: str, person: str, points: int | dict[str, int], kind: str = "person") -> int:
        dimensions = ("soundness", "evidence", "significance", "reproducibility")
        scores = points if isinstance(points, dict) else dict.fromkeys(dimensions, points)
        review = {
            "schema": "review/1",
            "reviewer": person,
            "kind": kind,
            "claims": [],
            "scores": scores,
            "overall": "accept",
            "confidence": 3,
            "summary": "",
            "would_change_my_mind": "",
        }
        return self.event("review.submitted", {"package": package, "version": 1, "review": review})

    def use(self, payload: Payload, day: float = 0) -> int:
        return self.event(payload.kind, payload.to_json(), day)

    def cited(self, target: str, /, day: float = 0, **source: Any) -> int:
        return self.use(Cited(package=target, version=1, source=Source(**source)), day)

    def milli(self, package: str) -> int:
        """The attention of a package, by the ledger as it now is."""
        return attention(self.standings()[package])

    def standings(self) -> dict[str, Any]:
        self.workspace.ledger_path.write_bytes(b"\n".join(self.lines) + b"\n")
        return standings(self.workspace)

    def points(self, package: str) -> dict[int, int]:
        """Milli-points per event of a package."""
        self.standings()
        found: dict[int, int] = {}
        for event in explain(self.workspace, package)["events"]:
            found[event["seq"]] = found.get(event["seq"], 0) + event["points"]
        return found


@pytest.fixture
def book(workspace: Workspace) -> Book:
    return Book(workspace)


# The list


def test_no_ledger_no_packages(workspace: Workspace) -> None:
    assert list_packages(workspace) == []


def test_a_package_has_the_shape_other_programs_rely_on(workspace: Workspace) -> None:
    publish(workspace, "a")
    (entry,) = list_packages(workspace)
    assert list(entry) == [*FIELDS, "freshness", "tension", "human", "plus", "use", "oversight", "cpu_seconds"]
    assert set(entry["claims"]) == {"total", "decided", "supported"}
    assert entry["human"] == {"reviews": 0, "merit": None, "wrong": 0}


@pytest.mark.parametrize(("rung", "points"), [(0, 1.0), (1, 4.0), (2, 7.0), (3, 10.0), (4, 13.0), (5, 16.0)])
def test_an_intact_import_has_4_a_re_run_package_10_and_a_reproduced_one_13_points(
    workspace: Workspace, rung: int, points: float
) -> None:
    publish(workspace, "a")
    verified(workspace, "a", rung)
    assert list_packages(workspace)[0]["attention"] == points


def test_verified_packages_come_first_whatever_their_outcome(workspace: Workspace) -> None:
    publish(workspace, "success")
    publish(workspace, "failure", outcome="crashed", claims={"total": 0, "decided": 0, "supported": 0})
    verified(workspace, "success", 1)
    verified(workspace, "failure", 3)
    assert order(workspace) == ["failure", "success"]


def test_ties_go_to_decided_claims_then_the_newest_then_the_id(workspace: Workspace) -> None:
    publish(workspace, "d")
    publish(workspace, "c")
    publish(workspace, "b", created="2026-01-02T00:00:00.000+00:00")
    publish(workspace, "a", claims={"total": 2, "decided": 2, "supported": 0})
    assert order(workspace) == ["a", "b", "c", "d"]


def test_a_later_failure_demotes_and_a_later_pass_restores(workspace: Workspace) -> None:
    publish(workspace, "a")
    for reached, asked, rung in ((3, 3, 3), (1, 1, 3), (1, 3, 1), (3, 3, 3), (-1, 3, -1)):
        verified(workspace, "a", reached, asked)
        (entry,) = list_packages(workspace)
        assert (entry["rung"], entry["attention"]) == (rung, 1 + 3 * max(0, rung))


def test_an_author_who_cannot_reproduce_it_himself_takes_nothing_from_what_others_did(workspace: Workspace) -> None:
    publish(workspace, "a")
    only_the_operator = [{"rung": 4, "name": "another operator", "passed": False, "detail": ""}]
    failed = [{"rung": 4, "name": "same numbers", "passed": False, "detail": ""}]
    shown = []
    for rung, checks, plus in ((3, only_the_operator, True), (4, [{**failed[0], "passed": True}], False)):
        record_verification(workspace, "a", 1, rung, checks, "v", plus=plus)
        shown.append([(p["rung"], p["plus"]) for p in list_packages(workspace)])
    for checks, plus in ((only_the_operator, True), (failed, False)):
        record_verification(workspace, "a", 1, 3, checks, "v", plus=plus)
        shown.append([(p["rung"], p["plus"]) for p in list_packages(workspace)])
    assert shown == [[(3, True)], [(4, False)], [(4, False)], [(3, False)]]


def test_a_new_version_starts_unverified(workspace: Workspace) -> None:
    publish(workspace, "a")
    verified(workspace, "a", 3)
    publish(workspace, "a", version=2)
    verified(workspace, "a", 3, version=1)
    (entry,) = list_packages(workspace)
    assert (entry["version"], entry["rung"]) == (2, 0)


def test_publishing_a_version_twice_counts_once(workspace: Workspace) -> None:
    publish(workspace, "a")
    verified(workspace, "a", 3)
    publish(workspace, "a")
    (entry,) = list_packages(workspace)
    assert entry["rung"] == 3


# Use


def test_decay_is_the_rounded_down_sixth_root_of_two() -> None:
    """2^(−k/6) in parts of a million, by integer comparison of sixth powers."""
    for k, part in enumerate(DECAY):
        assert part**6 * 2**k <= 10**36 < (part + 1) ** 6 * 2**k


@pytest.mark.parametrize(
    ("source", "x"),
    [
        ({"package": "a", "run": "elsewhere", "key": "k2"}, 0),
        ({"package": "b", "derived_from": "a", "key": "k2"}, 0),
        ({"package": "b", "run": "run", "node": "N1", "key": "k1"}, 0),
        ({"package": "b", "run": "run", "node": "N2", "key": "k1"}, 125),
        ({"package": "b", "run": "run", "key": "k1"}, 125),
        ({"package": "b", "run": "run"}, 125),
        ({"package": "b", "run": "other", "node": "N1", "key": "k1"}, 250),
        ({"package": "b", "run": "other"}, 250),
        ({"package": "b"}, 250),
        ({"package": "b", "run": "run", "node": "N1", "key": "k2"}, 500),
        ({"run": "other", "key": "k2"}, 500),
    ],
)
def test_a_use_counts_by_how_independent_its_source_is(book: Book, source: dict[str, Any], x: int) -> None:
    book.published("a", node="N1", key="k1")
    book.cited("a", **source)
    assert book.milli("a") == 1000 + 4000 * x // (x + 4000)


def test_a_published_source_cannot_pretend_to_come_from_elsewhere(book: Book) -> None:
    book.published("a", node="N1", key="k1")
    book.published("b", node="N2", key="k1")
    book.cited("a", package="b", run="other", node="N9", key="k2")
    assert book.milli("a") == 1000 + 4000 * 125 // 4125


@pytest.mark.parametrize(
    ("payload", "base"),
    [
        (Cited(package="a", version=1, source=Source(package="b", key="k2")), 500),
        (BuiltOn(package="a", version=1, source=Source(package="b", key="k2")), 500),
        (
            Used(package="a", version=1, source=Source(package="b", key="k2"), artifact=SHA, file="f", evidence="e"),
            1000,
        ),
        (Avoided(package="a", version=1, source=Source(run="r", key="k2"), avoided="h-1"), 1000),
        (Confirmed(package="a", version=1, claim="C01", source=Source(package="b", key="k2"), protocol="exact"), 2000),
        (Confirmed(package="a", version=1, claim="C01", source=Source(package="b", key="k2"), protocol="unknown"), 0),
        (Refuted(package="a", version=1, claim="C01", source=Source(package="b", key="k2"), protocol="exact"), 0),
    ],
)
def test_each_type_of_use_has_its_base(book: Book, payload: Payload, base: int) -> None:
    book.published("a", key="k1")
    book.use(payload)
    assert book.milli("a") == 1000 + 4000 * base // (base + 4000)


def test_an_exact_confirmation_counts_for_both_packages(book: Book) -> None:
    book.published("a", key="k1", run="r1")
    book.published("b", key="k2", run="r2")
    book.use(Confirmed(package="a", version=1, claim="C01", source=Source(package="b"), protocol="exact"))
    assert book.milli("a") == book.milli("b") == 1000 + 4000 * 2000 // 6000


def test_a_refuting_replication_contests_the_claim_until_the_tension_is_explained(book: Book) -> None:
    for name in "abc":
        book.published(name, run=name)
    sides = (Side(package="a", version=1, claim="C01"), Side(package="b", version=1, claim="C02"))
    marks = [book.standings()["a"].tension]
    for payload in (
        TensionOpened(tension="t", sides=sides, tension_class="boundary"),
        Refuted(package="a", version=1, claim="C01", source=Source(package="b"), protocol="exact"),
        TensionResolved(tension="t", sides=sides, source=Source(package="c", run="c"), verified=False),
        TensionResolved(tension="t", sides=sides, source=Source(package="c", run="c"), verified=True),
    ):
        book.use(payload)
        marks.append(book.standings()["a"].tension)
    assert marks == ["none", "open", "contested", "contested", "resolved"]
    assert book.milli("a") == book.milli("b") == 1000
    assert book.milli("c") == 1000 + 4000 * 500 // 4500


def test_half_of_a_use_is_left_after_180_days_and_verification_never_decays(book: Book) -> None:
    book.published("a", key="k1")
    book.verified("a", 3)
    book.published("b", day=0)
    book.cited("a", package="b", key="k2")
    for day, x in ((0, 500), (29.999, 500), (30, 445), (59, 445), (180, 250), (360, 125), (36000, 0)):
        book.event("other.kind", {}, day)
        assert book.milli("a") == 10_000 + 4000 * x // (x + 4000)


def test_of_one_lineage_only_the_best_event_of_a_type_counts(book: Book) -> None:
    book.published("a", key="k1")
    for day in range(20):
        book.cited("a", day=day, package="b", version=day + 1, run="other")
    book.cited("a", day=20, package="fork-of-b", derived_from="b", run="other")
    assert book.milli("a") == 1000 + 4000 * 250 // 4250
    book.use(BuiltOn(package="a", version=1, source=Source(package="b", run="other")), day=20)
    assert book.milli("a") == 1000 + 4000 * 500 // 4500


def test_an_old_independent_use_gives_way_to_a_fresh_one_only_when_that_weighs_more(book: Book) -> None:
    book.published("a", key="k1")
    book.cited("a", day=0, package="b", key="k2")
    book.cited("a", day=100, package="b", run="other")
    assert book.milli("a") == 1000 + 4000 * 353 // 4353
    book.cited("a", day=230, package="b", run="other")
    assert book.milli("a") == 1000 + 4000 * 250 // 4250


def test_a_new_version_keeps_what_use_has_earned_but_no_review_and_no_rung(book: Book) -> None:
    book.published("a", key="k1")
    book.verified("a", 3)
    book.reviewed("a", "Ada", 4)
    book.cited("a", package="b", key="k2")
    book.published("a", version=2, key="k1")
    assert book.milli("a") == 1000 + 4000 * 500 // 4500


def test_a_retracted_version_has_no_attention_until_a_new_one_is_published(book: Book) -> None:
    book.published("a", key="k1")
    book.verified("a", 3)
    book.cited("a", package="b", key="k2")
    retraction = book.use(Retracted(package="a", version=1, reason="the trace was mislabelled"))
    assert book.milli("a") == 0
    assert sum(book.points("a").values()) == 0
    assert book.points("a")[retraction] == -10_444
    assert [p["attention"] for p in list_packages(book.workspace)] == [0.0]
    book.published("a", version=2, key="k1")
    assert book.milli("a") == 1444


@pytest.fixture
def pair(workspace: Workspace, supported: Path, refuted: Path) -> tuple[Workspace, str, str]:
    """A workspace with a package and another that says it had the first one's rows as an input."""
    used, user = supported.parent.name, refuted.parent.name + "-user"
    shutil.copytree(supported, workspace.packages / used / "v1")
    shutil.copytree(refuted, workspace.packages / user / "v1")
    rows = json.loads((supported / "manifest.json").read_bytes())["files"]["evidence/rows/E01.jsonl"]
    manifest = workspace.packages / user / "v1" / "manifest.json"
    data = json.loads(manifest.read_bytes())
    data["branch"]["runs"][0]["evidence"]["inputs"] = {"theirs.jsonl": rows}
    manifest.write_bytes(canonical(data) + b"\n")
    for name in (used, user):
        ledger.publish(workspace, name, 1, run=f"run of {name}", outcome="supported")
    return workspace, used, user


def test_rows_that_were_an_input_of_a_passing_run_are_a_use_written_once(pair: tuple[Workspace, str, str]) -> None:
    workspace, used, user = pair
    (event,) = record_uses(workspace, user, 1)
    assert (event.kind, event.payload["package"], event.payload["file"]) == (
        "package.used",
        used,
        "evidence/rows/E01.jsonl",
    )
    assert record_uses(workspace, user, 1) == []
    assert explain(workspace, used)["parts"]["U"] == 4000 * 500 // 4500
    assert explain(workspace, user)["parts"]["U"] == 0


def test_a_run_that_failed_and_a_package_without_inputs_use_nothing(pair: tuple[Workspace, str, str]) -> None:
    workspace, used, user = pair
    assert record_uses(workspace, used, 1) == []
    manifest = workspace.packages / user / "v1" / "manifest.json"
    data = json.loads(manifest.read_bytes())
    data["branch"]["runs"][0]["evidence"]["exit_status"] = 1
    manifest.write_bytes(canonical(data) + b"\n")
    assert record_uses(workspace, user, 1) == []


# People


def test_reviews_count_per_person_the_latest_only(book: Book) -> None:
    book.published("a")
    book.reviewed("a", "Ada", 1)
    book.reviewed("a", " ADA ", 4)
    assert book.milli("a") == 1000 + 4 * 500 // 3
    book.reviewed("a", "Bob", 1)
    assert book.milli("a") == 1000


def test_merit_runs_from_the_lowest_to_the_highest_answer_of_the_form(book: Book) -> None:
    book.published("a")
    for points, merit in (({"soundness": 3, "evidence": 2}, 500), ({"soundness": 4, "evidence": 3}, 833), (1, 0)):
        book.reviewed("a", "Ada", points)
        assert book.milli("a") == 1000 + 4 * (merit - 500) // 3


@pytest.mark.parametrize("points", [{}, {"charm": 4}])
def test_a_review_that_scores_nothing_of_the_form_changes_nothing(book: Book, points: dict[str, int]) -> None:
    book.published("a")
    book.reviewed("a", "Ada", points)
    assert book.milli("a") == 1000


def test_reviews_by_language_models_are_shown_and_never_counted(book: Book) -> None:
    book.published("a")
    event = book.reviewed("a", "gpt", 4, kind="agent")
    assert book.milli("a") == 1000
    assert book.points("a")[event] == 0
    assert list_packages(book.workspace)[0]["human"]["reviews"] == 0


# Laws


def sybils(book: Book, rung: int, **source: Any) -> int:
    """A package of some rung with 50 citations from 50 packages, each of its own run, and 50 perfect reviews."""
    book.published("stub", key="k1")
    if rung:
        book.verified("stub", rung)
    for i in range(50):
        book.cited("stub", package=f"sybil-{i}", run=f"sybil-run-{i}", **source)
        book.reviewed("stub", f"sybil {i}", 4)
    return book.milli("stub")


@pytest.mark.parametrize(
    ("rung", "key", "points"), [(0, "k1", 5953), (1, "k1", 8953), (0, "another", 6371), (1, "another", 9371)]
)
def test_fifty_sybils_never_lift_what_was_not_run_over_what_was(book: Book, rung: int, key: str, points: int) -> None:
    assert sybils(book, rung, key=key) == points < 10_000


def test_failed_branches_score_like_successful_ones_at_the_same_evidence(book: Book) -> None:
    outcomes = ("supported", "refuted", "null", "crashed")
    for outcome in outcomes:
        book.published(outcome, outcome=outcome, key="k1")
        book.verified(outcome, 3)
        book.cited(outcome, package="b", key="k2")
        book.use(Avoided(package=outcome, version=1, source=Source(run="r"), avoided="h-1"))
        book.reviewed(outcome, "Ada", 3)
    assert len({book.milli(outcome) for outcome in outcomes}) == 1


SOURCES = st.builds(
    Source,
    package=st.sampled_from("bcde"),
    run=st.sampled_from(["", "run", "other"]),
    node=st.sampled_from(["", "N1"]),
    key=st.sampled_from(["", "k1", "k2"]),
    derived_from=st.sampled_from(["", "b", "a"]),
)
USES = st.one_of(
    st.builds(Cited, package=st.just("a"), version=st.just(1), source=SOURCES),
    st.builds(Avoided, package=st.just("a"), version=st.just(1), source=SOURCES, avoided=st.just("h-1")),
    st.builds(
        Confirmed,
        package=st.just("a"),
        version=st.just(1),
        claim=st.just("C01"),
        source=SOURCES,
        protocol=st.sampled_from(["exact", "different", "unknown"]),
    ),
)
REVIEWS = st.tuples(st.sampled_from(["Ada", "Bob", "Cy", "Di", "Eve"]), st.integers(1, 4))
EVENTS = st.lists(st.tuples(st.one_of(USES, REVIEWS, st.integers(-1, 5)), st.integers(0, 900)), max_size=25)


def by_definition(events: list[tuple[Any, int]], now: int) -> tuple[int, Fraction, Fraction]:
    """V, U and H as the definition has them, with fractions instead of rounded integers (but for the decay)."""
    rung, merits = 0, dict[str, Fraction]()
    best = dict[tuple[str, str], Fraction]()
    for item, day in events:
        if isinstance(item, int):
            rung = max(rung, item)
        elif isinstance(item, tuple):
            merits[item[0]] = Fraction(1000 * (item[1] - 1), 3)
        else:
            source = item.source
            if "a" in (source.package, source.derived_from):
                share = Fraction(0)
            elif source.key == "k2":
                share = Fraction(1)
            elif source.run != "run":
                share = Fraction(1, 2)
            else:
                share = Fraction(0) if source.node == "N1" else Fraction(1, 4)
            base = {"package.cited": 500, "search.avoided": 1000}.get(item.kind, 2000)
            base = 0 if isinstance(item, Confirmed) and item.protocol != "exact" else base
            weight = base * share * Fraction(2 ** (-((now - day) // 30) / 6))
            lineage = item.kind, source.derived_from or source.package
            best[lineage] = max(best.get(lineage, Fraction(0)), weight)
    x = sum(best.values(), Fraction(0))
    human = 4 * ((sum(merits.values(), Fraction(0)) + 1000) / (len(merits) + 2) - 500)
    return 1000 + 3000 * max(0, rung), 4000 * x / (x + 4000), human


def written(root: Path, events: Iterable[tuple[Any, int]]) -> Book:
    book = Book(open_workspace(root, create=True))
    book.published("a", node="N1", key="k1")
    for item, day in events:
        if isinstance(item, int):
            book.verified("a", item, day)
        elif isinstance(item, tuple):
            book.reviewed("a", *item)
        else:
            book.use(item, day)
    return book


@settings(max_examples=150, deadline=None)
@given(events=EVENTS)
def test_integers_follow_the_definition_and_popularity_stays_under_six_points(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[Any, int]]
) -> None:
    book = written(tmp_path_factory.mktemp("law"), events)
    found = score(book.standings()["a"])
    now = max([0, *(day for item, day in events if not isinstance(item, tuple))])
    v, u, h = by_definition(events, now)
    assert found.verification == v
    assert u - 22 < found.use < u + 1
    assert h - 5 < found.human <= h
    assert found.use + found.human < 6000
    assert -2000 <= found.human < 2000
    assert sum(share.points for share in found.shares) == found.total
    why = explain(book.workspace, "a")
    assert sum(event["points"] for event in why["events"]) == why["attention"] == found.total
    seqs = {event["seq"] for event in why["events"]}
    assert seqs <= set(range(len(book.lines)))
    assert round(1000 * list_packages(book.workspace)[0]["attention"]) == found.total


RECOMPUTE = """
import json, sys
from pathlib import Path
from evidentia.hub.ranking import explain, list_packages
from evidentia.workspace.home import open_workspace
workspace = open_workspace(Path(sys.argv[1]))
listed = list_packages(workspace)
print(json.dumps([listed, [explain(workspace, p["id"]) for p in listed]]))
"""


def test_recomputation_is_byte_identical_elsewhere_later_and_after_the_index_is_gone(book: Book) -> None:
    for name in "badce":
        book.published(name, run=name)
        book.verified(name, ord(name) % 3, day=ord(name))
        book.cited("a", day=3 * ord(name), package=name, run=name, key=name)
        book.reviewed("b", name, 1 + ord(name) % 4)
    book.standings()
    told = list[bytes]()
    for gone, zone in ((False, "UTC"), (False, "Pacific/Kiritimati"), (True, "America/New_York")):
        if gone:
            for left in book.workspace.root.glob("index.*"):
                left.unlink()
        command = [sys.executable, "-c", RECOMPUTE, str(book.workspace.root)]
        env = {**os.environ, "TZ": zone, "PYTHONHASHSEED": str(len(told))}
        told.append(subprocess.run(command, check=True, capture_output=True, env=env).stdout)
    assert told[0] == told[1] == told[2]
    assert len(json.loads(told[0])[1]) == 5


def test_attention_at_an_earlier_time_counts_only_what_had_happened(book: Book) -> None:
    book.published("a", key="k1")
    book.verified("a", 1, day=1)
    book.verified("a", 3, day=10)
    book.cited("a", day=20, package="b", key="k2")
    book.standings()
    for day, points in ((0, 1000), (1, 4000), (10, 10_000), (20, 10_444), (200, 10_235)):
        at = (DAY_0 + timedelta(days=day)).isoformat()
        assert explain(book.workspace, "a", at)["attention"] == points


def test_a_verification_is_stale_half_a_year_later_by_the_time_of_the_ledger(book: Book) -> None:
    book.published("a", day=-300)
    book.published("never-verified", day=-300)
    book.verified("a", 3)
    marks = []
    for day in (180, 180.1, 181):
        if day == 181:
            book.verified("a", 3, day=day)
        book.event("other.kind", {}, day)
        book.standings()
        listed = {p["id"]: p for p in list_packages(book.workspace)}
        marks.append((listed["a"]["freshness"], listed["a"]["attention"], listed["never-verified"]["freshness"]))
    assert marks == [("fresh", 10.0, "stale"), ("stale", 10.0, "stale"), ("fresh", 10.0, "stale")]


# Why


def test_why_names_event_time_actor_and_what_decayed(book: Book) -> None:
    book.published("a", key="k1")
    event = book.cited("a", package="b", key="k2")
    book.verified("a", 1, day=61)
    book.standings()
    why = explain(book.workspace, "a")
    assert why["parts"] == {"V": 4000, "U": 360, "H": 0}
    (cited,) = [e for e in why["events"] if e["kind"] == "package.cited"]
    assert (cited["seq"], cited["points"], cited["part"], cited["actor"]) == (event, 360, "U", "test")
    assert "decayed 2 × 30 days = 396" in cited["told"]


def test_why_of_an_unpublished_package_is_refused_by_name(workspace: Workspace) -> None:
    publish(workspace, "a")
    with pytest.raises(BadInputError, match="ghost is not published"):
        explain(workspace, "ghost")


def test_events_written_by_record_are_read_back_as_they_were(workspace: Workspace) -> None:
    publish(workspace, "a", key="k1")
    payload = Used(package="a", version=1, source=Source(package="b", key="k2"), artifact=SHA, file="f", evidence="e")
    event = record(workspace, payload, "detector")
    (used,) = [e for e in explain(workspace, "a")["events"] if e["kind"] == "package.used"]
    assert (used["seq"], used["points"], used["actor"]) == (event.seq, 800, "detector")


def test_why_is_the_same_from_the_index_and_from_the_whole_ledger(workspace: Workspace) -> None:
    for name in ("a", "b"):
        publish(workspace, name)
    verified(workspace, "a", 3)
    verified(workspace, "b", 1)
    for name in ("a", "b"):
        assert explain(workspace, name, indexed=True) == explain(workspace, name)
    with pytest.raises(BadInputError, match="not published"):
        explain(workspace, "c", indexed=True)
