"""The interface against its own description: whatever a generator thinks of, no answer is a fault of the server, and
every answer is of the form that the schema promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evidentia.graph.capture.entries import entry
from evidentia.graph.capture.notes import note_decision
from evidentia.hub.app import create_app
from evidentia.workspace.home import Workspace, open_workspace
from tests.hub.app.conftest import PORT, TOKEN, take_in

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

EXAMPLES = 6
KNOWN = {"run": "lab", "claim": "C01", "evidence": "E01", "stream": "rows", "file": "README.md", "form": "zip"}
KNOWN |= {"family": "caching", "name": "lru", "tension": "t-0", "job": "20260101-000000-abcdef"}


class _Homed:
    """The application, for a client that calls it by another name and has the token; counts its answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.answered = app, Counter[int]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            kept = [(k, v) for k, v in scope["headers"] if k not in (b"host", b"authorization")]
            ours = [(b"host", f"127.0.0.1:{PORT}".encode()), (b"authorization", f"Bearer {TOKEN}".encode())]
            scope = {**scope, "headers": [*kept, *ours]}

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answered[message["status"]] += 1
            await send(message)

        await self.app(scope, receive, counted)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, supported: Path, crashed: Path) -> Any:
    """The schema as the application serves it, over a workspace with two packages."""
    home: Workspace = open_workspace(tmp_path_factory.mktemp("api") / "workspace", create=True)
    take_in(home, crashed)
    KNOWN["package"] = take_in(home, supported)
    with entry(home, KNOWN["run"], question="Which cache is better?") as book:
        note_decision(book, "measure hit rate", ["measure latency"])
    return schemathesis.openapi.from_asgi("/api/openapi.json", _Homed(create_app(home, TOKEN, PORT)))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_nothing_a_generator_thinks_of_breaks_the_server(api: Any, mode: GenerationMode) -> None:
    operations = [found.ok() for found in api.get_all_operations()]
    assert len(operations) > 30
    for operation in operations:
        if not operation.path.endswith("/verify"):  # which starts a process for every example
            _hold(operation, mode)
    assert api.app.answered[200] > 30
    assert mode == GenerationMode.POSITIVE or api.app.answered[422] > 30


def _hold(operation: Any, mode: GenerationMode) -> None:
    """Call one operation with generated parameters and bodies; every other time about what there is."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), known=booleans())
    def holds(case: Any, known: bool) -> None:
        if known:
            for name in case.path_parameters:
                case.path_parameters[name] = KNOWN.get(name, case.path_parameters[name])
        case.call_and_validate(checks=CHECKS)

    try:
        holds()
    except Unsatisfiable:
        assert mode == GenerationMode.NEGATIVE, "nothing of such a call can be wrong"
