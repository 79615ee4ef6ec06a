"""`evidentia mcp`: the workspace, or one package's experiments, as tools for agents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evidentia.cli.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption, opened

PORT = 8128


def mcp(
    package: Annotated[
        str, typer.Option("--package", metavar="PKG", help="Only this package: its experiments as tools.")
    ] = "",
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP on this machine, not standard input.")] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port for --http; 0 takes a free one.")
    ] = PORT,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Call the package's tools as recorded and compare; then stop.")
    ] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Serve the workspace to agents over MCP: search, cards, evidence, re-runs, tensions, lessons, reviews."""
    from evidentia.errors import BadInputError
    from evidentia.hub.mcp.serving import serve_http, serve_stdio
    from evidentia.workspace.package.store import locate

    home = opened(workspace)
    path = locate(home, package).resolve() if package else None
    if path is not None and path.parent.parent != home.packages.resolve():
        raise BadInputError(f"{path} is not a package of the workspace {home.root}; import it first")
    if self_test:
        if path is None:
            raise BadInputError("--self-test is for one package; name it with --package")
        _test(workspace, path, as_json)
    elif http:
        serve_http(home, port, path, _tell)
    else:
        serve_stdio(home, path)


def _tell(address: str, token: str) -> None:
    typer.echo(f"MCP at {address}  (Ctrl-C stops it)")
    typer.echo(f"Tools that run or write something need the header  Authorization: Bearer {token}")


def _test(workspace: Path, path: Path, as_json: bool) -> None:
    """Print each test of a package's tools as it came out; the exit code says whether all passed."""
    from dataclasses import asdict

    from evidentia.cli.output import plain, print_json
    from evidentia.hub.mcp.self_test import self_test

    tested = self_test(opened(workspace), path)
    if as_json:
        print_json([asdict(one) for one in tested])
    else:
        for one in tested:
            typer.echo(f"{'pass' if one.passed else 'FAIL'}  {plain(one.name):10}  {plain(one.detail)}")
    if not all(one.passed for one in tested):
        raise typer.Exit(1)
