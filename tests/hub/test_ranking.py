"""Ranking: recomputed from the ledger alone, verification before anything else, failed branches like the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evidentia.hub.ranking import list_packages
from evidentia.workspace.eventlog import append_event
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.ledger import RUN, record_verification


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


def publish(workspace: Workspace, package: str, version: int = 1, **changes: Any) -> None:
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
    payload = {"package": package, "version": version, "summary": summary}
    append_event(workspace.ledger_path, RUN, "package.published", payload, "compilation")


def verified(workspace: Workspace, package: str, rung: int, asked: int | None = None, version: int = 1) -> None:
    asked = rung if asked is None else asked
    checks = [{"rung": r, "name": "check", "passed": r <= rung, "detail": ""} for r in range(asked + 1)]
    record_verification(workspace, package, version, rung, checks, "verifier")


def order(workspace: Workspace) -> list[str]:
    return [p["id"] for p in list_packages(workspace)]


def test_no_ledger_no_packages(workspace: Workspace) -> None:
    assert list_packages(workspace) == []


def test_a_package_has_the_shape_other_programs_rely_on(workspace: Workspace) -> None:
    publish(workspace, "a")
    (entry,) = list_packages(workspace)
    assert set(entry) == {
        *("id", "title", "outcome", "rung", "attention", "claims", "category", "tags", "run", "created", "version")
    }
    assert set(entry["claims"]) == {"total", "decided", "supported"}


@pytest.mark.parametrize(("rung", "points"), [(0, 1.0), (1, 4.0), (2, 7.0), (3, 10.0)])
def test_attention_is_what_verification_has_earned(workspace: Workspace, rung: int, points: float) -> None:
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
        assert list_packages(workspace)[0]["rung"] == rung


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


def test_the_ranking_is_the_same_whenever_it_is_computed(workspace: Workspace) -> None:
    for name in "badce":
        publish(workspace, name)
        verified(workspace, name, ord(name) % 3)
    assert list_packages(workspace) == list_packages(open_workspace(workspace.root))
