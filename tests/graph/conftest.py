"""One full run of the demo's brief, shared by all tests that only read it, and a small brief for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from evidentia.agents.brief import Brief, read_brief
from evidentia.graph.journal import Journal
from evidentia.graph.replay import journal_of
from evidentia.graph.running import Report, start
from evidentia.workspace.home import Workspace, open_workspace

EXAMPLE = Path(__file__).parents[2] / "examples" / "cache-admission.toml"


@dataclass(frozen=True)
class Finished:
    """A finished run with its workspace."""

    workspace: Workspace
    report: Report
    journal: Journal


def finish(root: Path, brief: Brief, workers: int = 2) -> Finished:
    """Run a brief in a new workspace."""
    workspace = open_workspace(root, create=True)
    report = start(workspace, brief, workers=workers)
    return Finished(workspace, report, journal_of(workspace, report.run))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The demo, run to its end."""
    return finish(tmp_path_factory.mktemp("demo") / "workspace", read_brief(str(EXAMPLE)))


@pytest.fixture
def small_brief() -> Brief:
    """A question that needs no compiled kernels and few experiments."""
    return Brief(
        question="Does the group size of round-to-nearest quantization matter?",
        families=("quantization",),
        conditions={"in_features": 128, "out_features": 32},
        vary={"bits": (3, 4)},
    ).model_copy(update={"budget": Brief(question="long enough").budget.model_copy(update={"max_experiments": 12})})
