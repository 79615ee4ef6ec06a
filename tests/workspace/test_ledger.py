"""The ledger: shared by processes, chained, and never counted twice."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from evidentia.errors import IntegrityError
from evidentia.workspace.canonical import sha256
from evidentia.workspace.eventlog import append_event, read_events
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.ledger import RUN, publish, record, record_review, record_verification, source_of, standings
from evidentia.workspace.ledger_events import (
    KINDS,
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
from evidentia.workspace.records import ClaimReview, Review
from evidentia.workspace.signing import workspace_key
from evidentia.workspace.standing import Standing

WRITER = """
import sys
from pathlib import Path
from evidentia.workspace.home import open_workspace
from evidentia.workspace.ledger import record_verification
workspace = open_workspace(Path(sys.argv[1]))
for _ in range(40):
    record_verification(workspace, sys.argv[2], 1, 1, [{"rung": 1, "name": "files", "passed": True, "detail": ""}], "w")
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


SUMMARY = {
    "title": "T",
    "outcome": "supported",
    "category": "cs.PF",
    "tags": [],
    "run": "run",
    "created": "2026-01-01T00:00:00+00:00",
    "claims": {"total": 1, "decided": 1, "supported": 1},
}


def published(workspace: Workspace, package: str, **bound: str) -> None:
    payload = {"package": package, "version": 1, "summary": SUMMARY, **bound}
    append_event(workspace.ledger_path, RUN, "package.published", payload, "compilation")


def test_processes_that_write_at_once_leave_one_unbroken_chain(workspace: Workspace) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(workspace.root), f"package-{i}"], stderr=subprocess.PIPE)
        for i in range(3)
    ]
    assert [w.communicate()[1] for w in writers] == [b"", b"", b""]
    events = list(read_events(workspace.ledger_path))
    assert [e.seq for e in events] == list(range(120))
    assert [sum(e.payload["package"] == f"package-{i}" for e in events) for i in range(3)] == [40, 40, 40]


def test_a_verification_records_what_failed(workspace: Workspace) -> None:
    published(workspace, "a")
    checks = [
        {"rung": 0, "name": "layout", "passed": True, "detail": "fine"},
        {"rung": 1, "name": "files", "passed": False, "detail": "README.md was changed"},
    ]
    event = record_verification(workspace, "a", 1, 0, checks, "verifier")
    assert event.payload["failed"] == checks[1:]
    assert event.payload["asked"] == 1
    assert standings(workspace)["a"].rung == 0


def test_a_review_is_kept_with_its_package(workspace: Workspace) -> None:
    published(workspace, "a")
    review = Review(
        reviewer="ada",
        kind="person",
        claims=(ClaimReview(claim="C01", verdict="supported", reason="the rows say so"),),
        scores={"soundness": 4},
        overall="accept",
        confidence=4,
        summary="Sound.",
    )
    record_review(workspace, "a", 1, review)
    assert standings(workspace)["a"].reviews == [review.to_json()]


def test_events_of_unpublished_packages_give_no_standing(workspace: Workspace) -> None:
    record_verification(workspace, "ghost", 1, 0, [{"rung": 0, "name": "x", "passed": True, "detail": ""}], "v")
    assert standings(workspace) == {}


def test_a_changed_ledger_is_refused(workspace: Workspace) -> None:
    published(workspace, "a")
    record_verification(workspace, "a", 1, 0, [{"rung": 0, "name": "x", "passed": True, "detail": ""}], "v")
    text = workspace.ledger_path.read_bytes()
    workspace.ledger_path.write_bytes(text.replace(b'"rung":0', b'"rung":3', 1))
    with pytest.raises(IntegrityError, match="event 1 was changed"):
        standings(workspace)


def test_a_line_torn_by_a_crash_is_cut_off_by_the_next_writer(workspace: Workspace) -> None:
    published(workspace, "a")
    with workspace.ledger_path.open("ab") as ledger:
        ledger.write(b'{"schema":"event/1","seq":1,')
    record_verification(workspace, "a", 1, 1, [{"rung": 1, "name": "x", "passed": True, "detail": ""}], "v")
    assert standings(workspace)["a"].rung == 1


def test_an_event_has_the_same_keys_in_the_same_order_when_it_is_read_back(workspace: Workspace) -> None:
    written = append_event(workspace.ledger_path, RUN, "test", {"b": 1.0, "a": {"d": [2.5], "c": "ä"}}, "w")
    (read,) = read_events(workspace.ledger_path)
    assert repr(written) == repr(read)


# What verifications are bound to

PASSED = [{"rung": 3, "name": "x", "passed": True, "detail": ""}]


def verified(workspace: Workspace, rung: int, manifest: str = "") -> Standing:
    record_verification(workspace, "a", 1, rung, PASSED, "v", manifest=manifest)
    return standings(workspace)["a"]


def test_a_verification_of_another_manifest_than_the_published_one_does_not_count(workspace: Workspace) -> None:
    published(workspace, "a", manifest="1" * 64)
    assert verified(workspace, 3, "2" * 64).rung == 0
    standing = verified(workspace, 2, "1" * 64)
    assert standing.rung == 2
    assert standing.disregarded
    assert standing.disregarded.seq == 1


def test_a_verification_without_a_digest_still_counts(workspace: Workspace) -> None:
    published(workspace, "a", manifest="1" * 64)
    assert verified(workspace, 3).rung == 3


