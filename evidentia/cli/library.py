"""Commands about the library and the machine: kernels and doctor."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from evidentia.cli.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption


def kernels(
    name: Annotated[str, typer.Argument(help="A kernel, a family, or family/kernel; without it, all.")] = "",
    example: Annotated[bool, typer.Option("--example", help="Run the examples of the cards.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what the library can measure, show one kernel's card, or run its example."""
    from evidentia.cli.output import console, print_json
    from evidentia.errors import BadInputError
    from evidentia.kernels import registry

    families = {f.name: f for f in registry.families()}
    found = [
        k
        for k in registry.kernels(general=True)
        if name in (k.name, _path(k)) or (not k.general and name in ("", k.family, families[k.family].root))
    ]
    if not found:
        raise BadInputError(f"no kernel or family {name!r}; families are {', '.join(families)}")
    if example:
        _examples(found, as_json)
    elif as_json:
        print_json(
            [
                {
                    "family": families[k.family].root,
                    "measured_in": k.family,
                    "name": k.name,
                    "purpose": k.purpose,
                    "paper": k.paper.title,
                    "claim": k.claim,
                    "claim_needs_gpu": k.claim_needs_gpu,
                    "metrics": [m.name for m in registry.family(k.family).metrics],
                }
                for k in found
            ]
        )
    elif len(found) == 1:
        console().print(_card(found[0]))
    else:
        from rich.table import Table

        table = Table("family", "kernel", "purpose", "paper", box=None, pad_edge=False)
        for k, before in zip(found, [None, *found], strict=False):
            family = "" if before and before.family == k.family else k.family
            table.add_row(family, k.name, k.purpose, k.paper.title.split(":")[0])
        console().print(table)


def _path(kernel: Any) -> str:
    return f"{kernel.family}/{kernel.name}"


def _examples(found: list[Any], as_json: bool) -> None:
    """Measure every metric of each kernel at its defaults with seed 0, the first call (which may compile) untimed."""
    import time

    from evidentia.cli.output import console, print_json
    from evidentia.kernels import registry

    rows = []
    for k in found:
        if k.needs_gpu:
            continue
        family = registry.family(k.family)
        registry.warm(k.family, k.name)
        start = time.perf_counter()
        values = registry.measure(k.family, k.name, [m.name for m in family.metrics], seed=0)
        rows.append({"family": k.family, "name": k.name, "seconds": time.perf_counter() - start, "values": values})
        if not as_json:
            told = ", ".join(f"{m.name} {values[m.name]:.4g} {m.unit}" for m in family.metrics)
            console().print(f"{_path(k)}  {told}  ({rows[-1]['seconds']:.2f} s)", highlight=False)
    if as_json:
        print_json(rows)


def _card(kernel: Any) -> Any:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from evidentia.kernels import registry

    family = registry.family(kernel.family)
    paper = ", ".join(p for p in (kernel.paper.title, kernel.paper.section) if p)
    head = Text(f"{_path(kernel)}\n", style="bold")
    head.append(f"{kernel.purpose}\n", style="")
    head.append(f"paper: {paper}{f' (arXiv:{kernel.paper.arxiv})' if kernel.paper.arxiv else ''}\n", style="dim")
    if kernel.claim:
        told = " (its figure needs a GPU)" if kernel.claim_needs_gpu else ""
        head.append(f"the paper's claim: {kernel.claim}{told}\n", style="dim")
    head.append(f"compared with: {kernel.baseline or 'it is the baseline'}\n", style="dim")
    for law in kernel.laws:
        relation = law.relation.replace("_", " ")
        told = f"law: {law.metric} goes as {law.form} of {law.parameter}, exponent {relation} {law.exponent:g}"
        head.append(f"{told} ({law.source})\n", style="dim")
    parameters = Table("parameter", "default", "range", "unit", "meaning", box=None, pad_edge=False)
    for p in registry.parameters(kernel.family, kernel.name).values():
        span = ", ".join(p.choices) or (f"{p.low:g} to {p.high:g}" if p.low is not None and p.high is not None else "")
        parameters.add_row(p.name, str(p.default), span, p.unit, p.purpose)
    metrics = Table("metric", "unit", "better", "smallest effect", "meaning", box=None, pad_edge=False)
    for m in family.metrics:
        metrics.add_row(m.name, m.unit, m.direction, f"{m.smallest_effect:g} ({m.effect})", m.purpose)
    example = Text(
        f'\nexample:\n  from evidentia.kernels import registry\n  registry.measure("{kernel.family}", "{kernel.name}", '
        f'["{family.metrics[0].name}"], seed=0)\n'
        f"or: evidentia kernels {_path(kernel)} --example\n",
        style="cyan",
    )
    return Group(head, parameters, Text(""), metrics, example)


def _levels(levels: list[dict[str, Any]]) -> Any:
    """The sandbox levels, strongest first; the first that is there is the one in use."""
    from rich.table import Table
    from rich.text import Text

    used = next((level["level"] for level in levels if level["available"]), None)
    table = Table("sandbox level", "here", "detail", box=None, pad_edge=False)
    for level in levels:
        here = Text("in use", style="bold green") if level["level"] == used else Text("available", style="green")
        table.add_row(level["level"], here if level["available"] else Text("missing", style="red"), level["detail"])
    return table


def doctor(workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False) -> None:
    """Say what this machine has: interpreter, packages, sandbox levels, workspace."""
    import os
    import platform
    import shutil
    from importlib import metadata

    from evidentia.cli.output import console, print_json
    from evidentia.graph.environment import PACKAGES, processor
    from evidentia.sandbox import available_levels

    levels = [{"level": n, "available": ok, "detail": why} for n, ok, why in available_levels()]
    place = workspace if workspace.exists() else workspace.absolute().parent
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "packages": {n: metadata.version(n) for n in (*PACKAGES, "langgraph", "networkx", "pydantic")},
        "sandbox": levels,
        "workspace": {
            "path": str(workspace),
            "exists": workspace.exists(),
            "writable": os.access(place, os.W_OK),
            "free_gib": round(shutil.disk_usage(place).free / 2**30, 1) if place.exists() else None,
        },
    }
    if as_json:
        print_json(found)
        return
    out = console()
    out.print(f"Python {found['python']} on {found['platform']}; {found['processor']}, {found['cores']} cores")
    out.print("Packages: " + ", ".join(f"{n} {v}" for n, v in found["packages"].items()))
    out.print(_levels(levels))
    place_told = "exists" if workspace.exists() else "will be made by the first run"
    writable = "writable" if os.access(place, os.W_OK) else "NOT writable"
    out.print(f"Workspace {workspace}: {place_told}, {writable}, {found['workspace']['free_gib']} GiB free")
