"""The name a person reviews and votes under: kept in a cookie, never more than a suggestion."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote, unquote

from fastapi import Request
from starlette.responses import Response

LONGEST = 100
COOKIE = "evidentia_name"
Answer = TypeVar("Answer", bound=Response)


def name_of(request: Request) -> str:
    """The name given last in this browser; empty at first."""
    return unquote(request.cookies.get(COOKIE, ""))[:LONGEST].strip()


def remember(answer: Answer, name: str) -> Answer:
    """Keep the name for next time."""
    answer.set_cookie(COOKIE, quote(name[:LONGEST]), max_age=365 * 86_400, httponly=True, samesite="strict")
    return answer
