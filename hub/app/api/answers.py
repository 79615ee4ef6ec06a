"""What all answers to programs share: pages of a list, faults as one sentence, entity tags, the mark of writing."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from evidentia.workspace.canonical import sha256

MOST = 200
Item = TypeVar("Item")
Limit = Annotated[int, Query(ge=1, le=MOST, description="Items of one page.")]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="How many items to skip.")]
Words = Annotated[str, Query(max_length=300, description="Words, beginnings (`cach*`) or phrases in double quotes.")]
Short = Annotated[str, Query(max_length=100)]


class Fault(BaseModel):
    """What was wrong, in one sentence."""

    error: str


class Page(BaseModel, Generic[Item]):
    """A part of a list: `total` counts all, `next` is the address of the part after this one, null at the end."""

    items: list[Item]
    total: int
    limit: int
    offset: int
    next: str | None


FAULTS: dict[int | str, dict[str, Any]] = {
    400: {"model": Fault, "description": "The request cannot be meant so."},
    404: {"model": Fault, "description": "There is no such thing."},
    409: {"model": Fault, "description": "What lies on disk is not what was written, or is busy."},
    422: {"model": Fault, "description": "A parameter is of another form."},
}
WRITES: dict[int | str, dict[str, Any]] = {
    401: {"model": Fault, "description": "The token is missing."},
    403: {"model": Fault, "description": "The request comes from another site."},
    413: {"description": "The body is too large."},
}
BEARER: dict[str, Any] = {"security": [{"token": []}]}
"""For `openapi_extra` of the routes that need the token."""


def page_of(request: Request, items: Sequence[Any], total: int, limit: int, offset: int) -> dict[str, Any]:
    """A page as the models above have it; the address of the next one keeps all other parameters."""
    after = offset + len(items)
    following = None
    if items and after < total:
        kept = [(k, v) for k, v in request.query_params.multi_items() if k != "offset"]
        following = f"{request.url.path}?{urlencode([*kept, ('offset', after)])}"
    return {"items": list(items), "total": total, "limit": limit, "offset": offset, "next": following}


class Tagged(APIRoute):
    """A route whose answers to GET carry an entity tag, and are 304 where the caller has them already."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler with the tag added."""
        handle = super().get_route_handler()

        async def tagged(request: Request) -> Response:
            answer = await handle(request)
            if request.method != "GET" or answer.status_code != 200:
                return answer
            # Weak: the same content may be sent compressed.
            tag = f'W/"{sha256(bytes(answer.body))[:32]}"'
            given = [part.strip() for part in request.headers.get("if-none-match", "").split(",")]
            if "*" in given or tag in given or tag.removeprefix("W/") in given:
                return Response(status_code=304, headers={"etag": tag})
            answer.headers["etag"] = tag
            return answer

        return tagged


def router(name: str, prefix: str = "") -> APIRouter:
    """A router of the interface; `name` is its heading in the documentation."""
    return APIRouter(prefix=f"/api{prefix}", route_class=Tagged, responses=FAULTS, tags=[name])
