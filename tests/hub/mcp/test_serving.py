"""The server as programs start it: over standard input, and over HTTP behind the guard."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from evidentia.workspace.home import Workspace
from tests.hub.mcp.test_tools import REVIEW, TOOLS, told

COMMAND = [sys.executable, "-m", "evidentia", "mcp"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_starts_the_server_and_talks_to_it(shelf: Workspace, named: dict[str, str], mode: str) -> None:
    arguments = [*COMMAND[1:], "--workspace", str(shelf.root)]

    async def talk() -> None:
        server = StdioServerParameters(command=COMMAND[0], args=arguments)
        async with Client(server, mode=mode, read_timeout_seconds=60) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
            card = await client.call_tool("package_card", {"package": named["supported"]})
            assert not card.is_error
            review = await client.call_tool("submit_review", {"package": named["supported"], **REVIEW})
            assert not review.is_error, told(review)

    anyio.run(talk)


@dataclass
class Served:
    """A server over HTTP and its token."""

    address: str
    token: str


@pytest.fixture
def served(shelf: Workspace) -> Iterator[Served]:
    """The server as a person starts it, on a free port."""
    command = [*COMMAND, "--http", "--port", "0", "--workspace", str(shelf.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline() + process.stdout.readline()
            address, token = re.search(r"http://127\.0\.0\.1:\d+/mcp", said), re.search(r"Bearer (\S+)", said)
            assert address is not None, said
            assert token is not None, said
            yield Served(address[0], token[1])
        finally:
            process.terminate()
            assert process.wait(20) is not None


def test_over_http_reading_is_free_and_acting_needs_the_token(served: Served, named: dict[str, str]) -> None:
    review = {"package": named["supported"], **REVIEW}

    async def talk() -> None:
        with anyio.fail_after(60):
            async with Client(served.address) as client:
                found = await client.call_tool("search_claims", {"search": "lfu"})
                assert (found.structured_content or {})["total"] > 0
                for tool, given in (("submit_review", review), ("rerun_claim", {**review, "claim": "C01"})):
                    kept = given if tool == "submit_review" else {k: given[k] for k in ("package", "claim")}
                    refused = await client.call_tool(tool, kept)
                    assert refused.is_error
                    assert "token" in told(refused)
            headers = {"authorization": f"Bearer {served.token}"}
            async with (
                httpx2.AsyncClient(headers=headers) as http,
                Client(streamable_http_client(served.address, http_client=http)) as client,
            ):
                assert not (await client.call_tool("submit_review", review)).is_error

    anyio.run(talk)


def test_over_http_other_hosts_and_sites_are_refused(served: Served) -> None:
    call: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"accept": "application/json, text/event-stream"}
    for headers, status in (
        ({"host": "evil.example"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "127.0.0.1:1"}, 421),
    ):
        assert httpx2.post(served.address, json=call, headers={**accept, **headers}).status_code == status
    assert httpx2.post(served.address, content=b"x" * 2_100_000, headers=accept).status_code == 413
