"""The arena for programs: a pair to judge, a vote, and the ranks that come of all votes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel

from evidentia.hub.app.api.answers import BEARER, WRITES, Limit, Offset, Page, page_of, router
from evidentia.hub.app.session import Home, Writer
from evidentia.hub.arena import Strength, Vote, cast, choose, strengths, votes
from evidentia.hub.ranking import find_packages

routes = router("Arena", "/arena")
CONSIDERED = 300
"""Packages that are weighed for a pair: those with the fewest reviews."""


class Ranked(BaseModel):
    """A package's strength in log-odds with its 95 % interval, its rank with the ranks it may have, and its votes."""

    package: str
    strength: float
    interval: tuple[float, float]
    rank: int
    ranks: tuple[int, int]
    votes: int


class Pair(BaseModel):
    """Two packages to judge, in the order to show them; null where this voter has judged every pair."""

    left: str | None
    right: str | None


class Counted(BaseModel):
    """A vote that is in the ledger."""

    event: int
    hash: str


@routes.get("/ranks")
def ranks(request: Request, home: Home, limit: Limit = 50, offset: Offset = 0) -> Page[Ranked]:
    """All packages that have votes, strongest first: Bradley–Terry with a normal prior."""
    found = strengths(votes(home))
    shown = [_ranked(strength) for strength in found[offset : offset + limit]]
    return Page[Ranked].model_validate(page_of(request, shown, len(found), limit, offset))


def _ranked(found: Strength) -> Ranked:
    return Ranked(
        package=found.package,
        strength=found.value,
        interval=found.interval,
        rank=found.rank,
        ranks=found.ranks,
        votes=found.votes,
    )


@routes.get("/pair")
def pair(home: Home, voter: Annotated[str, Query(min_length=1, max_length=100)]) -> Pair:
    """The pair whose comparison by this voter would tell the most."""
    given = votes(home)
    _, listed = find_packages(home, limit=CONSIDERED, sort="unreviewed")
    chosen = choose([item["id"] for item in listed], given, voter, f"{voter}/{len(given)}")
    return Pair(left=chosen[0], right=chosen[1]) if chosen else Pair(left=None, right=None)


@routes.post("/votes", status_code=201, dependencies=[Writer], responses=WRITES, openapi_extra=BEARER)
def vote(home: Home, vote: Vote) -> Counted:
    """Vote on a pair: which is better, or that both or neither are good. Votes rank in the arena alone."""
    event = cast(home, vote)
    return Counted(event=event.seq, hash=event.hash)
