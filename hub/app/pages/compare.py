"""Compare: two runs, two branches or two packages side by side: settings, first divergent step, code, numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from evidentia.errors import BadInputError
from evidentia.hub.app import differences
from evidentia.hub.app.rendering import render
from evidentia.hub.app.session import Home
from evidentia.hub.app.sides import Side, ancestor, side
from evidentia.hub.ranking import find_packages
from evidentia.workspace.home import Workspace
from evidentia.workspace.index_sources import fingerprint

router = APIRouter()
OFFERED = 60
SHOWN = 200
Address = Annotated[str, Query(max_length=300)]


@router.get("/compare", response_class=HTMLResponse)
def compare(request: Request, home: Home, left: Address = "", right: Address = "") -> HTMLResponse:
    """Both sides, or a form that asks for the one that is missing."""
    sides = [side(home, address) if address.strip() else None for address in (left, right)]
    values: dict[str, Any] = {"left": sides[0], "right": sides[1], "given": (left, right), "offered": _offered(home)}
    if sides[0] is None or sides[1] is None:
        return render(request, "compare.html", **values, found=None)
    if sides[0].is_run != sides[1].is_run:
        raise BadInputError("a run can only be compared with a run; name a node of it: runs/RUN/NODE")
    return render(request, "compare.html", **values, found=_found(home, sides[0], sides[1]))


def _found(home: Workspace, left: Side, right: Side) -> dict[str, Any]:
    return _runs(home, left, right) if left.is_run else _branches(home, left, right)


def _runs(home: Workspace, left: Side, right: Side) -> dict[str, Any]:
    prints = [fingerprint(home.log_path(s.run)) for s in (left, right)]
    found = _compared(home, left.run, right.run, prints[0], prints[1])
    parting = [
        (step.told(other), step.seq) if step else ("it has ended", None)
        for step, other in zip(found.parting or (), reversed(found.parting or ()), strict=True)
    ]
    both = [pair for pair in found.claims if None not in pair.statuses]
    pairs = sorted(found.claims, key=lambda pair: (None in pair.statuses, pair.agrees))
    return {
        "kind": "runs",
        "differ": [(name, *values) for name, values in found.settings.items()],
        "alike": [],
        "common": found.common_steps,
        "parting": parting,
        "measures": differences.claim_measures(pairs[:SHOWN], shared=False),
        "claims": len(pairs),
        "both": len(both),
        "agree": sum(pair.agrees for pair in both),
        "diffs": [],
        "cells": [],
    }


@lru_cache(maxsize=8)
def _compared(home: Workspace, left: str, right: str, left_print: str, right_print: str) -> Any:
    """Kept while neither log grows: whole journals take seconds to build for long runs."""
    from evidentia.graph.compare import compare as compare_journals
    from evidentia.graph.replay import journal_of

    return compare_journals(journal_of(home, left), journal_of(home, right))


def _branches(home: Workspace, left: Side, right: Side) -> dict[str, Any]:
    differ, alike = differences.differing(left, right)
    common, *parted = differences.parting(left, right)
    pairs = differences.pair_claims(left.claims, right.claims)
    both = [pair for pair in pairs if None not in pair.statuses]
    return {
        "kind": "branches",
        "differ": differ,
        "alike": alike,
        "common": common,
        "parting": [(f"{s[0]}: {s[1]}" if s else "it has ended", None) for s in parted] if any(parted) else [],
        "measures": differences.claim_measures(pairs[:SHOWN], shared=True),
        "claims": len(pairs),
        "both": len(both),
        "agree": sum(pair.agrees for pair in both),
        "diffs": _diffs(home, left, right),
        "cells": differences.cell_measures(left, right)[:SHOWN],
    }


def _diffs(home: Workspace, left: Side, right: Side) -> list[dict[str, Any]]:
    """The scripts against that of the common ancestor, and against one another; only against one another where there
    is no ancestor, or where one side is it."""
    shared = ancestor(home, left, right)
    found = []
    if shared is not None and shared.node not in (left.node, right.node):
        for one in (left, right):
            told = f"From the common ancestor {shared.node} to {one.node}"
            found.append({"told": told, "names": (f"{shared.node} {shared.title}", f"{one.node} {one.title}"),
                          "rows": differences.side_by_side(shared.script, one.script)})  # fmt: skip
    if left.script and right.script:
        told = "The two scripts directly"
        if shared is not None and shared.node in (left.node, right.node):
            told += f": {shared.node} is itself what the other grew from"
        elif shared is None:
            told += ": nothing above both has a script"
        rows = differences.side_by_side(left.script, right.script)
        found.append({"told": told, "names": (left.title, right.title), "rows": rows})
    return found


def _offered(home: Workspace) -> list[tuple[str, str]]:
    """Addresses to choose from, with what they are: the newest runs and packages."""
    runs = [(f"runs/{name}", "run") for name in reversed(home.run_names()[-OFFERED:])]
    _, packages = find_packages(home, limit=OFFERED, sort="recent")
    return runs + [(f"packages/{item['id']}", item["title"]) for item in packages]
