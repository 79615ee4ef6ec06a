"""Every page of the hub over 10, 1,000 and 10,000 packages: the median and the 95th percentile of what the server takes
to answer, beside the limit, and what the very first call takes, which may build the index or detect the tensions.

The packages are copies of real ones, measured here, with a published event each. The answers come from the application
itself in this process, so the times are the server's own; the load of the machine is printed with them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from evidentia.agents.brief import Brief
from evidentia.graph.running import start
from evidentia.hub.app import create_app
from evidentia.workspace.canonical import canonical, content_id, sha256
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.ledger import RUN

SIZES = (10, 1_000, 10_000)
LIMIT_MS, LOOK_COUNTS_FOR = 150.0, 2.0
PORT = 8127
OUTCOMES = ("supported", "refuted", "null", "crashed")
TABS = ("", "/claims/C01", "/evidence", "/code", "/runs", "/exploration", "/paper", "/ledger", "/reviews")


def real_run(workspace: Workspace) -> str:
    """A small real run, whose packages are copied; its name."""
    brief = Brief(
        question="Does the group size of round-to-nearest quantization matter?",
        families=("quantization",),
        conditions={"in_features": 128, "out_features": 32},
        vary={"bits": (3, 4)},
    )
    brief = brief.model_copy(update={"budget": brief.budget.model_copy(update={"max_experiments": 6})})
    return start(workspace, brief, workers=1).run


def grow(workspace: Workspace, size: int) -> str:
    """Copy packages of the workspace until there are so many; a package that was there before."""
    names = workspace.package_names()
    models = [
        (
            workspace.packages / name / "v1",
            json.loads((workspace.packages / name / "v1" / "manifest.json").read_bytes()),
        )
        for name in names
    ]
    published = {
        e.payload["package"]: e.payload for e in read_events(workspace.ledger_path) if e.kind == "package.published"
    }
    last = list(read_events(workspace.ledger_path))[-1]
    seq, prev, when = last.seq + 1, last.hash, datetime.now(UTC)
    lines = []
    for number in range(len(names), size):
        path, manifest = models[number % len(models)]
        name = f"copy-{number:05}"
        folder = workspace.packages / name / "v1"
        folder.mkdir(parents=True)
        title = f"{manifest['title']}, copy {number}"
        data = canonical({**manifest, "id": name, "title": title})
        (folder / "manifest.json").write_bytes(data)
        for file in path.rglob("*"):
            if file.is_file() and file.name != "manifest.json" and number < len(names) + 3:
                (folder / file.relative_to(path)).parent.mkdir(parents=True, exist_ok=True)
                os.link(file, folder / file.relative_to(path))
        payload: dict[str, Any] = {**published[manifest["id"]], "package": name, "manifest": sha256(data)}
        payload["summary"] = {**payload["summary"], "title": title, "outcome": OUTCOMES[number % 4]}
        when += timedelta(milliseconds=1)
        body = {"schema": "event/1", "seq": seq, "time": when.isoformat(timespec="milliseconds"), "run": RUN}
        body |= {"kind": "package.published", "actor": "benchmark", "payload": payload, "prev": prev}
        prev, seq = content_id(body), seq + 1
        lines.append(canonical({**body, "hash": prev}) + b"\n")
    with workspace.ledger_path.open("ab") as ledger:
        ledger.write(b"".join(lines))
    return next(name for name in names if (workspace.packages / name / "v1" / "evidence" / "figures").is_dir())


def places(package: str, run: str, other: str) -> dict[str, str]:
    """Every page by its name."""
    lists = {"discoveries": "/", "discoveries, refuted": "/?outcome=refuted", "discoveries, search": "/?search=group"}
    lists |= {f"discoveries, by {sort}": f"/?sort={sort}" for sort in ("recent", "rung", "use", "scrutiny")}
    lists |= {"discoveries, further": "/?offset=50", "lessons": "/lessons", "lessons, search": "/lessons?search=group"}
    lists |= {
        n: f"/{n}" for n in ("tensions", "review", "arena", "arena/ranks", "ledger", "runs", "jobs", "compare", "docs")
    }
    tabs = {f"package{tab}": f"/packages/{package}{tab}" for tab in TABS}
    runs = {f"run{tail}": f"/runs/{run}{tail}" for tail in ("", "/tree", "/tree.json", "/replay", "/replay/state?at=9")}
    api = {f"api/{n}": f"/api/{n}" for n in ("packages", "facets", "claims", "lessons", "tensions", "runs", "ledger")}
    pair = f"/compare?left=packages/{package}&right=packages/{other}"
    return {**lists, **tabs, "review of one": f"/review/{package}", "compare two": pair, **runs, **api}


def timed(work: Callable[[], Any], times: int) -> list[float]:
    """Milliseconds of so many calls."""
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        found.append(1e3 * (time.perf_counter() - begin))
    return found


def measure(size: int, times: int) -> dict[str, tuple[float, float, float]]:
    """Median, 95th percentile and first time of every page, in milliseconds."""
    with tempfile.TemporaryDirectory(prefix="evidentia-bench-") as folder:
        workspace = open_workspace(Path(folder) / "workspace", create=True)
        run = real_run(workspace)
        other = workspace.package_names()[0]
        package = grow(workspace, size)
        workspace.look_counts_for = LOOK_COUNTS_FOR
        app = create_app(workspace, "a token for this benchmark", PORT)
        found = {}
        with TestClient(app, base_url=f"http://127.0.0.1:{PORT}") as client:
            for name, path in places(package, run, other).items():
                first = timed(lambda path=path: client.get(path).raise_for_status(), 1)[0]  # type: ignore[misc]
                rest = timed(lambda path=path: client.get(path), times)  # type: ignore[misc]
                found[name] = statistics.median(rest), statistics.quantiles(rest, n=20)[18], first
        return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    sizes = [size for size in SIZES if size <= options.largest]
    print(f"load of the machine at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    found = {size: measure(size, options.times) for size in sizes}
    print("milliseconds".ljust(26) + "".join(f"{f'{size:,} packages':^27}" for size in sizes) + f"limit {LIMIT_MS:.0f}")
    print(" " * 26 + "".join(f"{'p50':>9}{'p95':>9}{'first':>9}" for _ in sizes))
    for name in found[sizes[0]]:
        cells = "".join("".join(f"{value:9.1f}" for value in found[size][name]) for size in sizes)
        late = [size for size in sizes if found[size][name][1] > LIMIT_MS]
        print(f"{name:26}{cells}  {'above the limit' if late else ''}")
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
