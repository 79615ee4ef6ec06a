"""A planted key, and lines to the loopback server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from evidentia.agents.minds.llm.line import Line
from evidentia.agents.minds.llm.names import ModelName
from evidentia.agents.minds.llm.settings import Settings
from tests.agents.minds.llm.server import KEY, Brain, Server, serving

PROVIDERS = ("openai", "openai-responses", "anthropic")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of no worth in the environment, and no keyring of this machine's."""
    for name in ("EVIDENTIA_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, KEY)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def serve() -> Iterator[Callable[[Brain], Server]]:
    """Starts servers that are closed after the test."""
    with ExitStack() as stack:
        yield lambda brain: stack.enter_context(serving(brain))


def settings(answers: Path | None = None, **changes: Any) -> Settings:
    """Quick settings."""
    return Settings(answers=answers, **{"request_seconds": 20.0, "first_wait": 0.01, "retries": 3, **changes})


def model(provider: str, server: Server) -> ModelName:
    """The server's model in a provider's format."""
    return ModelName(provider, "served", server.host if provider == "anthropic" else server.url)


def line(answers: Path | None = None, **changes: Any) -> Line:
    """A line with quick settings."""
    return Line(settings(answers, **changes))
