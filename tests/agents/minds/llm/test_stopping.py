"""Ctrl-C while a model thinks: the first one ends the run within seconds, and the run can be resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.agents.minds.llm import brains
from tests.agents.minds.llm.server import Bad, Brain, Request, Said, Server
from tests.agents.minds.llm.test_runs import BRIEF, Place, place, pytestmark

__all__ = ["place", "pytestmark"]
Serve = Callable[[Brain], Server]


@pytest.mark.parametrize("role", ["ideation", "review"])
def test_the_first_ctrl_c_ends_a_run_whose_model_is_thinking(serve: Serve, place: Place, role: str) -> None:
    thinking = [True]

    def slow(request: Request) -> Said | Bad:
        return Bad(slow=300.0) if thinking[0] and request.role == role else brains.brilliant(request)

    server = serve(slow)
    (place.root / "brief.toml").write_text(BRIEF.replace("14", "4"))
    options = ("--model", "openai:served", "--base-url", server.url, "--workspace", str(place.workspace), "--json")
    entry = [sys.executable, "-c", "from evidentia.cli import main; main()"]
    running = subprocess.Popen(
        [*entry, "run", str(place.root / "brief.toml"), *options],
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not any(r.role == role for r in server.requests) and running.poll() is None:
        time.sleep(0.05)
    began = datetime.now(UTC)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    (log,) = place.workspace.glob("runs/*/events.jsonl")
    stopped = json.loads(log.read_text().splitlines()[-1])
    assert stopped["kind"] == "run.stopped"
    assert (datetime.fromisoformat(stopped["time"]) - began).total_seconds() < 10  # the model would have taken minutes
    assert running.returncode == 130, err
    assert json.loads(out)["stopped_because"] == "interrupted"
    thinking[0] = False
    (run,) = place.workspace.glob("runs/*")
    again = place.evidentia("resume", run.name, "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["packages"]
