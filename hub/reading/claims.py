"""A claim that a search found, as programs are answered with it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class FoundClaim(BaseModel):
    """A claim of a published package: its value in `unit`, its interval, over n seeds, under its conditions."""

    package: str
    version: int
    claim: str
    statement: str
    status: str
    value: float | None
    unit: str
    ci: tuple[float, float] | None
    n: int
    metric: str
    system: str
    baseline: str
    conditions: dict[str, Any]
