"""A workspace for agents: packages with the logs of their runs, and a person's run with something open."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evidentia.graph.capture.entries import entry
from evidentia.graph.capture.hypotheses import Expected
from evidentia.graph.capture.notes import note_hypothesis
from evidentia.hub.reading.sandbox import SharedSandbox
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.ledger import publish
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.records import Cell

SCRIPT = """# Grounding: transcribed (this is the script that ran)
import json
import random

SEEDS = {seeds!r}
CELLS = [
    ('lfu-perfect', {{'capacity': 100}}),
    ('lru', {{'capacity': 100}}),
]

with open("rows.jsonl", "w") as rows:
    for seed in SEEDS:
        shared = 40 + 5 * random.Random(seed).random()
        for system, conditions in CELLS:
            gap = conditions["capacity"] / 12.5 if system == "lfu-perfect" else 0
            rows.write(json.dumps({{"system": system, "seed": seed, **conditions, "hit_rate": shared + gap}}) + "\\n")
print("measured")
"""


def varied_script(seeds: tuple[int, ...]) -> str:
    """A script of the form that the planner writes, whose gap grows with the capacity."""
    return SCRIPT.format(seeds=list(seeds))


@pytest.fixture(scope="session")
def packages(bench: Any, supported: Path, refuted: Path, crashed: Path) -> dict[str, Path]:
    """Packages of the bench: three outcomes, one whose script takes conditions, one whose rows are of another
    script."""
    seeds = (0, 1, 2, 3, 4)
    varied = bench.build([bench.measurement(varied_script(seeds), seeds)])
    dishonest = bench.build([bench.look(8.0, truly=4.0)], bench.plan(above=0.25))
    made = {"supported": supported, "refuted": refuted, "crashed": crashed, "varied": varied}
    return {**made, "dishonest": dishonest}


@pytest.fixture
def shelf(tmp_path: Path, bench: Any, packages: dict[str, Path]) -> Workspace:
    """A workspace of one's own that holds them all, and the runs they came from."""
    home = open_workspace(tmp_path / "workspace", create=True)
    for path in packages.values():
        manifest = load_manifest(path)
        target = home.packages / manifest.id / path.name
        shutil.copytree(path, target)
        shutil.copytree(bench.workspace.runs / manifest.run, home.runs / manifest.run)
        publish(home, manifest.id, manifest.version, run=manifest.run, outcome=manifest.outcome)
    with entry(home, "the-lab", question="Which cache is better?") as book:
        expected = Expected("hit_rate", "lfu-perfect", "lru", "above:1")
        note_hypothesis(book, "lfu-perfect is better than lru", expected)
    return home


@pytest.fixture
def named(packages: dict[str, Path], shelf: Workspace) -> dict[str, str]:
    """The packages' ids, with the version, by what they are."""
    return {name: f"{load_manifest(path).id}@{path.name}" for name, path in packages.items()}


@pytest.fixture(scope="session")
def sandbox(bench: Any) -> Iterator[SharedSandbox]:
    """One sandbox for all tests, opened when the first tool needs it."""
    shared = SharedSandbox(bench.workspace)
    yield shared
    shared.close()


CELLS = (
    Cell(system="lfu-perfect", conditions={"capacity": 100}),
    Cell(system="lru", conditions={"capacity": 100}),
)
