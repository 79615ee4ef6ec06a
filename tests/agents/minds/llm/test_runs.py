"""Whole runs over a loopback server: a brilliant, a terrible and a lying scripted model, keys, and resuming."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from evidentia.cli.app import app
from evidentia.sandbox import strength, strongest_level
from evidentia.workspace.home import open_workspace
from tests.agents.minds.llm import brains
from tests.agents.minds.llm.server import KEY, Bad, Brain, Request, Said, Server

Serve = Callable[[Brain], Server]
pytestmark = pytest.mark.skipif(
    strength(strongest_level()) < strength("bubblewrap"),
    reason="a model's code runs in no weaker sandbox than bubblewrap",
)
BRIEF = """
question = "Does the group size of round-to-nearest quantization matter?"
families = ["quantization"]
[budget]
max_experiments = 14
[conditions]
in_features = 128
out_features = 32
"""


@dataclass
class Place:
    """A folder with a brief and a workspace."""

    root: Path

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    def evidentia(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--workspace", str(self.workspace)])

    def run(self, server: Server, *more: str) -> Result:
        (self.root / "brief.toml").write_text(BRIEF)
        models = ("--model", "openai:served", "--base-url", server.url)
        return self.evidentia("run", str(self.root / "brief.toml"), *models, "--workers", "1", "--json", *more)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What the log of the only run says of a kind of event."""
        (log,) = self.workspace.glob("runs/*/events.jsonl")
        events = [json.loads(line) for line in log.read_text().splitlines()]
        return [e["payload"] for e in events if e["kind"] == kind]

    def statuses(self, kind: str) -> set[str]:
        """The statuses of all claims, as they stood after a step."""
        return {c["status"] for payload in self.events(kind) for c in payload["claims"]}

    def written(self) -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in self.root.rglob("*") if p.is_file()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_brilliant_model_ends_in_decided_packages(serve: Serve, place: Place) -> None:
    server = serve(brains.brilliant)
    done = place.run(server)
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    concluded = place.events("branch.concluded")
    assert len(report["packages"]) == len(concluded) >= 4
    assert {"supported", "refuted"} <= {c["outcome"] for c in concluded} <= {"supported", "refuted", "null"}
    registered = {r["id"]: r["hypothesis"] for r in place.events("hypothesis.registered")}
    (follow,) = (h for h in registered.values() if h["form"] == "interaction")
    assert registered[follow["parent"]]["form"] != "interaction"
    assert follow["sample_plan"]["first_seed"] >= 1000
    attacks = [a for f in place.events("falsification.done") for a in f["attacks"] if a["kind"] == "fresh seeds"]
    assert len(attacks) >= 4
    assert all(a["survived"] for a in attacks)
    assert f"Models: review (openai:served): {len(concluded)} requests" in done.stderr
    assert "cost unknown" in done.stderr
    manifest = json.loads(place.evidentia("show", report["packages"][0], "--json").stdout)
    assert manifest["mind"] == "openai:served"


def test_a_terrible_model_ends_in_dead_ends_and_claims_nothing(serve: Serve, place: Place) -> None:
    server = serve(brains.terrible)
    done = place.run(server)
    assert done.exit_code == 0, done.output
    concluded = place.events("branch.concluded")
    assert {c["outcome"] for c in concluded} == {"crashed"}
    assert place.statuses("branch.concluded") <= {"inconclusive"}
    modes = sorted(c["dead_end"]["failure_mode"] for c in concluded)
    assert modes[0].startswith("exit status 1: ")
    assert "ZeroDivisionError: of no use" in modes[-1]
    assert len(json.loads(done.stdout)["packages"]) == len(concluded) == 2


def test_made_up_rows_become_no_supported_claim(serve: Serve, place: Place) -> None:
    done = place.run(serve(brains.liar))
    assert done.exit_code == 0, done.output
    assert place.statuses("claims.decided") == {"supported"}  # what the made-up rows say
    assert place.statuses("branch.concluded") == {"inconclusive"}  # what is left once the library has measured
    assert [c["outcome"] for c in place.events("branch.concluded")] == ["null"]
    (attacked,) = place.events("falsification.done")
    assert "fresh seeds gave the opposite verdict" in attacked["claims"][0]["note"]
    (reviewed,) = place.events("review.done")
    assert reviewed["review"]["claims"][0]["verdict"] == "wrong"


