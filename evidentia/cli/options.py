"""Options that several commands share, and the workspace they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evidentia.workspace.home import Workspace

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", envvar="EVIDENTIA_WORKSPACE", help="The folder that holds runs and packages.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, all else on standard error.")]
WeakSandboxOption = Annotated[
    bool,
    typer.Option(
        "--allow-weak-sandbox", help="Run foreign code where the sandbox is weaker than asked; the record says so."
    ),
]
DEFAULT_WORKSPACE = Path("evidentia-workspace")


def opened(path: Path, *, create: bool = False) -> Workspace:
    """The workspace at a path."""
    from evidentia.workspace.home import open_workspace

    return open_workspace(path, create=create)
