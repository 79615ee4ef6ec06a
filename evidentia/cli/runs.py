"""Commands that start, continue and follow runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evidentia.cli.options import (
    DEFAULT_WORKSPACE,
    ApproveOption,
    BaseUrlOption,
    ExecutorOption,
    JsonOption,
    ModelMinutesOption,
    ModelOption,
    ModelRateOption,
    ModelTimeoutOption,
    ModelTokensOption,
    PersonOption,
    PricesOption,
    Unlikeness,
    UnlikeOption,
    WeakSandboxOption,
    WorkspaceOption,
    opened,
)

if TYPE_CHECKING:
    from evidentia.agents.brief import Brief
    from evidentia.graph.running import Report
    from evidentia.workspace.home import Workspace

MODEL_TIMEOUT = 600.0
WorkersAsBefore = Annotated[
    int | None, typer.Option("--workers", min=1, max=256, help="Experiments that run at once, if not as before.")
]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, max=256, help="Experiments that run at once.")]


def run(
    brief: Annotated[str, typer.Argument(help="A .toml brief, or the question in quotes.")],
    model: ModelOption = ["builtin"],  # noqa: B006 - typer reads it, nobody changes it
    base_url: BaseUrlOption = "",
    max_experiments: Annotated[int | None, typer.Option("--max-experiments", help="Budget of executions.")] = None,
    max_minutes: Annotated[float | None, typer.Option("--max-minutes", help="Budget of wall time.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The first seed of the experiments.")] = None,
    workers: WorkersOption = 2,
    model_timeout: ModelTimeoutOption = MODEL_TIMEOUT,
    model_minutes: ModelMinutesOption = None,
    model_rate: ModelRateOption = None,
    model_tokens: ModelTokensOption = None,
    prices: PricesOption = None,
    policy: Annotated[str, typer.Option("--policy", help="Which branch next: value, best-first, tree-search …")] = "",
    online: Annotated[bool, typer.Option("--online", help="Look in arXiv and OpenAlex too.")] = False,
    approve: ApproveOption = "",
    person: PersonOption = "",
    executor: ExecutorOption = "local",
    unlike_workers: UnlikeOption = Unlikeness.REFUSE,
    allow_weak_sandbox: WeakSandboxOption = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Answer a brief: an autonomous run that ends in ranked packages."""
    from evidentia.agents.brief import read_brief
    from evidentia.errors import BadInputError
    from evidentia.graph.executors import EXECUTORS
    from evidentia.graph.running import start

    if executor not in EXECUTORS:
        raise BadInputError(f"no executor {executor!r}; this version knows {', '.join(EXECUTORS)}")
    wanted = with_options(read_brief(brief), max_experiments, max_minutes, seed, policy, online, approve)
    from evidentia.cli.approving import asker_of
    from evidentia.cli.live import following
    from evidentia.cli.models import asked, mind_of

    mind = mind_of(model, base_url, model_tokens)
    home = opened(workspace, create=True)
    with (
        asked(home, model_timeout, model_minutes, model_rate, prices, quiet=as_json),
        following(quiet=as_json) as listener,
    ):
        report = start(
            home,
            wanted,
            mind=mind,
            workers=workers,
            listener=listener,
            allow_weak_sandbox=allow_weak_sandbox,
            executor=executor,
            unlike=unlike_workers.value,
            asker=asker_of(home, listener, person, as_json),
        )
    end(home, report, as_json)


