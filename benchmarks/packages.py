"""Listing and searching packages: synthetic package folders and ledger events, at 100, 1,000 and 10,000 packages.

The folders hold a manifest like a real one and nothing else; the ledger is chained like a real one but written in
one go, since the fsync of each real event is what publishing costs anyway. Times are of the call, in one process;
the last columns are of appending one event and of the whole command. `--largest` takes another last size.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from evidentia.hub.ranking import find_packages
from evidentia.workspace.canonical import canonical, content_id, sha256
from evidentia.workspace.eventlog import GENESIS
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.index import Facets
from evidentia.workspace.ledger import RUN, record_verification

START = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = (
    *("cache", "admission", "eviction", "zipf", "capacity", "ghost", "head"),
    *("quantization", "outlier", "group", "scale", "attention", "window"),
)
LENGTH = 120
CHECK = [{"rung": 3, "name": "synthetic", "passed": True, "detail": ""}]


def manifest(number: int, draw: random.Random) -> dict[str, Any]:
    """A synthetic manifest with about as much text as a real one."""

    def sentence() -> str:
        return " ".join(draw.choices(WORDS, k=LENGTH // 8))

    claims = [{"id": f"C{i:02}", "statement": sentence(), "status": "supported"} for i in range(4)]
    return {
        "id": f"synthetic-{number:05}",
        "version": 1,
        "title": f"Synthetic {number}: {sentence()}",
        "question": sentence(),
        "branch": {
            "hypothesis": {"statement": sentence()},
            "dead_end": {"failure_mode": sentence(), "lesson": f"lesson{number} {sentence()}"}
            if number % 3 == 0
            else None,
            "padding": [sentence() for _ in range(LENGTH)],
        },
        "claims": claims,
    }


def synthetic(root: Path, packages: int) -> Workspace:
    """A workspace of so many packages, two events for each and a citation for every tenth."""
    workspace = open_workspace(root, create=True)
    draw, prev, lines = random.Random(0), GENESIS, []

    def event(kind: str, payload: dict[str, Any]) -> None:
        nonlocal prev
        when = (START + timedelta(minutes=len(lines))).isoformat(timespec="milliseconds")
        body = {"schema": "event/1", "seq": len(lines), "time": when, "run": RUN, "kind": kind, "actor": "synthetic"}
        body |= {"payload": payload, "prev": prev}
        prev = content_id(body)
        lines.append(canonical({**body, "hash": prev}))

    for number in range(packages):
        data = canonical(manifest(number, draw))
        name = f"synthetic-{number:05}"
        folder = workspace.packages / name / "v1"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_bytes(data)
        of = {"package": name, "version": 1}
        summary = {
            "title": json.loads(data)["title"],
            "outcome": ("supported", "refuted", "null", "crashed")[number % 4],
            "category": ("cs.PF", "cs.LG")[number % 2],
            "tags": draw.sample(WORDS, 3),
            "run": f"synthetic-run-{number // 10}",
            "created": (START + timedelta(minutes=number)).isoformat(timespec="milliseconds"),
            "claims": {"total": 4, "decided": number % 5, "supported": 1},
        }
        event("package.published", {**of, "summary": summary, "manifest": sha256(data), "node": "N001", "key": ""})
        event("package.verified", {**of, "rung": number % 4, "asked": 3, "failed": [], "manifest": sha256(data)})
        if number % 10 == 9:
            source = {"package": f"synthetic-{number - 9:05}", "version": 1, "run": "elsewhere"}
            event("package.cited", {**of, "source": source, "place": "synthetic"})
    workspace.ledger_path.write_bytes(b"\n".join(lines) + b"\n")
    return workspace


def milliseconds(work: Callable[[], object], times: int = 1) -> float:
    """The median duration of so many calls."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(1e3 * (time.perf_counter() - start))
    return statistics.median(found)


def measure(root: Path, packages: int) -> dict[str, float]:
    """All times for one size."""
    workspace = synthetic(root, packages)
    some = f"synthetic-{packages // 2:05}"

    def append() -> None:
        record_verification(workspace, some, 1, 3, CHECK, "synthetic")

    def touch() -> None:
        path = workspace.packages / some / "v1" / "manifest.json"
        path.write_bytes(path.read_bytes())

    def after(change: Callable[[], None]) -> float:
        times = []
        for _ in range(5):
            change()
            times.append(milliseconds(lambda: find_packages(workspace, limit=100)))
        return statistics.median(times)

    def command() -> None:
        line = [sys.executable, "-m", "evidentia", "packages", "--workspace", str(root), "--search", "lesson3"]
        subprocess.run(line, check=True, capture_output=True, env={**os.environ, "PYTHONSAFEPATH": "1"})

    facets = Facets(outcome="refuted", category="cs.LG", tag="ghost", rung=1, fresh=True)
    return {
        "rebuild": milliseconds(lambda: find_packages(workspace, limit=100)),
        "list": milliseconds(lambda: find_packages(workspace, limit=100), 9),
        "list all": milliseconds(lambda: find_packages(workspace), 5),
        "facets": milliseconds(lambda: find_packages(workspace, facets, 100), 9),
        "search": milliseconds(lambda: find_packages(workspace, Facets(search="lesson3"), 100), 9),
        "search common": milliseconds(lambda: find_packages(workspace, Facets(search="ghost cach*"), 100), 9),
        "event+list": after(append),
        "file+list": after(touch),
        "append": milliseconds(append, 9),
        "command": milliseconds(command, 3),
    }


def main() -> None:
    """Print the table, in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=10_000)
    largest = parser.parse_args().largest
    sizes = sorted({size for size in (100, 1_000, largest) if size <= largest})
    found = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="evidentia-bench-") as root:
            found[size] = measure(Path(root) / "workspace", size)
    print("synthetic packages, milliseconds".ljust(34) + "".join(f"{size:>10,}" for size in sizes))
    for name in found[sizes[0]]:
        print(f"{name:34}" + "".join(f"{found[size][name]:10.1f}" for size in sizes))
    print("rebuild, per package".ljust(34) + "".join(f"{found[size]['rebuild'] / size:10.3f}" for size in sizes))


if __name__ == "__main__":
    main()
