"""Commands over tensions: list the claims that do not agree, and explain why two of them do not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evidentia.cli.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption, opened

if TYPE_CHECKING:
    from evidentia.graph.disputes import Dispute
    from evidentia.graph.explaining import Explanation
    from evidentia.workspace.home import Workspace
    from evidentia.workspace.records import Claim

STATES = {"open": "yellow", "explained": "green", "unexplained": "red"}
RECOMPUTED = 3
"""The rung at which a package's runs have come out again."""

app = typer.Typer(name="tensions", rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def tensions(
    context: typer.Context,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Show what agrees or cannot be told as well, and every single pair.")
    ] = False,
) -> None:
    """List claims that do not agree: tensions, contradictions and boundaries, with what explains them."""
    if context.invoked_subcommand:
        return
    from evidentia.cli.output import console, print_json
    from evidentia.hub.tensions import detect

    found = detect(opened(workspace), everything=everything)
    for why in found.unread:
        typer.echo(f"left out: {why}", err=True)
    if as_json:
        print_json(found.items)
        return
    out = console()
    if not found.items:
        out.print("No two claims are compared yet." if everything else "No two claims are in conflict.")
        return
    for item in found.items:
        for part in _lines(item):
            out.print(part, soft_wrap=True)
    what = "comparison" if everything else "conflict"
    many = "" if len(found.items) == 1 else "s"
    out.print(f"{len(found.items)} {what}{many}; explain one with `evidentia tensions explain ID`.", style="dim")


def _lines(item: dict[str, Any]) -> list[Any]:
    """One comparison: a heading, its two claims with their values, why, and what explains it."""
    from rich.text import Text

    from evidentia.agents.wording import told
    from evidentia.cli.output import plain
    from evidentia.workspace.quantities import figure

    about = item["about"]
    against = f" over {about['baseline']}" if about["baseline"] else ""
    head = Text(f"{item['id']}  {item['class']}", style="bold")
    head.append(f"  {item['state']}", style=STATES[item["state"]])
    head.append(plain(f"  {about['metric']} of {about['system']}{against}, {about['of']}"))
    lines = [head]
    for ref, value, unit, missing in zip(
        item["claims"],
        item["values"],
        item["units"],
        [item["missing_conditions"].get(ref, {}) for ref in item["claims"]],
        strict=True,
    ):
        shown = "no value" if value is None else f"{figure(value)} {unit}"
        line = Text(f"    {shown:>12}  ")
        line.append(plain(ref))
        line.append(plain(f"  holds at {told(missing)}" if missing else ""), style="green")
        lines.append(line)
    lines.append(Text(plain(f"    {item['reason']}"), style="dim"))
    if item["explained_by"]:
        lines.append(Text(plain(f"    {item['explained_by']}: {item['explanation']}")))
    return lines


@app.command("explain")
def explain(
    context: typer.Context,
    tension: Annotated[str, typer.Argument(metavar="ID", help="A tension: its id or the beginning of it.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Explain a tension: measure every corner between the two settings, and publish what each condition adds."""
    from evidentia.cli.output import print_json
    from evidentia.graph.disputes import dispute_of
    from evidentia.hub.tensions import find

    if workspace == DEFAULT_WORKSPACE and context.parent:
        workspace = context.parent.params["workspace"]
    home = opened(workspace)
    item, older, newer = find(home, tension)
    started = time.monotonic()
    report = explain_one(home, item, dispute_of(item, older, newer))
    report["wall_seconds"] = round(time.monotonic() - started, 3)
    if as_json:
        print_json(report)
    else:
        _show(report)


def explain_one(home: Workspace, item: dict[str, Any], dispute: Dispute) -> dict[str, Any]:
    """Run the factorial, verify its package, record the resolution; the answer as JSON."""
    from evidentia.cli.output import console
    from evidentia.errors import EvidentiaError
    from evidentia.graph.explaining import explain as measure
    from evidentia.hub.tensions.resolution import resolve, run_name, state_of
    from evidentia.hub.verification import verify
    from evidentia.workspace.package.store import locate

    with console(error=True).status(f"measuring every corner between the two settings of {item['id']}"):
        found = measure(home, dispute, run_name(item["id"]))
    if not found.attributions:
        raise EvidentiaError(f"the factorial gave no rows; see `evidentia show {found.package}` for why")
    with console(error=True).status(f"re-running {found.package}"):
        rung = verify(locate(home, found.package), home, RECOMPUTED)["rung"]
    if found.explained:
        moved = found.moving or tuple(found.attributions)
        resolve(home, item, found.package, conditions=moved, detail=_told(found), verified=rung >= RECOMPUTED)
    now = state_of(home, item["id"])
    return {
        **{name: now[name] for name in ("id", "state", "class", "claims", "conditions_differing")},
        "package": found.package,
        "rung": rung,
        "attributions": {name: _numbers(claim) for name, claim in found.attributions.items()},
        "residual": _numbers(found.residual) if found.residual else None,
        "statements": [{"id": c.id, "statement": c.statement, "status": c.status, **_numbers(c)} for c in found.claims],
        "missing_conditions": now["missing_conditions"],
    }


def _numbers(claim: Claim) -> dict[str, Any]:
    error = claim.sd / claim.n**0.5 if claim.sd is not None and claim.n else None
    return {"value": claim.value, "unit": claim.unit, "se": error, "ci": claim.ci, "n": claim.n}


def _told(found: Explanation) -> str:
    from evidentia.agents.wording import words
    from evidentia.workspace.quantities import quantity

    parts = [f"{words(name)} adds {quantity(claim)}" for name, claim in found.attributions.items()]
    return "; ".join([*parts, f"{quantity(found.residual)} is left"] if found.residual else parts)


def _written(claim: dict[str, Any]) -> tuple[str, str]:
    """A claim's value with its unit, and its interval."""
    from evidentia.workspace.quantities import figure

    if claim["value"] is None:
        return "–", "–"
    if claim["ci"] is None:
        return f"{figure(claim['value'])} {claim['unit']}", "–"
    low, high = claim["ci"]
    half = (high - low) / 2
    return f"{figure(claim['value'], half)} {claim['unit']}", f"[{figure(low, half)}, {figure(high, half)}]"


def _show(report: dict[str, Any]) -> None:
    """What each condition adds, what is left, what was held against the published values."""
    from rich.table import Table
    from rich.text import Text

    from evidentia.agents.wording import told, words
    from evidentia.cli.output import STYLES, console, plain

    out = console()
    head = Text(f"{report['id']}  ", style="bold")
    head.append(report["state"], style=STATES[report["state"]])
    out.print(head)
    added = Table("condition", "adds", "interval", box=None, pad_edge=False)
    for name, claim in report["attributions"].items():
        added.add_row(words(name), *_written(claim))
    if report["residual"]:
        added.add_row("unexplained", *_written(report["residual"]), style="dim")
    out.print(added, "")
    for claim in report["statements"]:
        line = Text(f"{claim['id']} {claim['status']:12} ", style=STYLES[claim["status"]])
        line.append(plain(f"{claim['statement']}: {' '.join(_written(claim))}"), style="default")
        out.print(line, soft_wrap=True)
    out.print()
    for ref, missing in report["missing_conditions"].items():
        out.print(Text(plain(f"{ref} holds at {told(missing)}"), style="green"), soft_wrap=True)
    out.print(f"{report['package']}: verified at L{report['rung']}, {report['wall_seconds']:.1f} s in all")
