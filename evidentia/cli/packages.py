"""Commands over packages: rank them, show one, verify it, review it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evidentia.cli.options import DEFAULT_WORKSPACE, JsonOption, WeakSandboxOption, WorkspaceOption, opened

if TYPE_CHECKING:
    from evidentia.workspace.home import Workspace
    from evidentia.workspace.package.manifest import Manifest

PackageArgument = Annotated[
    str, typer.Argument(metavar="PKG", help="A package: its id, the beginning of it, ID@v1, or a directory.")
]


def packages(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Show at most so many.")] = 100,
) -> None:
    """List the packages, ranked by attention: what verification has earned."""
    from evidentia.cli.output import SIGNS, console, print_json, styled
    from evidentia.hub.ranking import list_packages

    found = list_packages(opened(workspace))
    if as_json:
        print_json(found[:limit])
        return
    out = console()
    if not found:
        out.print("No packages yet; `evidentia run` makes them.")
        return
    from rich.table import Table

    table = Table("attention", "rung", "outcome", "claims", box=None, pad_edge=False)
    table.add_column("package", overflow="fold")
    for item in found[:limit]:
        claims = item["claims"]
        outcome = item["outcome"]
        table.add_row(
            f"{item['attention']:.1f}",
            f"L{item['rung']}" if item["rung"] >= 0 else "–",
            styled(f"{SIGNS[outcome]} {outcome}", outcome),
            f"{claims['decided']}/{claims['total']}",
            styled(item["id"]),
        )
    out.print(table)
    more = len(found) - limit
    out.print(
        f"{len(found)} packages{f', {more} more with --limit' if more > 0 else ''}; claims are decided/all; "
        "attention is 1 + 3 per verified rung.",
        style="dim",
    )


def show(
    package: Annotated[str, typer.Argument(metavar="[PKG]", help="A package; without it, the best-ranked one.")] = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Print a package's claims with values, intervals, and where each number comes from."""
    from evidentia.cli.output import console, print_json
    from evidentia.workspace.package.store import load_manifest

    path = _find(package or _best(workspace), workspace)
    manifest = load_manifest(path)
    if as_json:
        print_json(manifest.to_json())
        return
    for part in _shown(manifest, path):
        console().print(part, soft_wrap=False)


def _shown(manifest: Manifest, path: Path) -> list[Any]:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from evidentia.cli.output import SIGNS, STYLES, plain
    from evidentia.workspace.quantities import quantity

    branch = manifest.branch
    head = Text(f"{SIGNS[manifest.outcome]} {manifest.outcome}  ", style=STYLES[manifest.outcome])
    head.append(plain(branch.hypothesis.statement), style="bold")
    parts: list[Any] = [head, Text(plain(f"asked: {manifest.question}"), style="dim"), Text("")]
    names = {e.evidence: e for e in manifest.entry_points}
    for claim in branch.claims:
        line = Text(f"{claim.id} {claim.status:12} ", style=STYLES[claim.status])
        line.append(plain(quantity(claim)), style="bold")
        parts.append(line)
        parts.append(Padding(Text(plain(claim.statement)), (0, 0, 0, 4)))
        sources = [names[e] for e in claim.evidence if e in names]
        told = "; ".join(f"evidence/rows/{e.id}.jsonl ← {e.script}" for e in sources) or "no rows"
        parts.append(Padding(Text(f"from {told}", style="dim"), (0, 0, 0, 4)))
        check = f"{claim.check.estimator}, {claim.check.confidence:.4g} interval {_expected(claim.check.expect)}"
        parts.append(Padding(Text(f"check: {check}", style="dim"), (0, 0, 0, 4)))
    if branch.dead_end:
        parts += [Text(""), Text(f"dead end: {plain(branch.dead_end.failure_mode)}", style="red")]
    if branch.attacks:
        parts.append(Text(""))
        table = Table("attack", "what came of it", box=None, pad_edge=False)
        for attack in branch.attacks:
            table.add_row(attack.kind, Text(plain(attack.finding)))
        parts.append(table)
    parts += [
        Text(""),
        Text(plain(f"run {manifest.run}, v{manifest.version}, {manifest.created[:10]}, planned by {manifest.mind}")),
        Text(f"read {path / 'README.md'}", style="dim", no_wrap=True),
        Text(f"re-run: evidentia verify {manifest.id}", style="dim", no_wrap=True),
    ]
    return parts


def _expected(expect: Any) -> str:
    if expect.relation in ("inside", "outside"):
        return f"must lie {expect.relation} [{expect.low:g}, {expect.high:g}]"
    if expect.relation == "precise":
        return f"must be no wider than ±{expect.high:g}"
    return f"must lie {expect.relation} {expect.low if expect.relation == 'above' else expect.high:g}"


def verify(
    package: PackageArgument,
    rung: Annotated[int, typer.Option("--rung", min=0, max=3, help="How far to climb: 0 to 3.")] = 3,
    allow_weak_sandbox: WeakSandboxOption = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Verify a package: intact (L0, L1), runs again (L2), the same numbers come out (L3)."""
    from evidentia.cli.output import console, print_json
    from evidentia.hub.verification import verify as climb

    path = _find(package, workspace)
    home = opened(workspace) if (workspace / "workspace.json").exists() else None
    report = climb(path, home, rung, allow_weak_sandbox=allow_weak_sandbox)
    if as_json:
        print_json(report)
    else:
        from rich.table import Table
        from rich.text import Text

        from evidentia.cli.output import plain

        table = Table("rung", "check", "", "what was found", box=None, pad_edge=False)
        for check in report["checks"]:
            sign = Text("pass", style="green") if check["passed"] else Text("FAIL", style="bold red")
            table.add_row(f"L{check['rung']}", check["name"], sign, Text(plain(check["detail"])))
        console().print(table)
        reached = f"reached L{report['rung']}" if report["rung"] >= 0 else "not even L0 holds"
        console().print(f"{report['package']}: {reached} of L{rung}")
    if report["rung"] < rung:
        raise typer.Exit(1)


def check_new(home: Workspace, names: Sequence[str]) -> None:
    """Verify up to L1 every named package that the ledger does not yet have at L1."""
    from evidentia.hub.verification import verify as climb
    from evidentia.workspace.ledger import standings
    from evidentia.workspace.package.store import locate

    known = standings(home)
    for name in names:
        if name in known and known[name].rung < 1:
            climb(locate(home, name), home, 1)


def review(
    package: PackageArgument,
    reviewer: Annotated[str, typer.Option("--as", help="Your name; it signs the review.")] = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    """Review a package in a short form; machine scores stay hidden until you have submitted."""
    from evidentia.cli.review import fill

    home = opened(workspace)
    try:
        fill(home, _find(package, workspace), reviewer)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("\nNothing was submitted.", err=True)
        raise typer.Exit(130) from None


def _best(workspace: Path) -> str:
    """The id of the package at the top of the ranking."""
    from evidentia.errors import BadInputError
    from evidentia.hub.ranking import list_packages

    ranked = list_packages(opened(workspace))
    if not ranked:
        raise BadInputError(f"there are no packages in {workspace} yet; `evidentia run` makes them")
    return str(ranked[0]["id"])


def _find(package: str, workspace: Path) -> Path:
    from evidentia.workspace.package.store import MANIFEST, locate

    if (Path(package) / MANIFEST).is_file():
        return Path(package).resolve()
    return locate(opened(workspace), package)
