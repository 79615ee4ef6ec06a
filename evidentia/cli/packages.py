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
    outcome: Annotated[
        str, typer.Option("--outcome", metavar="NAME", help="supported, refuted, null or crashed.")
    ] = "",
    category: Annotated[str, typer.Option("--category", metavar="NAME", help="As in cs.PF.")] = "",
    tag: Annotated[str, typer.Option("--tag", metavar="TAG")] = "",
    rung: Annotated[int | None, typer.Option("--rung", min=0, max=5, help="The lowest rung to show.")] = None,
    tension: Annotated[str, typer.Option("--tension", metavar="STATE", help="contested, open, resolved or none.")] = "",
    fresh: Annotated[
        bool | None,
        typer.Option(
            "--fresh/--stale", help="Verified within 180 days and unchanged since, or not.", show_default=False
        ),
    ] = None,
    search: Annotated[
        str,
        typer.Option(
            "--search",
            metavar="TEXT",
            help="Words, beginnings (cach*) and “phrases in quotes” of titles, questions, claims, lessons, tags.",
        ),
    ] = "",
) -> None:
    """List the packages, ranked by attention: what verification, use and people's reviews have earned."""
    from evidentia.cli.output import print_json
    from evidentia.cli.ranked import print_list
    from evidentia.hub.ranking import find_packages
    from evidentia.workspace.index import Facets

    facets = Facets(outcome, category, tag, rung, tension, fresh, search)
    total, found = find_packages(opened(workspace), facets, limit)
    if as_json:
        print_json(found)
    else:
        print_list(total, found, narrowed=facets != Facets())


def show(
    package: Annotated[str, typer.Argument(metavar="[PKG]", help="A package; without it, the best-ranked one.")] = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
    why: Annotated[
        bool, typer.Option("--why", help="List every point of its attention with its ledger event.")
    ] = False,
) -> None:
    """Print a package's claims with values, intervals, and where each number comes from."""
    from evidentia.cli.output import console, print_json
    from evidentia.workspace.package.store import load_manifest

    path = _find(package or _best(workspace), workspace)
    if why:
        from evidentia.cli.ranked import print_why
        from evidentia.hub.ranking import explain

        found = explain(opened(workspace), path.parent.name)
        print_json(found) if as_json else print_why(found)
        return
    manifest = load_manifest(path)
    if as_json:
        print_json(manifest.to_json())
        return
    for part in [*_shown(manifest, path), *_changed(manifest, path)]:
        console().print(part, soft_wrap=False)


def _changed(manifest: Manifest, path: Path) -> list[Any]:
    """What changed since the version before, if it lies beside this one."""
    from rich.text import Text

    from evidentia.cli.output import plain
    from evidentia.workspace.package.changes import changes
    from evidentia.workspace.package.store import MANIFEST, load_manifest

    before = path.parent / f"v{manifest.version - 1}"
    if not (before / MANIFEST).is_file():
        return []
    told = changes(load_manifest(before), manifest) or ["nothing but the number"]
    return [Text(f"\nsince v{manifest.version - 1}:"), *(Text(f"  {plain(line)}", style="dim") for line in told)]


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
    package: Annotated[str, typer.Argument(metavar="PKG", help="A package, as for show; or none, with --all.")] = "",
    rung: Annotated[int, typer.Option("--rung", min=0, max=5, help="How far to climb: 0 to 5.")] = 3,
    every: Annotated[bool, typer.Option("--all", help="All packages, the longest unverified first.")] = False,
    sample: Annotated[int | None, typer.Option("--sample", min=1, metavar="K", help="With --all: only K.")] = None,
    seed_offset: Annotated[
        int | None, typer.Option("--seed-offset", metavar="N", help="By how much L4 shifts the registered seeds.")
    ] = None,
    trust: Annotated[
        str, typer.Option("--trust", metavar="KEYID", help="Count what this key has signed of PKG, from now on.")
    ] = "",
    attest: Annotated[
        Path | None, typer.Option("--attest", metavar="DIR", help="Sign the result of a package from elsewhere, too.")
    ] = None,
    allow_weak_sandbox: WeakSandboxOption = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Verify a package: intact (L0, L1), runs again (L2), same numbers (L3), other operator (L4), replicated (L5)."""
    from evidentia.cli.output import print_json
    from evidentia.cli.verified import failed, print_report, print_summary
    from evidentia.errors import BadInputError
    from evidentia.hub.verification import trust_key, verify_all
    from evidentia.hub.verification import verify as climb

    if every == bool(package):
        raise BadInputError("name one package, or none with --all")
    if every and (seed_offset is not None or trust or attest):
        raise BadInputError("--seed-offset, --trust and --attest are for one package, not for --all")
    if sample is not None and not every:
        raise BadInputError("--sample is for --all")
    if every:
        reports = verify_all(opened(workspace), sample=sample, rung=rung, allow_weak_sandbox=allow_weak_sandbox)
        found = list(reports) if as_json else print_summary(reports)
        if as_json:
            print_json(found)
        if any(failed(report) for report in found):
            raise typer.Exit(1)
        return
    path = _find(package, workspace)
    home = opened(workspace) if trust or attest or (workspace / "workspace.json").exists() else None
    if trust and home:
        trust_key(home, path, trust)
    report = climb(path, home, rung, allow_weak_sandbox=allow_weak_sandbox, seed_offset=seed_offset, attest_to=attest)
    print_json(report) if as_json else print_report(report)
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
    from evidentia.hub.ranking import find_packages

    _, ranked = find_packages(opened(workspace), limit=1)
    if not ranked:
        raise BadInputError(f"there are no packages in {workspace} yet; `evidentia run` makes them")
    return str(ranked[0]["id"])


def _find(package: str, workspace: Path) -> Path:
    from evidentia.workspace.package.store import MANIFEST, locate

    if (Path(package) / MANIFEST).is_file():
        return Path(package).resolve()
    return locate(opened(workspace), package)
