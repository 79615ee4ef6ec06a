"""Discoveries: the ranked list with facets, search and orders. More rows come as one scrolls."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from evidentia.hub.app.rendering import render
from evidentia.hub.app.session import Home
from evidentia.hub.ranking import count_facets, find_packages
from evidentia.workspace.index import SORTS, Facets

router = APIRouter()
AT_ONCE = 50
ORDERS = {
    "attention": "attention",
    "recent": "newest",
    "rung": "verification",
    "use": "use",
    "scrutiny": "most reviewed",
    "unreviewed": "least reviewed",
}
FULL = {"verified": 16_000, "use": 4_000, "people": 2_000}
"""Milli-points at which each of the three bars is full: level 5, and the limits of use and of people's reviews."""
NAMES = {"outcome": "Outcome", "rung": "Verified to", "tension": "Tension", "category": "Category", "tag": "Tag"}


@router.get("/", response_class=HTMLResponse)
def discoveries(
    request: Request,
    home: Home,
    search: Annotated[str, Query(max_length=300)] = "",
    outcome: Annotated[str, Query(max_length=20)] = "",
    tension: Annotated[str, Query(max_length=20)] = "",
    category: Annotated[str, Query(max_length=40)] = "",
    tag: Annotated[str, Query(max_length=100)] = "",
    rung: Annotated[str, Query(pattern=r"^[0-5]?$")] = "",
    sort: Annotated[str, Query(max_length=20)] = "attention",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> HTMLResponse:
    """The list, or with `offset` its next rows alone."""
    chosen = {
        "search": search.strip(),
        "outcome": outcome,
        "tension": tension,
        "category": category,
        "tag": tag,
        "rung": rung,
        "sort": sort if sort in SORTS else "attention",
    }
    wordless = bool(chosen["search"]) and not any(c.isalnum() for c in chosen["search"])
    facets = Facets(
        outcome=outcome,
        category=category,
        tag=tag,
        rung=int(rung) if rung else None,
        tension=tension,
        search="" if wordless else chosen["search"],
    )
    total, found = find_packages(home, facets, AT_ONCE, offset, chosen["sort"])
    values: dict[str, Any] = {
        "total": total,
        "found": [{**item, "bars": bars(item)} for item in found],
        "chosen": chosen,
        "narrowed": any(v for k, v in chosen.items() if k != "sort"),
        "more": _address(chosen, offset=offset + AT_ONCE) if offset + len(found) < total else "",
        "wordless": wordless,
    }
    if offset:
        return render(request, "discoveries_rows.html", **values)
    values["facets"] = _facets(count_facets(home, facets), chosen)
    values["orders"] = [(name, told, _address(chosen, sort=name)) for name, told in ORDERS.items()]
    return render(request, "discoveries.html", **values)


def bars(item: dict[str, Any]) -> list[tuple[str, float, int]]:
    """The three parts of attention, never mixed: name, points, and how full its bar is in per cent."""
    verified = item["attention"] - item["use"] - item["oversight"]
    parts = {"verified": verified, "use": item["use"], "people": item["oversight"]}
    return [(name, value, round(100 * min(1.0, abs(value) * 1000 / FULL[name]))) for name, value in parts.items()]


def _address(chosen: dict[str, str], **changes: Any) -> str:
    return "/?" + urlencode({k: v for k, v in {**chosen, **changes}.items() if v not in ("", None)})


def _facets(counts: dict[str, dict[str, int]], chosen: dict[str, str]) -> list[dict[str, Any]]:
    """Every facet with its values, counts and the address that chooses or gives up each. Rungs count upwards: a value
    leaves all that are verified at least that far."""
    shown = []
    for name, values in counts.items():
        numbers = (
            {
                k: sum(n for other, n in values.items() if int(other) >= int(k))
                for k in sorted(values, reverse=True)
                if int(k) >= 0
            }
            if name == "rung"
            else values
        )
        entries = [
            {
                "value": value,
                "told": f"L{value} or higher" if name == "rung" else value,
                "count": number,
                "on": chosen[name] == value,
                "href": _address(chosen, **{name: "" if chosen[name] == value else value}),
            }
            for value, number in numbers.items()
        ]
        shown.append({"name": name, "told": NAMES[name], "entries": entries})
    return shown
