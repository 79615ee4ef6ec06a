"""Lessons: what did not hold, over all packages, searchable."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from evidentia.hub.app.rendering import render
from evidentia.hub.app.session import Home
from evidentia.hub.ranking import find_lessons
from evidentia.workspace.index import OUTCOMES, Facets

router = APIRouter()
AT_ONCE = 50


@router.get("/lessons", response_class=HTMLResponse)
def lessons(
    request: Request,
    home: Home,
    search: Annotated[str, Query(max_length=300)] = "",
    outcome: Annotated[str, Query(max_length=20)] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> HTMLResponse:
    """The lessons, newest first, or with `offset` the next of them alone."""
    words = search.strip()
    chosen = outcome if outcome in OUTCOMES else ""
    wordless = bool(words) and not any(c.isalnum() for c in words)
    facets = Facets(outcome=chosen, search="" if wordless else words)
    total, found = find_lessons(home, facets, AT_ONCE, offset)
    more = offset + len(found) < total
    told: dict[str, Any] = {
        "total": total,
        "found": found,
        "search": words,
        "outcome": chosen,
        "outcomes": [(name, _address(words, name)) for name in ("", *OUTCOMES)],
        "wordless": wordless,
        "more": _address(words, chosen, offset + AT_ONCE) if more else "",
    }
    return render(request, "lessons_rows.html" if offset else "lessons.html", **told)


def _address(search: str, outcome: str, offset: int = 0) -> str:
    given = {"search": search, "outcome": outcome, "offset": offset or ""}
    return "/lessons?" + urlencode({name: value for name, value in given.items() if value})
