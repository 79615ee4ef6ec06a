"""Server-sent events: pages that stay true while something goes on. Bounded in number, in time and in size.

Every message has an id, from which a browser that was cut off goes on.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

MOST = 48
"""Streams that are open at once, at most; a browser tries again by itself."""
SECONDS = 900.0
"""After which a stream ends, and the browser asks for the rest."""
POLL_SECONDS, BEAT_SECONDS = 0.4, 15.0
LONGEST_ID = 20


@dataclass(frozen=True)
class Piece:
    """One message: its kind, what it says as JSON, where to go on from, and whether anything will follow."""

    kind: str
    data: Any
    then: int
    last: bool = False


Source = Callable[[int], "Piece | None"]
"""What there is from a place on; None for nothing new. Called in a thread."""


def begins(request: Request, asked: int) -> int:
    """Where to begin: after the last message that the browser has, else where the address says."""
    seen = request.headers.get("last-event-id", "")
    return int(seen) if seen.isdecimal() and len(seen) < LONGEST_ID else asked


def stream(request: Request, place: int, source: Source) -> Response:
    """What `source` tells from `place` on, as it comes; 503 when too many streams are open."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return _Counted(_messages(request, place, source), media_type="text/event-stream", headers=headers)


class _Counted(StreamingResponse):
    """A stream that is counted from before its first byte until its reader has gone, all on the one event loop: so
    however many ask at once, no more than `MOST` are open."""

    open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. Raises HTTPException 503 when too many are open."""
        if _Counted.open >= MOST:
            raise HTTPException(503, f"{MOST} live views are open, and no more can be; close one", {"retry-after": "5"})
        _Counted.open += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            _Counted.open -= 1


async def _messages(request: Request, place: int, source: Source) -> AsyncIterator[str]:
    end = beat = time.monotonic()
    end += SECONDS
    while time.monotonic() < end and not await request.is_disconnected():
        piece = await run_in_threadpool(source, place)
        if piece is None:
            if time.monotonic() - beat > BEAT_SECONDS:
                beat = time.monotonic()
                yield ": still here\n\n"
            await asyncio.sleep(POLL_SECONDS)
            continue
        place = piece.then
        yield f"id: {place}\nevent: {piece.kind}\ndata: {json.dumps(piece.data)}\n\n"
        if piece.last:
            yield "event: end\ndata: null\n\n"
            return
