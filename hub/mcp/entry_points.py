"""The entry points of one package as tools: typed parameters from its manifest and the library's cards.

Names and texts that a package brings stand in a tool's description only where they are plain words, so that nothing
in it reads as an instruction.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from evidentia.hub.mcp.acting import RUNS, Permit
from evidentia.hub.mcp.answers import Answer, Server, quoted
from evidentia.hub.mcp.experiment import Experiment, run_entry
from evidentia.hub.mcp.reading import READS, Card, card_of
from evidentia.hub.mcp.variation import takes_conditions, takes_seeds
from evidentia.hub.reading.located import read_file
from evidentia.hub.reading.sandbox import SharedSandbox
from evidentia.hub.verification.commands import not_again
from evidentia.hub.verification.ladder import refuse_weak
from evidentia.hub.verification.opened import Opened, open_package
from evidentia.kernels import registry
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import Run, Value

MOST_SEEDS, LARGEST_SEED = 20, 2**31 - 1
SHOWN, MOST_ROWS, MOST_MEANS = 20, 5000, 200
TAKEN = ("seeds", "ctx", "show_rows")
ShowRows = Annotated[int, Field(ge=0, le=MOST_ROWS, description="How many rows to show; the means are of all.")]
_PLAIN, _ENTRY, _PARAMETER = (
    re.compile(p) for p in (r"[A-Za-z0-9][A-Za-z0-9 ._/+-]{0,39}", r"E\d{1,4}", r"[a-z][a-z0-9_]{0,39}")
)


class Mean(BaseModel):
    """The mean of the metric for one system under one set of conditions, over n rows."""

    system: str
    conditions: dict[str, Any]
    n: int
    mean: float


class Measured(Answer):
    """What an experiment gave: means of the metric, its first rows, the end of what it printed. `reproduced` is null
    for other seeds or conditions than the recorded ones."""

    entry: str
    metric: str
    reproduced: bool | None
    detail: str
    means: list[Mean]
    total_rows: int
    rows: list[dict[str, Any]]
    stdout: str
    seconds: float
    sandbox: str


@dataclass(frozen=True)
class EntryTool:
    """One entry point as a tool: its name, what it measures, and its parameters with their types."""

    index: int
    name: str
    told: str
    parameters: dict[str, Any]


def entry_tools(package: Opened) -> Iterator[EntryTool]:
    """The entry points that can be run again, each with the parameters that its script can be given."""
    for index, (entry, run) in enumerate(package.entries):
        if not _ENTRY.fullmatch(entry.id) or not_again(package, index):
            continue
        script = read_file(package.path, package.manifest, entry.script).decode("utf-8", "replace")
        parameters: dict[str, Any] = {}
        if takes_seeds(script, run.evidence.seeds):
            seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
            told = f"Seeds; without them the recorded {', '.join(map(str, run.evidence.seeds))}."
            parameters["seeds"] = Annotated[
                list[seed] | None,
                Field(min_length=1, max_length=MOST_SEEDS, description=told),
            ]
        if takes_conditions(script, run.experiment.cells):
            parameters.update(_conditions(package.branch.hypothesis.family, run))
        yield EntryTool(index, f"run_{entry.id}", _described(package, index), parameters)


def add_entry_points(
    server: Server, workspace: Workspace, path: Path, sandbox: SharedSandbox, permit: Permit
) -> list[EntryTool]:
    """Add a tool for every entry point of the package at `path`, and one for its card; the tools added.

    Raises BadInputError when the package is foreign and the sandbox here is weak.
    """
    package = open_package(path, workspace)
    refuse_weak(path, workspace)

    @server.tool(annotations=READS)
    def about() -> Annotated[CallToolResult, Card]:
        """The package in at most 400 tokens: outcome, question, claims with intervals."""
        return quoted(card_of(workspace, f"{path.parent.name}@{path.name}"))

    tools = list(entry_tools(package))
    for tool in tools:
        server.add_tool(_function(package, tool, sandbox, permit), tool.name, description=tool.told, annotations=RUNS)
    return tools


def _function(
    package: Opened, tool: EntryTool, sandbox: SharedSandbox, permit: Permit
) -> Callable[..., CallToolResult]:
    """The tool as a function with the signature that its parameters give it."""

    def run(ctx: Context, show_rows: int, **given: Any) -> CallToolResult:
        permit.check(ctx)
        seeds = given.pop("seeds", None)
        changes = {name: value for name, value in given.items() if value is not None}
        found = run_entry(package, tool.index, sandbox.get(), seeds, changes)
        return quoted(_answer(package, tool, found, show_rows))

    keyword = inspect.Parameter.KEYWORD_ONLY
    answers = Annotated[CallToolResult, Measured]
    known = [
        inspect.Parameter("ctx", keyword, annotation=Context),
        inspect.Parameter("show_rows", keyword, default=SHOWN, annotation=ShowRows),
    ]
    known += [inspect.Parameter(n, keyword, default=None, annotation=kind) for n, kind in tool.parameters.items()]
    run.__signature__ = inspect.Signature(known, return_annotation=answers)  # type: ignore[attr-defined]
    run.__annotations__ = {"ctx": Context, "show_rows": ShowRows, **tool.parameters, "return": answers}
    run.__name__ = tool.name
    return run


def _answer(package: Opened, tool: EntryTool, found: Experiment, shown: int) -> Measured:
    metric = package.branch.hypothesis.metric
    groups: dict[tuple[Any, ...], list[float]] = {}
    metrics = {metric} | {claim.metric for claim in package.branch.claims}
    for row in found.rows:
        value = row.get(metric)
        if isinstance(value, int | float) and not isinstance(value, bool):
            apart = sorted((k, v) for k, v in row.items() if k not in ("system", "seed") and k not in metrics)
            groups.setdefault((str(row.get("system", "")), *apart), []).append(float(value))
    means = [
        Mean(system=system, conditions=dict(apart), n=len(values), mean=fmean(values))
        for (system, *apart), values in groups.items()
    ]
    return Measured(
        entry=package.entries[tool.index][0].id,
        metric=metric,
        reproduced=found.reproduced,
        detail=found.detail,
        means=means[:MOST_MEANS],
        total_rows=len(found.rows),
        rows=[dict(row) for row in found.rows[:shown]],
        stdout=found.stdout[-4000:],
        seconds=round(found.seconds, 3),
        sandbox=found.sandbox,
    )


def _described(package: Opened, index: int) -> str:
    """What a tool does: the library's names as they are, a package's own only where they are plain."""
    entry, run = package.entries[index]
    systems = [s for s in dict.fromkeys(c.system for c in run.experiment.cells) if _PLAIN.fullmatch(s)]
    metric = package.branch.hypothesis.metric
    what = f"{metric} of {', '.join(systems[:8])}" if _PLAIN.fullmatch(metric) and systems else "its metric"
    role = {"measure": "the measurement", "falsify": "an attack on it", "rerun": "a repetition"}.get(entry.role, "")
    return (
        f"Run {entry.id} of the package ({role}) in the sandbox: {what}, {len(run.experiment.cells)} cells, "
        f"{len(run.evidence.seeds)} seeds. Without arguments exactly as recorded; a condition that is given replaces "
        "that of every cell."
    )


def _conditions(family: str, run: Run) -> dict[str, Any]:
    """The type of every condition of a run's cells, with the range of the library's card where there is one."""
    recorded: dict[str, list[Value]] = {}
    for cell in run.experiment.cells:
        for name, value in cell.conditions.items():
            if value not in recorded.setdefault(name, []):
                recorded[name].append(value)
    try:
        cards = registry.parameters(family)
    except KeyError:
        cards = {}
    found: dict[str, Any] = {}
    for name, values in recorded.items():
        if not _PARAMETER.fullmatch(name) or name in TAKEN:
            continue
        shown = ", ".join(str(v) for v in values[:8] if _PLAIN.fullmatch(str(v)))
        card = cards.get(name)
        unit = f", in {card.unit}" if card and card.unit not in ("", "1", *card.purpose.split()) else ""
        told = f"{card.purpose if card else 'A condition'}{unit}; recorded: {shown}"
        if card and card.choices:
            found[name] = Annotated[Literal[card.choices] | None, Field(description=told)]
            continue
        kind = (
            {"int": int, "float": float, "bool": bool}[card.kind] if card and card.kind != "choice" else _kind(values)
        )
        numeric = card is not None and kind in (int, float)
        low, high = (card.low, card.high) if card is not None and numeric else (None, None)
        found[name] = Annotated[kind | None, Field(description=told, ge=low, le=high)]
    return found


def _kind(values: list[Value]) -> Any:
    """The type of recorded values: whole numbers, numbers, or one of the values themselves."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return bool
    if kinds <= {int, float}:
        return int if kinds == {int} else float
    return Annotated[str, Field(max_length=100)]
