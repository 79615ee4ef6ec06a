"""Claims and lessons of all packages, and the tensions between them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Request
from pydantic import BaseModel, Field

from evidentia.errors import BadInputError
from evidentia.hub.app.api.answers import Limit, Offset, Page, Short, Words, page_of, router
from evidentia.hub.app.disputed import tensions_of
from evidentia.hub.app.session import Home
from evidentia.hub.reading.claims import FoundClaim
from evidentia.hub.reading.findings import Wanted, find_claims, find_lessons
from evidentia.hub.tensions import Detected, detect

routes = router("Findings")


class ListedClaim(FoundClaim):
    """A claim found, with its package's title, its workload, and the runs that are its evidence."""

    title: str
    workload: str
    headline: bool
    evidence: list[str]


class FoundLesson(BaseModel):
    """A dead end of a published package: what was thought, how it failed, what to know."""

    package: str
    version: int
    title: str
    run: str
    outcome: str
    created: str
    family: str
    hypothesis: str
    failure_mode: str
    lesson: str


class Tension(BaseModel):
    """Two claims that are about the same quantity and do not agree, or agree, as `class` says."""

    id: str
    state: str
    kind: str = Field(alias="class")
    claims: list[str]
    conditions_differing: list[str]
    conditions_unknown: list[str]
    reason: str
    about: dict[str, str]
    values: list[float | None]
    units: list[str]
    z: float | None
    pooled: list[list[str]]
    stands_with: str
    explanation: str
    explanation_verified: bool
    missing_conditions: dict[str, dict[str, Any]]
    explained_by: str


@routes.get("/claims", response_model=Page[ListedClaim])
def claims(
    request: Request,
    home: Home,
    search: Words = "",
    package: Short = "",
    status: Literal["supported", "refuted", "inconclusive", ""] = "",
    metric: Short = "",
    system: Short = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Claims of all packages: with a search the nearest first, else the newest package first."""
    total, found = find_claims(home, Wanted(search, package, status, metric, system), limit, offset)
    return page_of(request, found, total, limit, offset)


@routes.get("/lessons", response_model=Page[FoundLesson])
def lessons(
    request: Request, home: Home, search: Words = "", package: Short = "", limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    """Dead ends of all packages: what did not work, and why."""
    total, found = find_lessons(home, Wanted(search, package), limit, offset)
    return page_of(request, found, total, limit, offset)


@routes.get("/tensions", response_model=Page[Tension])
def tensions(
    request: Request,
    home: Home,
    state: Literal["open", "explained", "unexplained", ""] = "",
    everything: bool = False,
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Claims that do not agree, the plainest conflict first; with `everything` also those that agree or cannot be
    told apart."""
    items = detect(home, everything=True).items if everything else tensions_of(request).found().items
    found = [item for item in items if state in ("", item["state"])]
    return page_of(request, found[offset : offset + limit], len(found), limit, offset)


@routes.get("/tensions/{tension}", response_model=Tension)
def tension(request: Request, home: Home, tension: Annotated[str, Path(max_length=40)]) -> dict[str, Any]:
    """One tension by its whole id."""
    known = _named(tension, tensions_of(request).found()) or _named(tension, detect(home, everything=True))
    if known is None:
        raise BadInputError(f"no tension {tension!r}; list the tensions for their ids")
    return known


def _named(name: str, detected: Detected) -> dict[str, Any] | None:
    return next((item for item in detected.items if item["id"] == name), None)
