"""Steering a run: answers to what it asks, and what a person adds, prunes, pins or allows, at any time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evidentia.cli.options import DEFAULT_WORKSPACE, JsonOption, PersonOption, WorkspaceOption, opened

if TYPE_CHECKING:
    from evidentia.graph.steering import Receipt
    from evidentia.workspace.home import Workspace

PATIENCE, POLL = 2.0, 0.1
"""Seconds to wait for a live run to take a request, and between looks."""
WhereOption = Annotated[
    list[str] | None, typer.Option("--where", metavar="NAME=VALUE", help="A condition for --add. May be repeated.")
]


def steer(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run, or the beginning of its name.")],
    add: Annotated[str, typer.Option("--add", metavar="TEXT", help="Add a hypothesis, or a question, in words.")] = "",
    where: WhereOption = None,
    prune: Annotated[str, typer.Option("--prune", metavar="NODE", help="Measure nothing more at and below it.")] = "",
    budget: Annotated[
        list[str] | None,
        typer.Option("--budget", metavar="NAME=VALUE", help="Another limit, as max_experiments=40. May be repeated."),
    ] = None,
    pin: Annotated[
        tuple[str, str] | None,
        typer.Option("--pin", metavar="NODE TEXT", help="Pin a decision; an open hypothesis is taken next."),
    ] = None,
    approve: Annotated[str, typer.Option("--approve", metavar="REQUEST", help="Let pass what the run asks.")] = "",
    drop: Annotated[str, typer.Option("--drop", metavar="ITEMS", help="With --approve: but not these (2,5).")] = "",
    refuse: Annotated[str, typer.Option("--refuse", metavar="REQUEST", help="Drop all that the run asks.")] = "",
    pending: Annotated[bool, typer.Option("--list", help="Show what waits for you.")] = False,
    why: Annotated[str, typer.Option("--why", help="Your reason, for the record.")] = "",
    person: PersonOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Take part in a run, live or stopped: answer what it asks, add, prune, pin, change its budget."""
    from evidentia.errors import BadInputError

    home = opened(workspace)
    if pending:
        _list(home, run, as_json)
        return
    acts = {
        "--add": bool(add),
        "--prune": bool(prune),
        "--budget": bool(budget),
        "--pin": pin is not None,
        "--approve": bool(approve),
        "--refuse": bool(refuse),
    }
    chosen = [name for name, given in acts.items() if given]
    if len(chosen) != 1:
        told = f"{' and '.join(chosen)} are two things" if chosen else "say what to do"
        raise BadInputError(f"{told}; give one of {', '.join(acts)}, or --list")
    if where and not add:
        raise BadInputError("--where is a condition of what --add adds; give both")
    if drop and not approve:
        raise BadInputError("--drop leaves out items of what --approve accepts; give both")
    from evidentia.cli.person import name_of
    from evidentia.graph import steering
    from evidentia.graph.capture.hypotheses import conditions

    said: dict[str, Any] = {"actor": name_of(person), "why": why}
    doing: dict[str, Callable[[], Receipt]] = {
        "--add": lambda: steering.suggest(home, run, add, where=conditions(where or ()), **said),
        "--prune": lambda: steering.prune(home, run, prune, **said),
        "--budget": lambda: steering.change_budget(home, run, _limits(budget or []), **said),
        "--pin": lambda: steering.pin(home, run, *(pin or ("", "")), **said),
        "--approve": lambda: steering.approve(home, run, approve, dropped=_items(drop), **said),
        "--refuse": lambda: steering.refuse(home, run, refuse, **said),
    }
    _told(home, doing[chosen[0]](), as_json)


def _list(home: Workspace, run: str, as_json: bool) -> None:
    from evidentia.cli.approving import show
    from evidentia.cli.output import console, plain, print_json
    from evidentia.graph.steering import pending

    found = pending(home, run)
    if as_json:
        print_json(found)
        return
    out = console()
    if not found:
        out.print("Nothing waits for you.")
    for request in found:
        out.rule(plain(f"{request['request']}  {request['gate']}  {request['time'][:16]}"), align="left", style="dim")
        show(out, request["gate"], request["items"], request.get("forecast") or {})


def _items(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _limits(given: list[str]) -> dict[str, int | float | None]:
    """``max_experiments=40`` and the like; ``none`` lifts a limit. Raises BadInputError."""
    from evidentia.errors import BadInputError

    found: dict[str, int | float | None] = {}
    for item in given:
        name, sign, value = (part.strip() for part in item.partition("="))
        if not sign or name in found:
            raise BadInputError(f"--budget {item}: write NAME=VALUE, each name once, as in max_experiments=40")
        if value.lower() == "none":
            found[name] = None
            continue
        try:
            number = float(value)
        except ValueError:
            raise BadInputError(
                f"--budget {item}: {value!r} is not a number; write one, or none for no limit"
            ) from None
        found[name] = int(number) if number.is_integer() and abs(number) < 1e15 else number
    return found


def _told(home: Workspace, receipt: Receipt, as_json: bool) -> None:
    """Say what became of the request, once a live run has had a moment to take it."""
    from dataclasses import replace

    from evidentia.cli.output import console, plain, print_json
    from evidentia.errors import BadInputError
    from evidentia.graph.replay import journal_of
    from evidentia.workspace import inbox

    folder, deadline = home.runs / receipt.run / "inbox", time.monotonic() + PATIENCE
    live = not receipt.taken
    while not receipt.taken and time.monotonic() < deadline:
        time.sleep(POLL)
        if not inbox.holds(folder, receipt.ticket):
            if because := journal_of(home, receipt.run).people.refusals.get(receipt.ticket):
                raise BadInputError(because)
            receipt = replace(receipt, taken=True)
    if as_json:
        print_json(asdict(receipt))
        return
    out = console()
    if receipt.know:
        out.print(plain(receipt.know[:1].upper() + receipt.know[1:]), markup=False, soft_wrap=True)
    if not receipt.taken:
        out.print("Left in the run's inbox, on the disk: the run takes it before its next step.")
    elif live:
        out.print("The run has taken it.")
    else:
        out.print("Recorded.")
        if receipt.resume:
            elsewhere = "" if home.root == DEFAULT_WORKSPACE else f" --workspace {home.root}"
            out.print(f"Go on:  evidentia resume {receipt.run}{elsewhere}", markup=False, soft_wrap=True)
