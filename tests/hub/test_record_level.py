"""A paper's record in the ladder: level 1, which says that the authors state it, and never more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidentia.agents.literature.paper import Paper
from evidentia.hub.exports import EXPORTS
from evidentia.hub.imports import Receipt, import_path
from evidentia.hub.imports.paper import import_paper
from evidentia.hub.ranking import list_packages
from evidentia.hub.verification import verify
from evidentia.workspace.home import Workspace, open_workspace
from tests.agents.literature.loopback import CANNED, atom

FLASH = CANNED["2205.14135v2"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


@pytest.fixture
def receipt(workspace: Workspace) -> Receipt:
    found = Paper(
        key="arxiv:2205.14135",
        title=FLASH["title"],
        abstract=FLASH["abstract"],
        authors=tuple(FLASH["authors"]),
        year=2022,
        published="2022-05-27",
        arxiv="2205.14135",
        version=2,
        service="arXiv",
    )
    url = "https://export.arxiv.org/api/query?id_list=2205.14135"
    return import_paper(workspace, found, raw=atom([FLASH]), url=url, retrieved="2026-11-21T10:00:00.000+00:00")


def test_a_record_earns_level_1_here_and_wherever_it_goes(
    workspace: Workspace, receipt: Receipt, tmp_path: Path
) -> None:
    assert (receipt.rung, receipt.failed) == (1, ())
    (listed,) = list_packages(workspace)
    assert (listed["rung"], listed["attention"], listed["outcome"]) == (1, 4.0, "null")
    other = open_workspace(tmp_path / "other", create=True)
    assert import_path(other, EXPORTS["zip"](receipt.path, tmp_path / "p.zip")).rung == 1


def test_a_record_has_nothing_to_run_and_goes_no_higher(workspace: Workspace, receipt: Receipt) -> None:
    report = verify(receipt.path, workspace, 3, allow_weak_sandbox=True)
    assert report["rung"] == 1
    assert next(c["name"] for c in report["checks"] if not c["passed"]) == "runs"


def test_a_claim_that_says_more_than_attested_costs_the_level(receipt: Receipt, copied: Callable[[Path], Any]) -> None:
    def supported(data: dict[str, Any]) -> None:
        for claims in (data["claims"], data["branch"]["claims"]):
            claims[0]["status"] = "supported"

    copy = copied(receipt.path).edit_manifest(supported)
    assert verify(copy.path, None, 1)["rung"] == 0


def test_to_say_that_a_run_is_a_record_earns_nothing(supported: Path, copied: Callable[[Path], Any]) -> None:
    def disguised(data: dict[str, Any]) -> None:
        data["mind"] = data["branch"]["mind"] = "import"
        data["generator"] = "import of a record of arXiv"

    copy = copied(supported).edit_manifest(disguised)
    report = verify(copy.path, None, 1)
    assert report["rung"] == 0
    assert "attested only" in json.dumps([c["name"] for c in report["checks"] if not c["passed"]])
