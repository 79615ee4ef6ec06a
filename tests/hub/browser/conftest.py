"""A real workspace, a server over it, and Debian's Chromium in front of it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evidentia.agents.brief import Brief
from evidentia.graph.running import start
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.ledger import publish
from evidentia.workspace.package.store import load_manifest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LARGE, NODES = "run-of-many-nodes", 10_000
BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "hub_tree.py"


def large_run(home: Workspace) -> None:
    """A run of `NODES` nodes, as the benchmark of the tree writes it."""
    spec = importlib.util.spec_from_file_location("hub_tree", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.synthetic_run(home, LARGE, NODES)


@pytest.fixture(scope="session")
def hub(
    tmp_path_factory: pytest.TempPathFactory,
    serve: Any,
    supported: Path,
    refuted: Path,
    crashed: Path,
) -> Iterator[Any]:
    """A server over a run of six experiments, three more packages and a run of ten thousand nodes."""
    home = open_workspace(tmp_path_factory.mktemp("browsed") / "workspace", create=True)
    brief = Brief(
        question="Does the group size of round-to-nearest quantization matter?",
        families=("quantization",),
        conditions={"in_features": 128, "out_features": 32},
        vary={"bits": (3, 4)},
    )
    brief = brief.model_copy(update={"budget": brief.budget.model_copy(update={"max_experiments": 6})})
    run = start(home, brief, workers=1).run
    for package in (supported, refuted, crashed):
        manifest = load_manifest(package)
        shutil.copytree(package.parent, home.packages / manifest.id)
        publish(home, manifest.id, manifest.version, run=manifest.run, outcome=manifest.outcome)
    large_run(home)
    with serve(home, run) as found:
        yield found


@pytest.fixture
def page(chromium: Browser, hub: Any) -> Iterator[Page]:
    """A signed-in person's page; a test fails when the browser's console tells of an error."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(hub.signing_in)
    yield opened
    context.close()
    assert errors == []
