"""The ledger: shared by processes, chained, and never counted twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evidentia.errors import IntegrityError
from evidentia.workspace.eventlog import append_event, read_events
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.ledger import RUN, record_review, record_verification, standings
from evidentia.workspace.records import ClaimReview, Review

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


def published(workspace: Workspace, package: str) -> None:
    payload = {"package": package, "version": 1, "summary": {"title": package}}
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