def test_where_the_publication_has_no_digest_the_last_verification_gives_it(workspace: Workspace) -> None:
    published(workspace, "a")
    assert verified(workspace, 3).manifest == ""
    assert verified(workspace, 3, "1" * 64).rung == 3
    assert verified(workspace, 1, "1" * 64).rung == 3
    standing = verified(workspace, 1, "2" * 64)
    assert (standing.rung, standing.manifest) == (1, "2" * 64)


def test_a_verification_names_its_attestation_and_key_only_where_there_are_any(workspace: Workspace) -> None:
    bare = record_verification(workspace, "a", 1, 3, PASSED, "v")
    assert set(bare.payload) == {"package", "version", "rung", "asked", "failed"}
    signed = record_verification(workspace, "a", 1, 3, PASSED, "v", attestation="a", key="k", manifest="m")
    assert {k: signed.payload[k] for k in ("attestation", "key", "manifest")} == {
        "attestation": "a",
        "key": "k",
        "manifest": "m",
    }


def test_publishing_binds_the_manifest_the_node_and_the_key(workspace: Workspace, supported: Path) -> None:
    package = supported.parent.name
    shutil.copytree(supported.parent, workspace.packages / package)
    publish(workspace, package, 1, run="run-1", outcome="supported")
    standing = standings(workspace)[package]
    assert standing.manifest == sha256((supported / "manifest.json").read_bytes())
    assert standing.key == workspace_key(workspace).keyid
    source = source_of(workspace, package)
    assert (source.package, source.run, source.node, source.key) == (package, "run-1", "N001", standing.key)


def test_an_import_of_an_unknown_author_has_no_key(workspace: Workspace, supported: Path) -> None:
    package = supported.parent.name
    shutil.copytree(supported.parent, workspace.packages / package)
    publish(workspace, package, 1, run="run-1", outcome="supported", key="")
    assert standings(workspace)[package].key == ""
    assert not (workspace.root / "keys").exists()


def test_an_unpublished_package_is_no_source(workspace: Workspace) -> None:
    with pytest.raises(IntegrityError, match="ghost is not published"):
        source_of(workspace, "ghost")


# Kinds of events

SIDES = (Side(package="a", version=1, claim="C01"), Side(package="b", version=1, claim="C02"))
B = Source(package="b", version=1, run="r")
EXAMPLES: list[Payload] = [
    Cited(package="a", version=1, source=B),
    BuiltOn(package="a", version=1, source=B, place="RW01"),
    Used(package="a", version=1, source=B, artifact="0" * 64, file="evidence/rows/E01.jsonl", evidence="1" * 64),
    Avoided(package="a", version=1, source=Source(run="r"), avoided="h-0123456789"),
    Confirmed(package="a", version=1, claim="C01", source=B, protocol="exact"),
    Refuted(package="a", version=1, claim="C01", source=B, protocol="different"),
    TensionOpened(tension="t", sides=SIDES, tension_class="boundary"),
    TensionResolved(tension="t", sides=SIDES, source=B, verified=True, conditions=("capacity",)),
    Retracted(package="a", version=1, reason="wrong trace"),
]


def test_every_kind_has_an_example_here() -> None:
    assert {payload.kind for payload in EXAMPLES} == set(KINDS)


@pytest.mark.parametrize("payload", EXAMPLES, ids=lambda p: p.kind)
def test_an_event_of_each_kind_is_read_back_as_its_payload(workspace: Workspace, payload: Payload) -> None:
    published(workspace, "a")
    published(workspace, "b")
    record(workspace, payload, "test")
    event = list(read_events(workspace.ledger_path))[-1]
    assert event.kind == payload.kind
    assert KINDS[event.kind].model_validate(event.payload) == payload
    assert set(standings(workspace)) == {"a", "b"}


@pytest.mark.parametrize("payload", EXAMPLES, ids=lambda p: p.kind)
def test_a_mangled_event_is_named_by_its_number(workspace: Workspace, payload: Payload) -> None:
    published(workspace, "a")
    mangled = {**payload.to_json(), "surprise": 1}
    append_event(workspace.ledger_path, RUN, payload.kind, mangled, "test")
    with pytest.raises(IntegrityError, match=f"event 1 of the ledger is not a {payload.kind}"):
        standings(workspace)


@pytest.mark.parametrize("kind", ["package.published", "package.verified", "review.submitted"])
@pytest.mark.parametrize("payload", [{}, {"package": "a"}, {"package": "a", "version": 1, "summary": {}}])
def test_a_mangled_basic_event_is_named_too(workspace: Workspace, kind: str, payload: dict[str, object]) -> None:
    published(workspace, "a")
    append_event(workspace.ledger_path, RUN, kind, payload, "test")
    with pytest.raises(IntegrityError, match="event 1 of the ledger"):
        standings(workspace)


def test_kinds_of_a_later_version_are_passed_over(workspace: Workspace) -> None:
    published(workspace, "a")
    append_event(workspace.ledger_path, RUN, "package.admired", {"sides": 3, "source": []}, "test")
    assert standings(workspace)["a"].rung == 0


def test_a_source_names_a_package_or_a_run_and_a_replication_a_package() -> None:
    with pytest.raises(ValidationError, match="names a package or a run"):
        Source()
    with pytest.raises(ValidationError, match="is itself a package"):
        Confirmed(package="a", version=1, claim="C01", source=Source(run="r"), protocol="exact")


def test_the_standing_grows_with_sources_not_with_events(workspace: Workspace) -> None:
    published(workspace, "a")
    for _ in range(30):
        record(workspace, EXAMPLES[0], "test")
        record_verification(workspace, "a", 1, 3, PASSED, "v")
    standing = standings(workspace)["a"]
    assert len(standing.credits) == 1
    assert next(iter(standing.credits.values())).seq == 59
