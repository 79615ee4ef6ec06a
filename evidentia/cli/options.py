"""Options that several commands share, and the workspace they name."""

from __future__ import annotations

from enum import StrEnum
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
ModelOption = Annotated[
    list[str],
    typer.Option(
        "--model",
        help="Who plans: builtin (no language model), or PROVIDER:NAME such as openai:NAME or anthropic:NAME; "
        "ROLE=PROVIDER:NAME gives one role a model of its own. May be repeated.",
    ),
]
ExecutorOption = Annotated[
    str, typer.Option("--executor", help="Where experiments run: local, or ray (RAY_ADDRESS, or a cluster of its own).")
]


class Unlikeness(StrEnum):
    """What becomes of workers that differ from this machine."""

    REFUSE = "refuse"
    MARK = "mark"


class DeviceName(StrEnum):
    """What the claims of a study are measured on."""

    CPU = "cpu"
    CUDA = "cuda"


UnlikeOption = Annotated[
    Unlikeness,
    typer.Option("--unlike-workers", help="Workers with other versions, other sources or a weaker sandbox."),
]
BaseUrlOption = Annotated[
    str, typer.Option("--base-url", help="An OpenAI-compatible server for openai:NAME (vLLM, Ollama, llama.cpp).")
]
ModelTimeoutOption = Annotated[
    float, typer.Option("--model-timeout", min=0.1, help="Seconds a model may take for one answer.")
]
ModelMinutesOption = Annotated[
    float | None, typer.Option("--model-minutes", min=0.01, help="Minutes in which models may be asked at all.")
]
ModelRateOption = Annotated[
    float | None, typer.Option("--model-rate", min=0.01, help="Requests to models per minute, at most.")
]
ModelTokensOption = Annotated[int | None, typer.Option("--model-tokens", min=16, help="Tokens of one answer, at most.")]
PricesOption = Annotated[Path | None, typer.Option("--prices", help="A TOML file of prices that win over our table.")]
ApproveOption = Annotated[
    str,
    typer.Option(
        "--approve",
        metavar="GATES",
        help="Wait for you before any of ideas, experiments, packages (with commas; all; none).",
    ),
]
PersonOption = Annotated[
    str, typer.Option("--as", metavar="NAME", help="Your name in the record; git's user.name, or your login.")
]
DEFAULT_WORKSPACE = Path("evidentia-workspace")


def opened(path: Path, *, create: bool = False) -> Workspace:
    """The workspace at a path."""
    from evidentia.workspace.home import open_workspace

    return open_workspace(path, create=create)
