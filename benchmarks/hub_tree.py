"""The tree page at 10,000 and 100,000 nodes: how long the server needs to read the log and to answer, and, in headless
Chromium, how long the page loads and how long a frame takes while one pans and zooms.

The log is synthetic but whole: hash-chained events of registered, attacked and concluded branches, written in one go
without fsync. `--serve FOLDER` only writes a workspace with one run per size there.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from evidentia.agents.brief import Brief, Budget
from evidentia.workspace.canonical import canonical, content_id
from evidentia.workspace.eventlog import GENESIS
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.records import (
    Cell,
    Check,
    Expectation,
    Experiment,
    Hypothesis,
    PlannedClaim,
    SamplePlan,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
SIZES = (10_000, 100_000)
PORT = 8139
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FRAMES = """() => new Promise((done) => {
  const canvas = document.querySelector("canvas.tree"), box = canvas.getBoundingClientRect();
  const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true, cancelable: true };
  const spans = []; let last = performance.now(), count = 0;
  const step = (now) => {
    spans.push(now - last); last = now;
    const zoom = count % 60 < 30 ? -120 : 120;
    canvas.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: zoom, deltaX: 0 }));
    if (++count < 240) requestAnimationFrame(step);
    else { spans.sort((a, b) => a - b); done([spans[120], spans[228], window.evidentiaTree.drawn()]); }
  };
  requestAnimationFrame(step);
})"""
"""Zooms in and out for 240 frames; the median and the 95th percentile of their spans, and what a drawing took (ms)."""


def hypothesis(number: int) -> Hypothesis:
    """One of endless comparisons."""
    at = {"capacity": number}
    check = Check(
        estimator="paired_difference",
        metric="hit_rate",
        system="lfu-perfect",
        versus="lru",
        where=at,
        expect=Expectation(relation="above", low=0.5),
    )
    statement = f"lfu-perfect has a higher hit rate than lru by more than 0.5 pp at capacity {number}"
    planned = PlannedClaim(
        statement=statement, kind="improvement", unit="pp", tolerance=0.25, conditions=at, check=check
    )
    return Hypothesis(
        form="comparison",
        title=f"lfu-perfect against lru at capacity {number}",
        statement=statement,
        rationale="The question asks how the two stand.",
        family="caching",
        metric="hit_rate",
        systems=("lfu-perfect", "lru"),
        conditions=at,
        cells=(Cell(system="lfu-perfect", conditions=at), Cell(system="lru", conditions=at)),
        claims=(planned,),
        smallest_effect=0.5,
        effect="difference",
        falsification="The interval of the gap lies wholly below the bound.",
        sample_plan=SamplePlan(looks=(5, 10)),
    )


def steps(nodes: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kinds and payloads of the events of a run whose tree has about so many nodes."""
    brief = Brief(question="How flat is a large tree?", budget=Budget(max_experiments=100_000, max_minutes=600))
    yield "run.started", {"brief": brief.to_json(), "mind": "builtin", "workers": 1, "executor": "local"}
    draw, made, number = random.Random(0), 1, 0
    ended: list[tuple[str, str | None]] = [("N000", None)]
    experiment = {"role": "falsify", "look": 0, "seeds": (1, 2, 3), "cells": (), "script": "0" * 64, "limits": {}}
    while made < nodes:
        number += 1
        parent, before = ended[0] if number <= 12 else ended[draw.randrange(max(0, len(ended) - 400), len(ended))]
        tested, node = hypothesis(number), f"N{number:05d}"
        name = tested.id
        raw = {**tested.to_json(), "parent": before}
        yield "hypothesis.registered", {"id": name, "node": node, "parent": parent, "pivot": None, "hypothesis": raw}
        planned = Experiment(hypothesis=name, **experiment)
        attack = {"node": f"{node}f", "parent": node}
        yield "experiment.planned", {"id": planned.id, "experiment": planned.to_json(), **attack}
        outcome = draw.choices(("supported", "refuted", "null", "crashed"), (5, 3, 1, 1))[0]
        survived = outcome == "supported"
        told = {"description": "measured again", "finding": "read again"}
        found = [{"kind": "fresh seeds", "evidence": [], "survived": survived, **told}]
        yield "falsification.done", {"hypothesis": name, "claims": [], "attacks": found, "node": f"{node}f"}
        status = {"crashed": "inconclusive", "null": "inconclusive"}.get(outcome, outcome)
        dead = {"hypothesis": tested.statement, "failure_mode": f"it was {outcome}", "lesson": "look elsewhere"}
        concluded: dict[str, Any] = {"hypothesis": name, "outcome": outcome, "result": "1.0 pp", "evidence": []}
        concluded |= {"claims": [{"id": "C01", "status": status}], "dead_end": None if survived else dead}
        yield "branch.concluded", concluded
        made += 2 if survived else 3
        ended.append((node, name))
    yield "run.stopped", {"because": "the tree is large enough", "tree": ""}


