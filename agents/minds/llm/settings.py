"""How models are asked: what a person sets for one process, none of which is part of the run's record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from evidentia.agents.minds.llm.account import Account


@dataclass(frozen=True)
class Settings:
    """Limits, and where answers are kept.

    `answers` is the folder of kept answers (None: nothing is kept). `request_seconds` bounds one request in all,
    `run_seconds` all requests of the process together. `retries` is how often a request that failed for a passing
    reason is sent again, after `first_wait` seconds, then twice as long each time; a server that asks for more than
    `longest_wait` seconds is not waited for. `repairs` is how often an answer that cannot be used is sent back.
    """

    answers: Path | None = None
    request_seconds: float = 600.0
    run_seconds: float | None = None
    requests_per_minute: float | None = None
    retries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 300.0
    repairs: int = 2
    account: Account = field(default_factory=Account)


_current: ContextVar[Settings | None] = ContextVar("model settings", default=None)


def current() -> Settings:
    """The settings for minds opened now."""
    return _current.get() or Settings()


@contextmanager
def using(settings: Settings) -> Iterator[Settings]:
    """Minds opened inside are asked this way."""
    token = _current.set(settings)
    try:
        yield settings
    finally:
        _current.reset(token)
