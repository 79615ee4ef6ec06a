"""What can be laid side by side: a run, a branch of a run (by its node), or a package; each found by its address.

``runs/RUN``, ``runs/RUN/NODE``, ``packages/ID`` or ``packages/ID@v1``; a name alone is a package's or a run's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evidentia.errors import BadInputError
from evidentia.hub.app.packages import shown
from evidentia.hub.app.runlog import RunLog, run_log
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.manifest import CellResult
from evidentia.workspace.records import Attack, Claim, Hypothesis, Run

MOST_SCRIPT = 400_000


@dataclass(frozen=True)
class Side:
    """One side. A run has only `run`. `script` is what measured it last; `path` the nodes from the root to the branch;
    `results` the cells of a package, which a node alone does not have."""

    address: str
    href: str
    title: str
    told: str
    run: str
    node: str = ""
    hypothesis: Hypothesis | None = None
    outcome: str = ""
    runs: tuple[Run, ...] = ()
    claims: tuple[Claim, ...] = ()
    attacks: tuple[Attack, ...] = ()
    results: tuple[CellResult, ...] = ()
    path: tuple[str, ...] = ()
    script: str = ""
    mind: str = ""

    @property
    def is_run(self) -> bool:
        """Whether it is a whole run."""
        return self.hypothesis is None


def side(home: Workspace, address: str) -> Side:
    """The side at an address. Raises BadInputError for what is not there or has no hypothesis, IntegrityError for what
    cannot be read."""
    parts = [part for part in address.strip().strip("/").split("/") if part]
    if len(parts) == 1:
        parts = ["runs" if parts[0] in home.run_names() else "packages", parts[0]]
    match parts:
        case ["packages", name]:
            return _package(home, name)
        case ["runs", name]:
            return _run(home, name)
        case ["runs", name, node]:
            return _branch(home, name, node)
    raise BadInputError(f"no such side {address[:80]!r}; write runs/RUN, runs/RUN/NODE or packages/ID")


def _package(home: Workspace, name: str) -> Side:
    found = shown(home, name)
    manifest = found.manifest
    measured = [e for e in manifest.entry_points if e.role == "measure" and e.script in manifest.files]
    return Side(
        address=found.address.strip("/"),
        href=found.address,
        title=manifest.title,
        told=f"package {manifest.id}, version {manifest.version}",
        run=manifest.run,
        node=manifest.branch.path[-1].id if manifest.branch.path else "",
        hypothesis=manifest.branch.hypothesis,
        outcome=manifest.outcome,
        runs=manifest.branch.runs,
        claims=manifest.branch.claims,
        attacks=manifest.branch.attacks,
        results=manifest.results,
        path=tuple(node.id for node in manifest.branch.path),
        script=_text(found.file(measured[-1].script)) if measured else "",
        mind=manifest.mind,
    )


def _run(home: Workspace, name: str) -> Side:
    log = run_log(home, name)
    return Side(
        address=f"runs/{name}",
        href=f"/runs/{name}",
        title=log.progress.question or name,
        told=f"run {name}, {len(log.names)} nodes",
        run=name,
        mind=log.progress.mind,
    )


def _branch(home: Workspace, name: str, node: str) -> Side:
    log = run_log(home, name)
    if node not in log.number:
        raise BadInputError(f"no node {node[:60]!r} in {name}")
    with log.lock:
        branch = log.branch(node)
        if branch is None:
            kind = log.tree.node(node).type.replace("_", " ")
            raise BadInputError(f"{node} of {name} is a {kind}, with no hypothesis to compare; choose an experiment")
        home_node = log.tree.node_of[branch.id]
        runs = tuple(branch.runs())
        return Side(
            address=f"runs/{name}/{home_node}",
            href=f"/runs/{name}/tree?node={home_node}",
            title=branch.hypothesis.title,
            told=f"node {home_node} of run {name}",
            run=name,
            node=home_node,
            hypothesis=branch.hypothesis,
            outcome=log.tree.status(home_node),
            runs=runs,
            claims=branch.claims,
            attacks=branch.attacks or (),
            path=tuple(n.id for n in log.tree.path(home_node)),
            script=_script(home, runs),
            mind=log.progress.mind,
        )


def _script(home: Workspace, runs: Sequence[Run]) -> str:
    """The script that measured last, as it ran."""
    measured = [run for run in runs if run.experiment.role == "measure"]
    return _text(home.blobs.get(measured[-1].evidence.script)) if measured else ""


def _text(data: bytes) -> str:
    return data[:MOST_SCRIPT].decode("utf-8", "replace")


@dataclass(frozen=True)
class Ancestor:
    """The closest branch that both sides grew from, with the script that measured it."""

    node: str
    title: str
    script: str


def ancestor(home: Workspace, left: Side, right: Side) -> Ancestor | None:
    """The closest branch above both sides, or None: of two runs, of a run that is not here, or with none but decisions
    and the question above them. One side may be it itself."""
    if left.run != right.run or left.run not in home.run_names():
        return None
    log: RunLog = run_log(home, left.run)
    shared = [a for a, b in zip(left.path, right.path, strict=False) if a == b]
    for node in reversed(shared):
        if node not in log.number:
            return None
        with log.lock:
            branch = log.branch(node)
            if branch is not None and (script := _script(home, branch.runs())):
                return Ancestor(node, branch.hypothesis.title, script)
    return None


def settings(found: Side) -> dict[str, str]:
    """What was registered and where it ran, one flat name for each setting."""
    tested = found.hypothesis
    assert tested is not None
    told: dict[str, Any] = {
        "form": tested.form,
        "family": tested.family,
        "metric": tested.metric,
        "systems": ", ".join(tested.systems),
        **{f"condition {name}": value for name, value in tested.conditions.items()},
        "varied": ", ".join(tested.varied) or "nothing",
        "cells": len(tested.cells),
        "smallest effect of interest": f"{tested.smallest_effect:g}",
        "seeds at each look": ", ".join(map(str, tested.sample_plan.looks)),
        "origin": tested.origin,
        "mind": found.mind,
    }
    if found.runs:
        last = found.runs[-1].evidence
        told |= {"sandbox": last.environment.sandbox, "python": last.environment.python}
        told |= {"commit": last.environment.commit, "processor": last.environment.processor}
    return {name: str(value) for name, value in told.items()}
