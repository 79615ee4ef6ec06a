"""The list of packages and how many there are of each kind."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import BaseModel, Field

from evidentia.hub.app.api.answers import Limit, Offset, Page, Short, Words, page_of, router
from evidentia.hub.app.session import Home
from evidentia.hub.ranking import count_facets, find_packages
from evidentia.hub.reading.findings import check_words
from evidentia.workspace.index import Facets

routes = router("Packages")
Outcome = Literal["supported", "refuted", "null", "crashed", ""]
Tension = Literal["contested", "open", "resolved", "none", ""]
Sort = Literal["attention", "recent", "rung", "use", "scrutiny", "unreviewed"]
Rung = Annotated[int | None, Query(ge=0, le=5, description="The lowest level of verification.")]


class Counts(BaseModel):
    """Claims of a package: all, those decided, those supported."""

    total: int
    decided: int
    supported: int


class Oversight(BaseModel):
    """Reviews by people: how many, their mean merit of 1000, how many call a claim wrong."""

    reviews: int
    merit: int | None
    wrong: int


class Listed(BaseModel):
    """A published package as the list has it. `attention` is the sum of what verification, `use` and people's
    `oversight` have earned; `rung` is the level verified here, `plus` that only another operator is missing."""

    id: str
    version: int
    title: str
    outcome: str
    category: str
    tags: list[str]
    run: str
    created: str
    rung: int
    plus: bool
    attention: float
    use: float
    oversight: float
    claims: Counts
    freshness: str
    tension: str
    human: Oversight
    cpu_seconds: float = Field(description="CPU seconds of all its runs.")


@routes.get("/packages", response_model=Page[Listed])
def packages(
    request: Request,
    home: Home,
    search: Words = "",
    outcome: Outcome = "",
    tension: Tension = "",
    category: Short = "",
    tag: Short = "",
    rung: Rung = None,
    fresh: bool | None = None,
    sort: Sort = "attention",
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Published packages within the facets, best first or in another order."""
    check_words(search)
    facets = Facets(outcome, category, tag, rung, tension, fresh, search)
    total, found = find_packages(home, facets, limit, offset, sort)
    return page_of(request, found, total, limit, offset)


@routes.get("/facets")
def facets(
    home: Home,
    search: Words = "",
    outcome: Outcome = "",
    tension: Tension = "",
    category: Short = "",
    tag: Short = "",
    rung: Rung = None,
) -> dict[str, dict[str, int]]:
    """How many packages each value of outcome, rung, tension, category and tag would leave, the others as they are."""
    check_words(search)
    return count_facets(home, Facets(outcome, category, tag, rung, tension, None, search))
