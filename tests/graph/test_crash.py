"""kill -9 at twenty instants, chosen and random, and on a full disk: a run ends as if nothing had happened.

`benchmarks/crash.py` does the same at two hundred; `docs/crashes.md` has its figures.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import open_workspace
from tests.graph.crashing import full_disk
from tests.graph.crashing.story import (
    HERE,
    SHORT,
    WALL,
    Instant,
    Session,
    Whole,
    differences,
    executed,
    repeated,
    started,
    tell,
    unacknowledged,
    undisturbed,
)
from tests.graph.crashing.told import aside, faults, told

pytestmark = [
    pytest.mark.xdist_group("crash"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="orphans are found by Linux's means"),
]

STORIES = {
    "writing": [
        ("write", "inside"),
        ("fsync", "inside"),
        ("write", "after"),
        ("rename", "before"),
        ("fsync", "before"),
    ],
    "working": [
        ("experiment", "inside"),
        ("clearing", "inside"),
        ("experiment", "after"),
        (WALL, ""),
        ("rename", "after"),
    ],
    "any moment": [(WALL, "")] * 5,
    "ending": [
        ("experiment", "before"),
        ("write", "before"),
        ("fsync", "after"),
        ("clearing", "before"),
        ("commit", "inside"),
    ],
}


@dataclass(frozen=True)
class Undisturbed:
    """The run that nothing happened to, and its workspace."""

    root: Path
    whole: Whole


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    root = tmp_path_factory.mktemp("whole") / "workspace"
    return Undisturbed(root, undisturbed(root, SHORT))


@pytest.mark.parametrize("name", STORIES)
def test_a_run_killed_again_and_again_ends_as_if_undisturbed(alone: Undisturbed, tmp_path: Path, name: str) -> None:
    story = tell(tmp_path / "workspace", alone.whole, random.Random(name), STORIES[name], SHORT)
    assert story.faults == []
    # An operation is reached sooner or later; a moment is missed where the machine has become faster.
    assert len(story.kills) >= 2 or name == "any moment"
    assert all(session.status == -9 for _, session in story.kills)


def test_a_full_disk_stops_a_run_with_one_sentence_and_costs_nothing(alone: Undisturbed, tmp_path: Path) -> None:
    used = sum(p.stat().st_blocks * 512 for p in alone.root.rglob("*") if p.is_file())
    try:
        with full_disk.disk(tmp_path / "probe", full_disk.PAGE):
            pass
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("no file system may be mounted here")
    story = full_disk.fill(tmp_path / "workspace", alone.whole, [used // 20, used // 2], SHORT)
    assert story.faults == []
    assert story.refusals == 2


# That the checks above would notice: what they look for, planted.


@pytest.fixture
def copy(alone: Undisturbed, tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    shutil.copytree(alone.root, root)
    (aside(root) / "tmp").mkdir(parents=True)
    return root


def test_an_event_acknowledged_and_lost_is_noticed(copy: Path) -> None:
    log = started(copy)
    assert log is not None
    events = list(read_events(log))
    session = Session(0, 0.0, 0.0, [], "", [{"acknowledged": str(log), "hash": e.hash} for e in events])
    assert unacknowledged(session) == []
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    assert len(unacknowledged(session)) == 1


def test_an_experiment_executed_again_is_noticed(copy: Path) -> None:
    log = started(copy)
    finished = executed(log)
    session = Session(0, 0.0, 0.0, [], "", [{"executed": next(iter(finished))}])
    assert len(repeated(session, finished, log)) == 1


def test_what_is_left_behind_torn_or_missing_is_noticed(copy: Path) -> None:
    workspace, run = open_workspace(copy), next((copy / "runs").iterdir()).name
    assert faults(workspace, run, []) == []
    (copy / "runs" / run / "scratch" / ".root-x").mkdir()
    (copy / "packages" / ".building-x").mkdir()
    (aside(copy) / "tmp" / "evidentia-probe-1-x").mkdir()
    blob = next(p for p in (copy / "blobs").glob("*/*"))
    blob.chmod(0o644)
    blob.write_bytes(b"torn")
    missing = next(p for p in (copy / "packages").iterdir() if not p.name.startswith("."))
    manifest = next(missing.glob("v1/README.md"))
    manifest.write_text("changed")
    found = " ".join(faults(workspace, run, []))
    for word in (".root-x", ".building-x", "evidentia-probe-1-x", "is torn", f"{missing.name} is not what"):
        assert word in found


def test_another_outcome_is_noticed(alone: Undisturbed, copy: Path) -> None:
    workspace, log = open_workspace(copy), started(copy)
    assert log is not None
    assert differences(alone.whole.told, told(workspace, log.parent.name)) == []
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[: len(lines) // 2]))
    assert differences(alone.whole.told, told(workspace, log.parent.name))


def test_a_process_that_outlives_its_session_is_noticed() -> None:
    left = "import subprocess; subprocess.Popen(['sleep', '60'], start_new_session=True)"
    command = [sys.executable, str(HERE / "supervisor.py"), "0", "0.2", sys.executable, "-c", left]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(json.loads(done.stdout)["orphans"]) == 1


def test_the_instants_are_drawn_from_what_is_left(alone: Undisturbed) -> None:
    from tests.graph.crashing.story import drawn

    chance = random.Random(1)
    found = [drawn(alone.whole, chance, 0.5, ("fsync", "inside")) for _ in range(200)]
    assert {type(i) for i in found} == {Instant}
    assert max(i.number for i in found) <= round(0.5 * alone.whole.counts["fsync"])
