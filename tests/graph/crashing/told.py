"""What a run came to, without what depends on the clock, and what must hold of a workspace however it came about."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidentia.graph.journal import Journal
from evidentia.graph.replay import journal_of, summaries
from evidentia.graph.tree import build_tree
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import standings
from evidentia.workspace.package.store import load_manifest, package_versions


@dataclass(frozen=True)
class Told:
    """Claims and verdicts by hypothesis, the tree's digest without times and evidence, the executions that counted."""

    conclusions: dict[str, tuple[object, ...]]
    tree: str
    experiments: dict[str, int]
    stopped: str | None


def told(workspace: Workspace, run: str) -> Told:
    """What the log of a run says in the end."""
    journal = journal_of(workspace, run)
    finished = Counter(e.payload["experiment"] for e in journal.log.events if e.kind == "experiment.finished")
    return Told(conclusions(journal), tree_digest(journal), dict(finished), journal.stopped)


def conclusions(journal: Journal) -> dict[str, tuple[object, ...]]:
    """What each branch came to."""
    return {
        name: (
            b.outcome,
            b.package is not None,
            tuple((c.id, c.value, c.ci, c.n, c.status) for c in b.claims),
            tuple((a.kind, a.survived) for a in b.attacks or ()),
        )
        for name, b in journal.branches.items()
    }


def tree_digest(journal: Journal) -> str:
    """SHA-256 of the tree without event numbers, evidence ids and package names: they hold times or the run."""
    nodes: list[dict[str, Any]] = json.loads(build_tree(journal.log.events).to_bytes())
    for node in nodes:
        node.pop("source_refs"), node.pop("package", None)
        node["fields"].pop("evidence", None)
    return sha256(canonical(nodes))


def faults(workspace: Workspace, run: str, processes: list[int]) -> list[str]:
    """What does not hold of a finished run's workspace: each in one sentence."""
    found: list[str] = []
    journal = journal_of(workspace, run)
    folder = journal.log.path.parent
    if (folder / "tree.json").read_bytes() != build_tree(journal.log.events).to_bytes():
        found.append("tree.json is not the tree of the log")
    known = standings(workspace)
    packages = {b.package for b in journal.branches.values() if b.package}
    there = {p.name for p in workspace.packages.iterdir()} if workspace.packages.exists() else set()
    if there != packages:
        found.append(f"packages without an event or events without a package: {sorted(there ^ packages)}")
    for name in packages & there:
        versions = package_versions(workspace.packages / name)
        if versions != [1]:
            found.append(f"{name} has the versions {versions}")
        path = workspace.packages / name / f"v{versions[-1]}"
        manifest = load_manifest(path)
        if any(sha256((path / file).read_bytes()) != digest for file, digest in manifest.files.items()):
            found.append(f"{name} is not what its manifest says")
        if name not in known:
            found.append(f"{name} is not in the ledger")
    list(read_events(workspace.ledger_path))
    if [s["status"] for s in summaries(workspace) if s["run"] == run] != ["finished"]:
        found.append("the list of runs does not have it as it ended")
    blobs = [p for p in workspace.blobs.root.glob("*/*") if not p.name.startswith(".")]
    found += [f"the blob {p} is torn" for p in blobs if sha256(p.read_bytes()) != p.parent.name + p.name]
    return found + litter(workspace, folder, processes)


def litter(workspace: Workspace, folder: Path, processes: list[int]) -> list[str]:
    """What killed sessions have left for good: scratch and half-built folders, files under temporary names, mounts,
    control groups."""
    left = list((folder / "scratch").glob("*"))
    left += [p for p in workspace.root.rglob(".*") if p.name.startswith((".building-", ".new-", ".root-"))]
    left += list((aside(workspace.root) / "tmp").glob("*"))
    groups = Path("/sys/fs/cgroup")
    left += [g for p in processes for g in groups.glob(f"**/evidentia-{p}-*")] if groups.exists() else []
    mounts = Path("/proc/self/mounts")
    named = [m.split()[1] for m in mounts.read_text().splitlines()] if mounts.exists() else []
    found = [f"left behind: {path}" for path in dict.fromkeys(left)]
    return found + [f"still mounted: {m}" for m in named if m.startswith(f"{workspace.root}/")]


def aside(root: Path) -> Path:
    """Beside a workspace: where the notes of its sessions and their temporary files go."""
    return root.with_name(f"{root.name}-aside")
