"""Fixtures: a loopback server in the place of arXiv and OpenAlex, and fetchers that ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evidentia.agents.literature.fetching import Fetcher
from evidentia.agents.literature.settings import Settings
from tests.agents.literature.loopback import Loopback


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A fresh server, reached without any proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = Loopback()
    yield made
    made.close()


@pytest.fixture
def fetcher(loopback: Loopback, tmp_path: Path) -> Callable[..., Fetcher]:
    """Fetchers of the server; `waits` collects what they would have slept."""

    def make(waits: list[float] | None = None, **settings: Any) -> Fetcher:
        given = {"arxiv_delay_seconds": 0, "lookup_timeout_seconds": 25, "lookup_patience_seconds": 60, **settings}
        asked = Settings(arxiv_url=f"{loopback.url}/api/query", openalex_url=loopback.url, **given)
        return Fetcher(asked, tmp_path / "answers", sleep=(waits if waits is not None else []).append)

    return make
