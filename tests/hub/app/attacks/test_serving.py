"""A real server under floods, killed in the middle of a review, and written to by two at once."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from evidentia.hub.app.drafts import load
from evidentia.hub.app.streams import MOST
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.ledger import RUN
from evidentia.workspace.package.reviews import read_reviews

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]
WRITES = 40
APPEND = """
import sys
from pathlib import Path
from evidentia.workspace.eventlog import append_event
for number in range(int(sys.argv[2])):
    told = {"package": "p", "version": 1, "source": {"package": "q", "run": "r"}, "place": str(number)}
    append_event(Path(sys.argv[1]), sys.argv[3], "package.cited", told, "a run")
"""


@pytest.fixture
def signed_in() -> Iterator[Callable[[Any], httpx.Client]]:
    """A program's client that opened the address that the server printed and read its word from a page."""
    clients = []

    def open_(hub: Any) -> httpx.Client:
        client = httpx.Client(base_url=hub.address, timeout=30, follow_redirects=True)
        clients.append(client)
        page = client.get(hub.signing_in).text
        word = re.search(r'"X-CSRF-Token":"([0-9a-f]{64})"', page)
        assert word is not None
        client.headers["x-csrf-token"] = word[1]
        return client

    yield open_
    for client in clients:
        client.close()


def answers(name: str, package: Path) -> dict[str, str]:
    """A whole review by one person."""
    from evidentia.workspace.package.store import load_manifest

    verdicts = {f"verdict-{c.id}": "supported" for c in load_manifest(package).branch.claims}
    scores = dict.fromkeys(("soundness", "evidence", "significance", "reproducibility"), "3")
    return {**verdicts, **scores, "overall": "accept", "confidence": "4", "reviewer": name, "summary": "read twice"}


def opened(address: str, path: str) -> tuple[socket.socket, bytes]:
    """A connection that asks for a stream and reads only the first line of the answer."""
    at = urlsplit(address)
    connection = socket.create_connection((at.hostname, at.port), timeout=20)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\n\r\n".encode())
    return connection, connection.recv(12)


def test_floods_of_streams_are_bounded_and_let_go(writable: Callable[..., Any], serve: Any) -> None:
    """No more than the limit stay open however many ask, pages are answered meanwhile, and what is closed is free."""
    target, _, client = writable()
    client.close()
    path = f"/runs/{target.filled['run']}/stream?from=1000000"
    with serve(target.home) as hub:
        connections = [opened(hub.address, path) for _ in range(MOST + 30)]
        said = [first for _, first in connections]
        assert sum(b" 200" in first for first in said) == MOST
        assert sum(b" 503" in first for first in said) == 30
        assert httpx.get(f"{hub.address}/jobs", timeout=20).status_code == 200
        for connection, _ in connections:
            connection.close()
        for _ in range(100):
            connection, first = opened(hub.address, path)
            connection.close()
            if b" 200" in first:
                break
            time.sleep(0.1)
        assert b" 200" in first


def test_a_server_killed_in_a_review_loses_no_answer(writable: Callable[..., Any], serve: Any, signed_in: Any) -> None:
    """Answers saved as one types outlive `kill -9`; the restarted server shows them and takes the review."""
    target, package, client = writable()
    client.close()
    name, home = package.parent.name, target.home
    given = answers("Ada", package)
    with serve(home) as hub:
        browser = signed_in(hub)
        half = dict(list(given.items())[:4])
        assert browser.post(f"/review/{name}/draft", data=half).text == "Draft saved"
        os.kill(hub.process.pid, signal.SIGKILL)
        hub.process.wait(10)
    assert {k: v for k, v in load(home, name, 1).items() if k in half} == half
    before = len(list(read_events(home.ledger_path)))
    with serve(home) as hub:
        again = signed_in(hub)
        page = again.get(f"/review/{name}").text
        for field, value in half.items():
            shown = re.search(rf'name="{field}" value="{value}" checked', page)
            assert shown or f'value="{value}"' in page or f">{value}</textarea>" in page
        assert again.post(f"/review/{name}", data=given).status_code == 200
    events = list(read_events(home.ledger_path))
    assert len(events) == before + 1
    assert events[-1].payload["review"]["reviewer"] == "Ada"
    assert load(home, name, 1) == {}


def test_a_person_and_a_run_write_at_once(writable: Callable[..., Any], serve: Any, signed_in: Any) -> None:
    """Another process appends to the ledger while reviews come in: the chain holds, and nothing of either is lost."""
    target, package, client = writable()
    client.close()
    home, name = target.home, package.parent.name
    before = len(list(read_events(home.ledger_path)))
    known = len(read_reviews(package, None)[0])
    with serve(home) as hub:
        browser = signed_in(hub)
        command = [sys.executable, "-P", "-c", APPEND, str(home.ledger_path), str(WRITES), RUN]
        run = subprocess.Popen(command)
        people = 0
        while run.poll() is None or people < 5:
            assert browser.post(f"/review/{name}", data=answers(f"Person {people}", package)).status_code == 200
            people += 1
            assert people < 500
        assert run.returncode == 0
        assert "The chain is whole" in browser.get("/ledger?anew=true").text
    events = list(read_events(home.ledger_path))  # raises when the chain does not hold
    cited = [e.payload["place"] for e in events[before:] if e.kind == "package.cited"]
    assert cited == [str(number) for number in range(WRITES)]
    assert len(events) == before + WRITES + people
    assert len(read_reviews(package, None)[0]) == known + people
