"""The test of a package's tools: each is called as an agent calls it, at the recorded parameters, and must give the
recorded rows; and each claim, decided over the new rows, must come out as stated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from evidentia.errors import BadInputError
from evidentia.hub.mcp.entry_points import MOST_ROWS, entry_tools
from evidentia.hub.mcp.serving import make_server
from evidentia.hub.reading.sandbox import SharedSandbox
from evidentia.hub.verification.intact import recompute
from evidentia.hub.verification.opened import Opened, open_package
from evidentia.hub.verification.recomputed import disagreement, timed_metrics, told_value
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import Row


@dataclass(frozen=True)
class Tested:
    """One test: of a tool, or of a claim over the rows that the tools gave."""

    name: str
    passed: bool
    detail: str


def self_test(workspace: Workspace, path: Path, sandbox: SharedSandbox | None = None) -> list[Tested]:
    """Call every tool of a package at the recorded parameters, then decide every claim that rests on them.

    Raises BadInputError when no entry point of the package can be run again.
    """
    shared = sandbox or SharedSandbox(workspace)
    package = open_package(path, workspace)
    if not any(entry_tools(package)):
        raise BadInputError(f"nothing of {package.manifest.id} can be run again, so it has no tools to test")
    try:
        return anyio.run(_called, workspace, package, shared)
    finally:
        if sandbox is None:
            shared.close()


async def _called(workspace: Workspace, package: Opened, sandbox: SharedSandbox) -> list[Tested]:
    from mcp.client import Client

    found: list[Tested] = []
    rows: dict[str, list[Row]] = {}
    async with Client(make_server(workspace, sandbox, package.path)) as client:
        for tool in entry_tools(package):
            _, run = package.entries[tool.index]
            seeds = {"seeds": list(run.evidence.seeds)} if "seeds" in tool.parameters else {}
            given: dict[str, Any] = {"show_rows": MOST_ROWS, **seeds}
            result = await client.call_tool(tool.name, given)
            if result.is_error:
                found.append(Tested(tool.name, False, " ".join(getattr(c, "text", "") for c in result.content)))
                continue
            answer = result.structured_content or {}
            found.append(Tested(tool.name, answer["reproduced"] is True, answer["detail"]))
            if answer["total_rows"] <= MOST_ROWS:
                rows[run.evidence.id] = answer["rows"]
    return [*found, *_claims(package, rows)]


def _claims(package: Opened, rows: dict[str, list[Row]]) -> list[Tested]:
    """Every claim whose evidence was wholly answered, decided anew."""
    tested = []
    for claim in package.branch.claims:
        if not claim.evidence or not all(name in rows for name in claim.evidence):
            continue
        again = recompute(claim, [row for name in claim.evidence for row in rows[name]])
        problem = disagreement(claim, again, timed=claim.metric in timed_metrics(package))
        tested.append(Tested(claim.id, problem is None, problem or f"{again.status}: {told_value(again)}, as stated"))
    return tested