def test_a_run_goes_on_after_the_models_server_was_down(serve: Serve, place: Place) -> None:
    down: list[bool] = [True]

    def brain(request: Request) -> Said | Bad:
        return (
            Bad(401, body={"error": {"message": "not now"}})
            if down[0] and request.role == "review"
            else brains.brilliant(request)
        )

    server = serve(brain)
    stopped = place.run(server)
    assert stopped.exit_code == 1
    assert "openai:served does not answer: status 401: not now" in str(stopped.exception)
    (run,) = open_workspace(place.workspace).run_names()
    before = [e["experiment"] for e in place.events("experiment.finished")]
    assert before
    down[0] = False
    server.requests.clear()
    gone_on = place.evidentia("resume", run)
    assert gone_on.exit_code == 0, gone_on.output
    finished = [e["experiment"] for e in place.events("experiment.finished")]
    assert finished[: len(before)] == before
    assert len(finished) == len(set(finished))  # none ran twice
    roles = Counter(r.role for r in server.requests)
    assert roles["review"] == len(place.events("branch.concluded"))
    assert roles["ideation"] == len([r for r in server.requests if "Found so far" in r.task])  # not the first again
    asked = [json.dumps(r.body, sort_keys=True) for r in server.requests]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("answer", [Said("No.", stop="refusal"), Said(""), Said("{", stop="length"), Said("无可奉告")])
def test_a_model_that_never_answers_is_told_of(serve: Serve, place: Place, answer: Said) -> None:
    server = serve(lambda request: answer)
    done = place.run(server)
    assert done.exit_code == 1
    assert "gave no hypothesis that can be tested; the last fault" in str(done.exception)
    assert len(server.requests) == 3


SPY = """```python
import json, os, glob
from evidentia.kernels import registry
seen = [json.dumps(dict(os.environ))]
for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
    try:
        seen.append(open(path, "rb").read().decode(errors="replace"))
    except OSError as error:
        seen.append(str(error))
print("\\n".join(seen))
with open("rows.jsonl", "w") as rows:
    for seed in SEEDS:
        for system, conditions in CELLS:
            values = registry.measure(FAMILY, system, [METRIC], seed=seed, **conditions)
            rows.write(json.dumps({"system": system, "seed": seed, **conditions, **values}) + "\\n")
```"""


def test_the_key_is_nowhere_in_what_is_written_not_even_by_a_script_that_looks_for_it(
    serve: Serve, place: Place
) -> None:
    def brain(request: Request) -> Said | Bad:
        if request.role == "experiment":
            return Said(SPY)
        if request.role == "review":
            return Said(json.dumps({"claims": [], "summary": f"The key is {KEY} and is mine."}))
        return brains.brilliant(request)

    server = serve(brain)
    done = place.run(server, "--max-experiments", "4")
    assert done.exit_code == 0, done.output
    assert {r.headers["authorization"] for r in server.requests} == {f"Bearer {KEY}"}  # it was in use
    written = place.written()
    assert len(written) > 50
    for path, data in written.items():
        assert KEY.encode() not in data, path
    assert KEY not in done.output
    assert all(KEY not in json.dumps(r.body) for r in server.requests)
    said = b"".join(d for p, d in written.items() if p.name.endswith("stdout.txt"))
    assert b"PYTHONHASHSEED" in said  # the script did look


def test_options_that_make_no_sense_are_refused_before_a_run_begins(place: Place) -> None:
    (place.root / "brief.toml").write_text(BRIEF)
    brief = str(place.root / "brief.toml")
    for options, words in (
        (("--base-url", "http://localhost:1/v1"), "--base-url is for language models"),
        (("--model", "openai:a", "--prices", str(place.root / "none.toml")), "cannot read the prices"),
        (("--model", "openai:a", "--model", "writing=openai:b"), "no role 'writing'"),
        (("--model", "oracle"), "no model 'oracle'"),
    ):
        done = place.evidentia("run", brief, *options)
        assert done.exit_code != 0
        assert words in str(done.exception or done.output)
    assert not list(place.workspace.glob("runs/*"))
