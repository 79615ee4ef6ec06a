"""`evidentia hub`: the web application over the workspace."""

from __future__ import annotations

from typing import Annotated

import typer

from evidentia.cli.options import DEFAULT_WORKSPACE, WorkspaceOption, opened

PORT = 8127


def hub(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port on this machine; 0 takes a free one.")
    ] = PORT,
    browse: Annotated[bool, typer.Option("--open/--no-open", help="Open a browser.")] = True,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    """Read, review, compare and replay in a browser: a server on this machine only, until Ctrl-C."""
    from evidentia.hub.app.serving import serve

    def tell(reading: str, writing: str) -> None:
        typer.echo(f"Evidentia hub at {reading}  (Ctrl-C stops it)")
        typer.echo(f"To review, vote and start runs, open: {writing}")

    serve(opened(workspace, create=True), port, tell=tell, browse=browse)
