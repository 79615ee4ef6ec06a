"""Commands that carry packages in and out: export and import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.options import DEFAULT_WORKSPACE, JsonOption, WeakSandboxOption, WorkspaceOption, opened
from evidentia.cli.packages import PackageArgument

if TYPE_CHECKING:
    from evidentia.hub.imports import Receipt
    from evidentia.workspace.home import Workspace

ARXIV = ("arxiv:", "https://arxiv.org/", "http://arxiv.org/")
SHOWN = 12
INTACT = 1


def export(
    package: PackageArgument,
    form: Annotated[
        str,
        typer.Option("--format", help="zip, ara, ro-crate, discovery, citation, bagit, pdf or latex."),
    ] = "zip",
    out: Annotated[Path | None, typer.Option("--out", help="The file or folder to write; it must not exist.")] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Write a package in another format; the same package gives the same bytes."""
    from evidentia.cli.output import console, print_json
    from evidentia.errors import BadInputError
    from evidentia.hub.exports import EXPORTS, SUFFIXES
    from evidentia.workspace.package.store import MANIFEST, load_manifest, locate

    if form not in EXPORTS:
        raise BadInputError(f"no format {form!r}; there are {', '.join(EXPORTS)}")
    path = locate(None if (Path(package) / MANIFEST).is_file() else opened(workspace), package)
    manifest = load_manifest(path)
    target = out or Path(f"{manifest.id}-v{manifest.version}{SUFFIXES.get(form, f'-{form}')}")
    made = EXPORTS[form](path, target)
    if as_json:
        told = {"package": manifest.id, "version": manifest.version, "format": form, "path": str(made)}
        print_json(told)
    else:
        console().print(f"wrote {made}", soft_wrap=True, markup=False)


def import_(
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A package zip, a zip of such zips, an ARA folder, a discovery.json, or arxiv:ID (which asks arXiv).",
        ),
    ],
    rung: Annotated[
        int, typer.Option("--rung", min=1, max=3, help="How far to verify here; 2 and 3 run the package's code.")
    ] = INTACT,
    allow_weak_sandbox: WeakSandboxOption = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Take a package in: verified before it is trusted, at the rung it earns here."""
    from evidentia.cli.output import print_json
    from evidentia.errors import EvidentiaError
    from evidentia.hub.imports import holds_many, import_path

    if holds_many(Path(path)):
        _import_many(opened(workspace, create=True), Path(path), rung, allow_weak_sandbox, as_json=as_json)
        return
    fresh = not (workspace / "workspace.json").exists()
    home = opened(workspace, create=True)
    try:
        if path.lower().startswith(ARXIV):
            receipt = _import_arxiv(home, path)
        else:
            receipt = import_path(home, Path(path), rung=rung, allow_weak_sandbox=allow_weak_sandbox)
    except EvidentiaError:
        if fresh:
            _unmake(home)
        raise
    if as_json:
        print_json(receipt.to_json())
    else:
        _tell(receipt)


def _import_many(home: Workspace, path: Path, rung: int, allow_weak_sandbox: bool, *, as_json: bool) -> None:
    """Every package of a collection; exit code 1 where one was refused or is not intact."""
    from evidentia.cli.output import console, plain, print_json
    from evidentia.hub.imports import Refused, import_collection

    told, new, lacking = [], 0, 0
    for found in import_collection(home, path, rung=rung, allow_weak_sandbox=allow_weak_sandbox):
        if isinstance(found, Refused):
            lacking += 1
            told.append({"file": found.name, "refused": found.why})
            console(error=True).print(f"refused {plain(found.name)}: {plain(found.why)}", style="red", markup=False)
            continue
        new += found.new
        lacking += found.rung < INTACT
        told.append(found.to_json())
        if not as_json:
            earned = f"L{found.rung}" if found.rung >= 0 else "no rung"
            console().print(f"{earned} {plain(found.package)} v{found.version}", markup=False)
    if as_json:
        print_json(told)
    else:
        console().print(f"{len(told)} packages, {new} of them new; read: evidentia packages, or evidentia hub")
    if lacking:
        raise typer.Exit(1)


def _import_arxiv(home: Workspace, name: str) -> Receipt:
    """The paper of ``arxiv:ID``, asked of arXiv, or read from the workspace's cache where it was asked lately."""
    from evidentia.agents.literature.arxiv_api import fetch
    from evidentia.agents.literature.fetching import Fetcher, FetchError
    from evidentia.agents.literature.identifiers import arxiv_id
    from evidentia.agents.literature.settings import from_environment
    from evidentia.errors import BadInputError, EvidentiaError
    from evidentia.hub.imports.paper import import_paper

    identifier = arxiv_id(name)
    if identifier is None:
        raise BadInputError(
            f"{name!r} names no arXiv paper; write arxiv: and its identifier, as in arxiv:2205.14135, "
            "arxiv:2205.14135v2 or arxiv:cs/0112017"
        )
    try:
        paper, answer = fetch(Fetcher(from_environment(), home.cache / "literature"), identifier)
    except FetchError as error:
        raise EvidentiaError(f"arXiv:{identifier} was not imported: {error}") from error
    return import_paper(home, paper, raw=answer.body, url=answer.url, retrieved=answer.retrieved)


def _unmake(home: Workspace) -> None:
    """Take a workspace away again that was made for nothing."""
    import shutil

    if home.package_names() or home.ledger_path.exists():
        return
    shutil.rmtree(home.cache, ignore_errors=True)
    (home.root / "workspace.json").unlink()
    for folder in (home.packages, home.root):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _tell(receipt: Receipt) -> None:
    from rich.text import Text

    from evidentia.cli.output import console, plain

    out = console()

    def line(text: str, style: str = "") -> None:
        out.print(Text(plain(text), style=style), soft_wrap=True)

    what = "imported" if receipt.new else "already here, nothing added:"
    line(f"{what} {receipt.package} v{receipt.version} from {receipt.form}", "bold")
    if receipt.rung >= INTACT:
        line(f"intact: it earns L{receipt.rung} here", "green")
    else:
        earned = f"L{receipt.rung}" if receipt.rung >= 0 else "no rung"
        line(f"it earns {earned} here:", "yellow")
        for check in receipt.failed[:SHOWN]:
            line(f"  L{check['rung']} {check['name']}: {check['detail']}")
    if receipt.said:
        line("what others say of it, which counts for nothing until it is verified here:")
        for said in receipt.said:
            line(f"  {said.file}: {said.detail}", "" if said.kept else "red")
        for key in sorted({s.keyid for s in receipt.said if s.keyid and not s.trusted}):
            line(f"  if you know whose key it is: evidentia verify {receipt.package} --trust {key}", "dim")
    for title, lines in (
        ("changed since the version before", receipt.changes),
        (f"not mapped, all in {receipt.path / 'IMPORT.md'}", receipt.unmapped),
    ):
        if lines:
            more = len(lines) - SHOWN
            line(f"{title} ({len(lines)}):")
            for told in [*lines[:SHOWN], *([f"… and {more} more"] if more > 0 else [])]:
                line(f"  {told}", "dim")
    line(f"re-run: evidentia verify {receipt.package}", "dim")
