"""Tensions: claims that do not agree, side by side with what differs between them; one click measures why."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from evidentia.errors import BadInputError, EvidentiaError
from evidentia.hub.app import jobs
from evidentia.hub.app.disputed import STATES, TOLD, sides, state_of, tensions_of
from evidentia.hub.app.rendering import render
from evidentia.hub.app.session import Home, Writer
from evidentia.hub.tensions import Measured, find

router = APIRouter(prefix="/tensions")
AT_ONCE = 20
Tension = Annotated[str, Path(pattern=r"^t-[0-9a-f]{10}$")]


@router.get("", response_class=HTMLResponse)
def tensions(
    request: Request,
    home: Home,
    state: Annotated[str, Query(max_length=20)] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> HTMLResponse:
    """The tensions, of one state or all, `AT_ONCE` at a time."""
    detected = tensions_of(request).soon()
    if detected is None:
        return render(request, "tensions_wait.html")
    counts = Counter(map(state_of, detected.items))
    chosen = state if state in STATES else ""
    found = [item for item in detected.items if chosen in ("", state_of(item))]
    shown = found[offset : offset + AT_ONCE]
    claims = sides(home, shown)
    told: dict[str, Any] = {
        "states": [(name, label, TOLD[name], counts[name]) for name, label in STATES.items()],
        "chosen": chosen,
        "total": len(detected.items),
        "found": [_shown(item, claims) for item in shown],
        "offset": offset,
        "at_once": AT_ONCE,
        "older": offset + AT_ONCE if offset + AT_ONCE < len(found) else 0,
        "unread": detected.unread,
        "working": {job.arguments[-1]: job.id for job in jobs.jobs(home) if job.running},
    }
    return render(request, "tensions.html", **told)


@router.get("/{tension}/cost", response_class=HTMLResponse)
def cost(request: Request, home: Home, tension: Tension) -> HTMLResponse:
    """What measuring every corner between the two settings would take, or why it cannot be done."""
    from evidentia.graph.disputes import cost_of, dispute_of
    from evidentia.graph.factorial import plan
    from evidentia.workspace.package.store import load_manifest, locate

    item, older, newer = find(home, tension)
    try:
        packages = tuple(load_manifest(locate(home, ref.partition("#")[0])) for ref in item["claims"])
        estimate, why = cost_of(plan(dispute_of(item, older, newer)), packages), ""
    except EvidentiaError as error:
        estimate, why = None, str(error)
    return render(request, "tension_cost.html", tension=tension, cost=estimate, why=why)


@router.post("/{tension}/explain", dependencies=[Writer])
def explain(request: Request, home: Home, tension: Tension) -> RedirectResponse:
    """Run the factorial, as a job."""
    item, _, _ = find(home, tension)
    if item["state"] == "explained" and item["explanation_verified"]:
        raise BadInputError(f"{tension} is explained already by {item['explanation']}")
    about = item["about"]
    of = f"{about['metric']} of {about['system']}" + (f" over {about['baseline']}" if about["baseline"] else "")
    started = jobs.start(home, f"Explain {tension}: {of}", ["tensions", "explain", "--", tension])
    part = "/panel" if "hx-request" in request.headers else ""
    return RedirectResponse(f"/jobs/{started}{part}", 303)


def _shown(item: dict[str, Any], claims: dict[str, Measured]) -> dict[str, Any]:
    """An item with its two sides, the conditions in which they differ, and those that they share."""
    both = [claims.get(ref) for ref in item["claims"]]
    conditions = [side.conditions if side else {} for side in both]
    names = sorted({*conditions[0], *conditions[1]})
    differing = [n for n in names if conditions[0].get(n) != conditions[1].get(n)]
    shown = []
    for ref, value, unit, side in zip(item["claims"], item["values"], item["units"], both, strict=True):
        package, _, claim = ref.partition("#")
        told = {"ref": ref, "package": package.partition("@")[0], "claim": claim, "value": value, "unit": unit}
        told["ci"], told["n"] = (side.ci, side.n) if side else (None, None)
        told["holds"] = item["missing_conditions"].get(ref, {})
        shown.append(told)
    rows = [(n, [c.get(n) for c in conditions]) for n in differing]
    alike = [(n, conditions[0][n]) for n in names if n not in differing]
    return {**item, "sides": shown, "rows": rows, "alike": alike, "shown_state": state_of(item)}
