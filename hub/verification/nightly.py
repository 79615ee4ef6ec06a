"""Verifying many packages again: those first whose last verification is the longest ago."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evidentia.errors import EvidentiaError
from evidentia.hub.verification.ladder import DEFAULT, RUNNING, refuse_weak, sandboxed, verify
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.store import locate, package_versions
from evidentia.workspace.standing import VERIFIED


def stalest(workspace: Workspace, sample: int | None = None) -> list[str]:
    """The packages in the order in which they are due, at most `sample` of them.

    Those come first whose latest version was never verified, then those verified the longest ago; equals by name.
    """
    last: dict[tuple[str, int], int] = {}
    if workspace.ledger_path.exists():
        for event in read_events(workspace.ledger_path):
            if event.kind == VERIFIED:
                last[event.payload["package"], event.payload["version"]] = event.seq
    versions = {name: package_versions(workspace.packages / name) for name in workspace.package_names()}
    due = [(last.get((name, found[-1]), -1), name) for name, found in versions.items() if found]
    return [name for _, name in sorted(due)][:sample]


def verify_all(
    workspace: Workspace, *, sample: int | None = None, rung: int = DEFAULT, allow_weak_sandbox: bool = False
) -> Iterator[dict[str, Any]]:
    """The report of each package that is due, one after the other, in one sandbox.

    A package that could not be judged at all has a report with one failed check that says why.
    """
    names = stalest(workspace, sample)
    with sandboxed(None, workspace, needed=rung >= RUNNING and bool(names)) as sandbox:
        for name in names:
            try:
                path = locate(workspace, name)
                if rung >= RUNNING and not allow_weak_sandbox:
                    refuse_weak(path, workspace)
                yield verify(path, workspace, rung, sandbox=sandbox)
            except EvidentiaError as error:
                check = {"rung": 0, "name": "verification", "passed": False, "detail": str(error)}
                yield {"package": name, "rung": -1, "asked": rung, "plus": False, "checks": [check], "attestation": ""}