def resume(
    name: Annotated[str, typer.Argument(metavar="RUN", help="The run, or the beginning of its name.")],
    approve: ApproveOption = "",
    person: PersonOption = "",
    workers: WorkersAsBefore = None,
    model_timeout: ModelTimeoutOption = MODEL_TIMEOUT,
    model_minutes: ModelMinutesOption = None,
    model_rate: ModelRateOption = None,
    prices: PricesOption = None,
    executor: Annotated[str | None, typer.Option("--executor", help="local or ray, if not as before.")] = None,
    unlike_workers: Annotated[
        Unlikeness | None, typer.Option("--unlike-workers", help="Workers that differ, if not as before.")
    ] = None,
    allow_weak_sandbox: WeakSandboxOption = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Go on with a run that was interrupted or killed, waits for you, or was steered after it had finished."""
    from evidentia.cli.approving import asker_of
    from evidentia.cli.live import following
    from evidentia.cli.models import asked
    from evidentia.graph.running import resume as go_on

    home = opened(workspace)
    with (
        asked(home, model_timeout, model_minutes, model_rate, prices, quiet=as_json),
        following(quiet=as_json) as listener,
    ):
        report = go_on(
            home,
            name,
            workers=workers,
            listener=listener,
            allow_weak_sandbox=allow_weak_sandbox,
            executor=executor,
            unlike=unlike_workers.value if unlike_workers else None,
            asker=asker_of(home, listener, person, as_json),
            approve=gates(approve) if approve else None,
        )
    end(home, report, as_json)


def watch(
    name: Annotated[str, typer.Argument(metavar="RUN", help="The run, or the beginning of its name.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
) -> None:
    """Follow a run that another process is working on; Ctrl-C stops watching, not the run."""
    from evidentia.cli.live import following
    from evidentia.graph.replay import follow

    home = opened(workspace)
    with following(quiet=False) as listener:
        try:
            for event in follow(home.log_path(home.find_run(name))):
                listener(event)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


def runs(workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False) -> None:
    """List the runs of the workspace, newest first."""
    from evidentia.graph.replay import summaries

    found = summaries(opened(workspace))
    from evidentia.cli.output import console, plain, print_json

    if as_json:
        print_json(found)
        return
    if not found:
        console().print('No runs yet. Start one: evidentia run "your question"')
        return
    from rich.table import Table

    table = Table("run", "status", "nodes", "experiments", "question", box=None, pad_edge=False)
    for item in found:
        table.add_row(
            item["run"], plain(item["status"]), str(item["nodes"]), str(item["experiments"]), plain(item["question"])
        )
    console().print(table)


def with_options(
    brief: Brief,
    max_experiments: int | None,
    max_minutes: float | None,
    seed: int | None,
    policy: str = "",
    online: bool = False,
    approve: str = "",
) -> Brief:
    """The brief with what the command line overrides, checked like the brief itself."""
    from pydantic import ValidationError

    from evidentia.agents.brief import Brief as Model
    from evidentia.errors import BadInputError

    data: dict[str, Any] = brief.model_dump()
    for section, key, value, option in (
        ("budget", "max_experiments", max_experiments, "--max-experiments"),
        ("budget", "max_minutes", max_minutes, "--max-minutes"),
        ("seeds", "first", seed, "--seed"),
        ("search", "policy", policy or None, "--policy"),
    ):
        if value is None:
            continue
        data[section][key] = value
        try:
            brief = Model.model_validate(data)
        except ValidationError as error:
            message = error.errors()[0]["msg"]
            raise BadInputError(f"{option}: {message[0].lower() + message[1:]}, not {value}") from None
    if approve:
        brief = brief.model_copy(update={"approve": gates(approve)})
    if not online:
        return brief
    from evidentia.agents.literature.settings import from_environment

    from_environment()  # a bad setting stops here, before anything is written
    return brief.model_copy(update={"online": True})


def gates(text: str) -> tuple[str, ...]:
    """The gates that ``--approve`` names. Raises BadInputError for one that does not exist."""
    from typing import get_args

    from evidentia.agents.brief import GateName
    from evidentia.errors import BadInputError

    known = get_args(GateName)
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    if wanted in (["all"], ["none"]):
        return known if wanted == ["all"] else ()
    for name in wanted:
        if name not in known:
            raise BadInputError(f"--approve {name}: no such gate; there are {', '.join(known)}, or all, or none")
    return tuple(gate for gate in known if gate in wanted)


def end(home: Workspace, report: Report, as_json: bool) -> None:
    """Check what was packaged, print where it is, and leave with the right exit code."""
    from evidentia.cli.output import console, print_json
    from evidentia.cli.packages import check_new
    from evidentia.graph.steering import shown

    check_new(home, report.packages)
    if as_json:
        shape = {k: v for k, v in asdict(report).items() if k not in ("interrupted", "waiting")}
        asked = {"waiting": [shown(r) for r in report.waiting]} if report.waiting else {}
        print_json({**shape, "packages": list(report.packages), **asked})
    elif report.waiting:
        from evidentia.cli.approving import how_to_go_on

        how_to_go_on(report, _where(home.root))
    else:
        out = console()
        out.print(
            f"{'Interrupted' if report.interrupted else 'Done'}: {len(report.packages)} packages from "
            f"{report.experiments} experiments in {report.wall_seconds:.0f} s; {report.stopped_because}."
        )
        if report.interrupted:
            out.print(f"Go on:  evidentia resume {report.run}{_where(home.root)}")
        else:
            out.print(f"Read:   evidentia packages{_where(home.root)}", soft_wrap=True)
            out.print(f"Tree:   evidentia tree {report.run}{_where(home.root)}", soft_wrap=True)
    if report.interrupted:
        raise typer.Exit(130)


def _where(root: Path) -> str:
    return "" if root == DEFAULT_WORKSPACE else f" --workspace {root}"
