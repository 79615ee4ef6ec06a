"""Comparing two runs: where they part, and what each says of every claim."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from evidentia.cli.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption, opened


def compare(
    left: Annotated[str, typer.Argument(metavar="RUN", help="A run, or the beginning of its name.")],
    right: Annotated[str, typer.Argument(metavar="RUN", help="The run it is compared with.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Show where two runs part: settings, the first choice or verdict that differs, and their claims side by side."""
    from evidentia.cli.output import print_json
    from evidentia.graph.compare import compare as compare_journals
    from evidentia.graph.replay import journal_of

    home = opened(workspace)
    names = home.find_run(left), home.find_run(right)
    found = compare_journals(*(journal_of(home, name) for name in names))
    if as_json:
        print_json(_json(names, found))
    else:
        _print(names, found)


def _print(names: tuple[str, str], found: Any) -> None:
    from rich.table import Table

    from evidentia.cli.output import console, plain, styled
    from evidentia.graph.compare import told

    out = console()
    if found.settings:
        table = Table("setting", *names, box=None)
        for name, values in found.settings.items():
            table.add_row(name, *map(plain, values))
        out.print(table)
    else:
        out.print("The same brief and the same mind.")
    out.print()
    if found.parting is None:
        out.print(f"They decide alike in all {found.common_steps} steps.")
    else:
        out.print(f"Alike in {found.common_steps} steps, then they part:")
        for name, step, other in zip(names, found.parting, reversed(found.parting), strict=True):
            told_step = f"event {step.seq}, {plain(step.told(other))}" if step else "has ended"
            out.print(f"  {name}  {told_step}", markup=False)
    if found.claims:
        out.print()
        table = Table("", "claim", *names, box=None)
        for pair in found.claims:
            sides = [styled(told(c), c.status if c else "") for c in (pair.left, pair.right)]
            table.add_row("=" if pair.agrees else "≠", plain(pair.statement), *sides)
        out.print(table)
    both = [pair for pair in found.claims if None not in pair.statuses]
    agree = sum(pair.agrees for pair in both)
    out.print(f"{len(found.claims)} claims, {len(both)} in both runs, {agree} of them with the same verdict")


def _json(names: tuple[str, str], found: Any) -> dict[str, Any]:
    steps = found.parting and [
        {"seq": s.seq, "kind": s.kind, "subject": s.subject, "decided": list(s.decided)} if s else None
        for s in found.parting
    ]
    return {
        "runs": list(names),
        "settings": {name: list(values) for name, values in found.settings.items()},
        "common_steps": found.common_steps,
        "parting": steps,
        "claims": [
            {"statement": p.statement, "agrees": p.agrees, "sides": [_side(p.left), _side(p.right)]}
            for p in found.claims
        ],
    }


def _side(claim: Any) -> dict[str, Any] | None:
    if claim is None:
        return None
    return {"status": claim.status, "value": claim.value, "unit": claim.unit, "ci": claim.ci, "n": claim.n}
