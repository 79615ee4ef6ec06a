"""A workspace with published packages, and clients of the application over it: a reader and a writer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from evidentia.agents.brief import Brief
from evidentia.graph.running import start
from evidentia.hub.app import create_app
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.ledger import publish
from evidentia.workspace.package.store import load_manifest

TOKEN = "a token for these tests alone"  # noqa: S105
PORT = 8127
BASE = f"http://127.0.0.1:{PORT}"


def take_in(home: Workspace, package: Path) -> str:
    """Copy a package's folder into a workspace and publish it there; its id."""
    manifest = load_manifest(package)
    shutil.copytree(package.parent, home.packages / manifest.id, dirs_exist_ok=True)
    publish(home, manifest.id, manifest.version, run=manifest.run, outcome=manifest.outcome)
    return manifest.id


@pytest.fixture
def home(tmp_path: Path, supported: Path, refuted: Path, crashed: Path) -> Workspace:
    """A workspace of its own with a supported, a refuted and a crashed package."""
    workspace = open_workspace(tmp_path / "workspace", create=True)
    for package in (supported, refuted, crashed):
        take_in(workspace, package)
    return workspace


@pytest.fixture
def reader(home: Workspace) -> Iterator[TestClient]:
    """Someone without the token."""
    with TestClient(create_app(home, TOKEN, PORT), base_url=BASE, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def writer(home: Workspace) -> Iterator[TestClient]:
    """Someone who opened the address that the server printed, whose requests bring our pages' word."""
    app = create_app(home, TOKEN, PORT)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        assert client.get(f"/?token={TOKEN}").status_code == 200
        client.headers["x-csrf-token"] = app.state.session.csrf
        yield client


@pytest.fixture(scope="session")
def explored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    """A finished run of eight experiments in a workspace that no test writes to, and its name."""
    brief = Brief(
        question="Does the group size of round-to-nearest quantization matter?",
        families=("quantization",),
        conditions={"in_features": 128, "out_features": 32},
        vary={"bits": (3, 4)},
    )
    brief = brief.model_copy(update={"budget": brief.budget.model_copy(update={"max_experiments": 8})})
    workspace = open_workspace(tmp_path_factory.mktemp("explored") / "workspace", create=True)
    return workspace, start(workspace, brief, workers=1).run


@pytest.fixture
def visitor(explored: tuple[Workspace, str]) -> Iterator[TestClient]:
    """Someone without the token, at the workspace of the finished run."""
    app = create_app(explored[0], TOKEN, PORT)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        yield client