def synthetic_run(workspace: Workspace, run: str, nodes: int) -> int:
    """Write the log of such a run; the number of its events."""
    path = workspace.runs / run / "events.jsonl"
    path.parent.mkdir(parents=True)
    prev, seq = GENESIS, 0
    with path.open("wb") as file:
        for seq, (kind, payload) in enumerate(steps(nodes)):
            time_ = (START + timedelta(milliseconds=200 * seq)).isoformat(timespec="milliseconds")
            body = {"schema": "event/1", "seq": seq, "time": time_, "run": run, "kind": kind, "actor": "bench"}
            body |= {"payload": payload, "prev": prev}
            prev = content_id(body)
            file.write(canonical({**body, "hash": prev}) + b"\n")
    return seq + 1


def serve(workspace: Workspace) -> str:
    """Serve the workspace in a thread of this process; its address."""
    import uvicorn

    from evidentia.hub.app import create_app

    config = uvicorn.Config(create_app(workspace, "for reading only here", PORT), port=PORT, log_level="warning")
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return f"http://127.0.0.1:{PORT}"


def timed(address: str) -> tuple[float, int]:
    """Seconds that an answer took, and its bytes as they came."""
    request = urllib.request.Request(address, headers={"accept-encoding": "gzip"})  # noqa: S310 - our own server
    start = time.perf_counter()
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        size = len(answer.read())
    return time.perf_counter() - start, size


def in_browser(address: str, path: str) -> None:
    """Print how long the page takes in headless Chromium, cold and warm, and its frames."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        for size in SIZES:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            start = time.perf_counter()
            page.goto(f"{address}/runs/nodes-{size}/tree")
            page.wait_for_selector(".tree-wait", state="hidden", timeout=120_000)
            loaded = time.perf_counter() - start
            median, late, drawn = page.evaluate(FRAMES)
            print(
                f"{size:7,} nodes: page drawn after {loaded:5.2f} s; while zooming a frame takes {median:5.1f} ms "
                f"(95 of 100 below {late:.1f}), of which drawing {drawn:.1f} ms",
                flush=True,
            )
            page.close()
        browser.close()


def main() -> None:
    """Print what the server needs, and the browser where there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=Path, metavar="FOLDER", help="only write a workspace there")
    wanted = parser.parse_args().serve
    with tempfile.TemporaryDirectory(prefix="evidentia-bench-") as folder:
        workspace = open_workspace(wanted or Path(folder) / "workspace", create=True)
        for size in SIZES:
            print(f"{size:7,} nodes: {synthetic_run(workspace, f'nodes-{size}', size):,} events", flush=True)
        if wanted:
            return
        address = serve(workspace)
        for size in SIZES:
            cold, _ = timed(f"{address}/runs/nodes-{size}/tree.json")
            warm, count = timed(f"{address}/runs/nodes-{size}/tree.json")
            state, _ = timed(f"{address}/runs/nodes-{size}/replay/state?at={size}")
            print(
                f"{size:7,} nodes: log read and tree sent in {cold:.2f} s, again in {1000 * warm:.0f} ms "
                f"({count / 1000:,.0f} kB); an instant of the replay in {1000 * state:.0f} ms",
                flush=True,
            )
        path = next(filter(None, map(shutil.which, CHROMIUM)), None)
        if path is None:
            print("no Chromium here: frames are not measured")
            return
        in_browser(address, path)


if __name__ == "__main__":
    main()
