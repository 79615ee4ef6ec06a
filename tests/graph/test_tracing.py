"""LangSmith: the steps of the graph are traced where a person asks for it, and nothing leaves the machine where not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

BRIEF = """
question = "Does the group size of round-to-nearest quantization matter?"
families = ["quantization"]
[budget]
max_experiments = 4
[conditions]
in_features = 128
out_features = 32
"""


class Collector:
    """A loopback server that takes in whatever is posted."""

    def __init__(self) -> None:
        self.posted = list[bytes]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                if body := self.rfile.read(length):
                    outer.posted.append(body)
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def run(folder: Path, collector: Collector, **more: str) -> None:
    """A run of the command line in a process of its own: LangSmith reads its settings once per process."""
    (folder / "brief.toml").write_text(BRIEF)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("LANGSMITH", "LANGCHAIN"))}
    told = {"LANGSMITH_ENDPOINT": collector.url, "LANGSMITH_API_KEY": "no-key-of-worth", "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", "from evidentia.cli import main; main()", "run", str(folder / "brief.toml")]
    done = subprocess.run(
        [*command, "--workspace", str(folder / "w"), "--json"],
        env={**clean, **told, **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["packages"]


def test_the_steps_are_traced_when_it_is_asked_for(tmp_path: Path, collector: Collector) -> None:
    run(tmp_path, collector, LANGSMITH_TRACING="true", LANGSMITH_DISABLE_RUN_COMPRESSION="true")
    told = b"\n".join(collector.posted)
    steps = set(re.findall(rb'"name":"([a-z]+)"', told))
    assert {
        b"literature",
        b"ideation",
        b"selection",
        b"measure",
        b"analyse",
        b"falsify",
        b"conclude",
        b"finish",
    } <= steps
    assert b"no-key-of-worth" not in told


def test_nothing_is_sent_when_nobody_asked(tmp_path: Path, collector: Collector) -> None:
    run(tmp_path, collector)
    assert collector.posted == []
