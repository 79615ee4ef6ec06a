"""kill -9 at ten random moments of the demo, then resume: the same packages, nothing lost, nothing run twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from evidentia.graph.journal import Journal
from evidentia.graph.replay import journal_of
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import open_workspace
from tests.graph.conftest import EXAMPLE, Finished

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.slow, pytest.mark.timeout(600)]
KILLS = 10


def command(*arguments: str) -> subprocess.Popen[bytes]:
    """The command line in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "evidentia", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )


def acknowledged(log: Path) -> bytes:
    """The whole lines of the log: every event that was acknowledged."""
    data = log.read_bytes() if log.exists() else b""
    return data[: data.rfind(b"\n") + 1]


def conclusions(journal: Journal) -> dict[str, tuple[object, ...]]:
    """What each branch came to, without what depends on the clock."""
    return {
        name: (b.outcome, b.package is not None, tuple((c.value, c.ci, c.n, c.status) for c in b.claims))
        for name, b in journal.branches.items()
    }


def test_ten_kills_change_nothing(demo: Finished, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    chance = random.Random(20261121)
    process = command("run", str(EXAMPLE), "--workspace", str(root))
    log, before = None, b""
    for _ in range(KILLS):
        events = len(before.splitlines())
        goal = events + chance.randrange(1, 25)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            log = log or next(iter(root.glob("runs/*/events.jsonl")), None)
            if log and log.read_bytes().count(b"\n") >= goal:
                time.sleep(chance.random())  # any instant between two events, not only just after one
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert log is not None
        now = acknowledged(log)
        assert now.startswith(before)
        before = now
        process = command("resume", log.parent.name, "--workspace", str(root))
    assert process.wait(timeout=240) == 0
    assert log is not None
    assert acknowledged(log).startswith(before)

    journal = journal_of(open_workspace(root), log.parent.name)
    assert conclusions(journal) == conclusions(demo.journal)
    assert len(list((root / "packages").iterdir())) == len(demo.report.packages), "something half built was left"
    finished = Counter(e.payload["experiment"] for e in read_events(log) if e.kind == "experiment.finished")
    assert set(finished.values()) == {1}
    kinds = Counter(e.kind for e in read_events(log))
    assert kinds["run.resumed"] == KILLS
    assert kinds["package.compiled"] == len(demo.report.packages)
    assert not list((log.parent / "scratch").iterdir())
    assert _left_behind(root) == []


def _left_behind(root: Path) -> list[str]:
    """Living processes that work below the workspace."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"HOME={root}".encode() in (entry / "environ").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
    return found
