"""Arena: two blinded packages side by side, four answers, reasons; and the ranks that come of the votes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from evidentia.errors import BadInputError, IntegrityError
from evidentia.hub.app.names import name_of, remember
from evidentia.hub.app.packages import Shown, shown
from evidentia.hub.app.rendering import render
from evidentia.hub.app.session import Home, Session, Writer, same
from evidentia.hub.ranking import find_packages

router = APIRouter(prefix="/arena")
CONSIDERED = 300
"""Packages that are weighed for a pair: those with the fewest reviews."""
TRIES = 20


@router.get("", response_class=HTMLResponse)
def arena(request: Request, home: Home) -> HTMLResponse:
    """The next pair for whoever asks."""
    from evidentia.hub.arena import ANSWERS, REASONS, choose, votes

    given, voter = votes(home), name_of(request)
    _, listed = find_packages(home, limit=CONSIDERED, sort="unreviewed")
    names = [item["id"] for item in listed if item["freshness"] != "missing"]
    pair: tuple[Shown, Shown] | None = None
    for _ in range(TRIES):
        chosen = choose(names, given, voter, f"{voter}/{len(given)}")
        if chosen is None:
            break
        try:
            pair = shown(home, chosen[0]), shown(home, chosen[1])
            break
        except (BadInputError, IntegrityError):
            names = [n for n in names if n not in chosen or _readable(home, n)]
    values: dict[str, Any] = {"pair": pair, "votes": len(given), "packages": len(names), "voter": voter}
    if pair:
        values["offer"] = _offer(request, *(f"{p.manifest.id}@{p.manifest.version}" for p in pair))
    return render(request, "arena.html", answers=ANSWERS, reasons=REASONS, **values)


def _readable(home: Home, name: str) -> bool:
    try:
        shown(home, name)
    except (BadInputError, IntegrityError):
        return False
    return True


def _offer(request: Request, left: str, right: str) -> str:
    session: Session = request.app.state.session
    return session.sign(f"pair {left} {right}")


@router.post("", dependencies=[Writer])
def vote(
    request: Request,
    home: Home,
    left: Annotated[str, Form(max_length=220)],
    right: Annotated[str, Form(max_length=220)],
    offer: Annotated[str, Form(max_length=100)],
    answer: Annotated[str, Form(max_length=20)] = "",
    reasons: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI's way to say none
    comment: Annotated[str, Form(max_length=2000)] = "",
    voter: Annotated[str, Form(max_length=100)] = "",
) -> RedirectResponse:
    """Take a vote on a pair that this server offered, and go on to the next."""
    from evidentia.hub.arena import Vote, cast

    if not same(offer, _offer(request, left, right)):
        raise BadInputError("this pair was not offered here; open the arena for one")
    if not voter.strip():
        raise BadInputError("a vote needs a name; go back and give one")
    sides = [side.rpartition("@") for side in (left, right)]
    try:
        given = Vote.model_validate(
            {
                "left": sides[0][0],
                "right": sides[1][0],
                "left_version": sides[0][2],
                "right_version": sides[1][2],
                "answer": answer,
                "reasons": list(dict.fromkeys(reasons)),
                "comment": comment.strip(),
                "voter": voter.strip(),
            }
        )
    except ValidationError as error:
        fault = error.errors()[0]
        raise BadInputError(
            f"{'.'.join(str(p) for p in fault['loc'])}: choose one of the answers and reasons"
        ) from None
    cast(home, given)
    return remember(RedirectResponse("/arena", 303), given.voter)


@router.get("/ranks", response_class=HTMLResponse)
def ranks(request: Request, home: Home) -> HTMLResponse:
    """Strengths with intervals, and the rank each package may have."""
    from evidentia.hub.arena import strengths, votes

    given = votes(home)
    found = strengths(given)
    span = max([1.0, *(abs(edge) for s in found for edge in s.interval)])
    drawn = [(s, [round(50 + 50 * v / span, 2) for v in (*s.interval, s.value)]) for s in found]
    return render(request, "arena_ranks.html", drawn=drawn, votes=len(given))
