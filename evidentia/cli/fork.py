"""Forking a run: sharing its past up to a point, changing something, and going on."""

from __future__ import annotations

from typing import Annotated

import typer

from evidentia.cli.options import (
    DEFAULT_WORKSPACE,
    ApproveOption,
    BaseUrlOption,
    JsonOption,
    ModelMinutesOption,
    ModelRateOption,
    ModelTimeoutOption,
    ModelTokensOption,
    PersonOption,
    PricesOption,
    WeakSandboxOption,
    WorkspaceOption,
    opened,
)
from evidentia.cli.runs import MODEL_TIMEOUT, WorkersAsBefore, end, with_options


def fork(
    name: Annotated[str, typer.Argument(metavar="RUN", help="The run, or the beginning of its name.")],
    at: Annotated[str, typer.Option("--at", help="The last node, or the last event number, that is shared.")],
    model: Annotated[list[str] | None, typer.Option("--model", help="Another model, as for `run`.")] = None,
    base_url: BaseUrlOption = "",
    max_experiments: Annotated[int | None, typer.Option("--max-experiments", help="Another budget.")] = None,
    max_minutes: Annotated[float | None, typer.Option("--max-minutes", help="Another budget of wall time.")] = None,
    policy: Annotated[str, typer.Option("--policy", help="Another selection policy.")] = "",
    approve: ApproveOption = "",
    person: PersonOption = "",
    workers: WorkersAsBefore = None,
    model_timeout: ModelTimeoutOption = MODEL_TIMEOUT,
    model_minutes: ModelMinutesOption = None,
    model_rate: ModelRateOption = None,
    model_tokens: ModelTokensOption = None,
    prices: PricesOption = None,
    allow_weak_sandbox: WeakSandboxOption = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Go on from a point of a run as a new run, with another model, budget or policy; the old run stays as it is."""
    from evidentia.cli.approving import asker_of
    from evidentia.cli.live import following
    from evidentia.cli.models import asked, mind_of
    from evidentia.graph.forking import brief_at
    from evidentia.graph.forking import fork as write
    from evidentia.graph.running import resume

    home = opened(workspace)
    brief = brief_at(home, name, at)
    mind = mind_of(model, base_url, model_tokens) if model else None
    changed = with_options(brief, max_experiments, max_minutes, None, policy, approve=approve)
    forked = write(home, name, at, brief=changed, mind=mind)
    with (
        asked(home, model_timeout, model_minutes, model_rate, prices, quiet=as_json),
        following(quiet=as_json) as listener,
    ):
        report = resume(
            home,
            forked,
            workers=workers,
            listener=listener,
            allow_weak_sandbox=allow_weak_sandbox,
            asker=asker_of(home, listener, person, as_json),
        )
    end(home, report, as_json)
