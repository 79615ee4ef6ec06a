"""What it costs to compile a package and to verify a thousand of them up to L1, on the packages of a real small run."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from evidentia.agents.brief import read_brief
from evidentia.graph import steps
from evidentia.graph.running import start
from evidentia.hub.verification import verify
from evidentia.workspace.home import open_workspace
from evidentia.workspace.package.store import locate

BRIEF = Path(__file__).resolve().parent.parent / "examples" / "cache-admission.toml"


def timed(seconds: list[float]) -> None:
    """Make the steps of a run note how long each compilation takes."""
    compile_branch = steps.compile_branch

    def wrapped(*arguments: Any, **named: Any) -> Any:
        begin = time.perf_counter()
        try:
            return compile_branch(*arguments, **named)
        finally:
            seconds.append(time.perf_counter() - begin)

    steps.compile_branch = wrapped


def check(path: Path) -> int:
    """The rung that a package reaches of L1."""
    return int(verify(path, None, 1)["rung"])


def main() -> None:
    """Print the seconds per compiled package, figures included, and per thousand verified ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    count = parser.parse_args().count
    compiled: list[float] = []
    timed(compiled)
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder), create=True)
        report = start(workspace, read_brief(str(BRIEF)))
        told = f"median {statistics.median(compiled):.2f} s, longest {max(compiled):.2f} s"
        print(f"compile {len(compiled)} packages with figures: {told}")
        paths = [locate(workspace, name) for name in report.packages]
        for workers in (1, min(2, os.cpu_count() or 1)):
            begin = time.perf_counter()
            with ProcessPoolExecutor(workers) as pool:
                rungs = list(pool.map(check, (paths[n % len(paths)] for n in range(count)), chunksize=20))
            assert set(rungs) == {1}
            print(f"L0 and L1 of {count} packages, {workers} at once: {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
