"""Runs: the list, starting one, watching it, and what people ask of it; hostile and mistaken input everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from evidentia.agents.brief import Brief
from evidentia.graph.replay import journal_of
from evidentia.graph.watching import Runs, Watched
from evidentia.hub.app import jobs
from evidentia.hub.app.brief_form import checked
from evidentia.workspace.eventlog import EventLog, read_events
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import Event
from evidentia.workspace.writers import writer_of

QUESTION = "Does the first <b>beat</b> the second?"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The jobs that would have been started, by title and arguments."""
    found: list[tuple[str, list[str]]] = []

    def start(home: Workspace, title: str, arguments: list[str]) -> str:
        found.append((title, list(arguments)))
        return "J"

    monkeypatch.setattr(jobs, "start", start)
    return found


Started = list[tuple[str, list[str]]]


def begun(home: Workspace, bench: Any, name: str = "run-a", nodes: int = 3, **brief: Any) -> EventLog:
    """A run with so many open hypotheses, its log still held by this process: it counts as live."""
    log = home.create_log(name)
    asked = Brief(question=QUESTION, **brief).to_json()
    log.append("run.started", {"brief": asked, "mind": "builtin", "workers": 1, "executor": "local"}, "person")
    names = []
    for number in range(1, nodes + 1):
        plan = bench.plan(above=number / 2)
        told = {"id": plan.id, "node": f"N{number:03d}", "parent": "N000", "pivot": None, "hypothesis": plan.to_json()}
        log.append("hypothesis.registered", {**told, "novelty": {}}, "ideation")
        names.append(plan.id)
    log.append("ideation.done", {"round": 0, "hypotheses": names}, "ideation")
    return log


def stopped(home: Workspace, bench: Any, name: str = "run-a", because: str = "interrupted", **more: Any) -> None:
    """The same, stopped."""
    log = begun(home, bench, name, **more)
    log.append("run.stopped", {"because": because, "tree": ""}, "run")
    log.close()


def kinds(home: Workspace, name: str = "run-a") -> list[str]:
    return [event.kind for event in read_events(home.log_path(name))]


def test_list_tells_states_and_escapes(home: Workspace, bench: Any, reader: TestClient) -> None:
    assert "No runs yet" in reader.get("/runs").text
    live = begun(home, bench, "run-live")
    stopped(home, bench, "run-paused")
    stopped(home, bench, "run-finished", "the question is exhausted")
    stopped(home, bench, "run-damaged")
    path = home.log_path("run-damaged")
    path.write_bytes(path.read_bytes().replace(b"N002", b"N009"))
    page = reader.get("/runs").text
    live.close()
    for state in ("live", "paused", "finished", "damaged"):
        assert f'<span class="run-state {state}">{state}</span>' in page
    assert "event 2 was changed after it was written" in page
    assert "Does the first &lt;b&gt;beat&lt;/b&gt;" in page
    assert "4 nodes" in page
    assert 'hx-trigger="every 3s"' in page
    assert 'class="run-state live"' not in reader.get("/runs/rows").text


def test_list_reads_each_log_once_and_then_only_what_is_new(
    home: Workspace, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        stopped(home, bench, f"run-{number}", nodes=2)
    taken: list[str] = []
    take = Watched._take

    def counted(self: Watched, event: Event) -> None:
        taken.append(event.run)
        take(self, event)

    monkeypatch.setattr(Watched, "_take", counted)
    runs = Runs(home)
    assert [s.nodes for s in runs.summaries()] == [3] * 5
    assert len(taken) == 25
    assert [s.nodes for s in Runs(home).summaries()] == [3] * 5
    runs.watch("run-2")
    taken.clear()
    log = home.open_log("run-2")
    log.append("run.resumed", {"repaired": None}, "person")
    log.close()
    assert len(runs.summaries()) == 5
    assert taken == ["run-2"]
    (home.cache / "runs.json").write_text("{")
    assert len(Runs(home).summaries()) == 5


def test_list_leaves_for_the_next_time_what_would_take_long(home: Workspace, bench: Any) -> None:
    for number in range(4):
        stopped(home, bench, f"run-{number}", nodes=1)
    runs, now = Runs(home), iter(range(0, 1000, 1))
    first = runs.summaries(clock=lambda: float(next(now)))
    assert 0 < sum(s.status == "unread" for s in first) < 4
    while any(s.status == "unread" for s in first):
        first = runs.summaries(clock=lambda: float(next(now)))
    assert [s.run for s in first] == ["run-3", "run-2", "run-1", "run-0"]


def test_replaced_log_is_read_anew(home: Workspace, bench: Any) -> None:
    stopped(home, bench)
    runs = Runs(home)
    assert runs.watch("run-a").next == 6
    home.log_path("run-a").unlink()
    begun(home, bench, nodes=1).close()
    assert runs.watch("run-a").next == 3
    assert len(runs.watch("run-a").account) == 2


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"brief": ""}, "brief", "give a question"),
        ({"brief": "short"}, "brief", "at least 8 characters"),
        ({"brief": "question = 3"}, "brief", "line 1: question"),
        ({"brief": 'question = "open'}, "brief", "not valid TOML"),
        ({"brief": 'question = "Does it hold?"\n[budget]\nfoo = 1'}, "brief", "line 3: unknown key"),
        ({"brief": "Does it hold at all?", "max_experiments": "0"}, "max_experiments", "greater than or equal to 1"),
        ({"brief": "Does it hold at all?", "max_experiments": "1e9"}, "max_experiments", "not a whole number"),
        ({"brief": "Does it hold at all?", "max_minutes": "nan"}, "max_minutes", "finite"),
        ({"brief": "Does it hold at all?", "seed": "-1"}, "seed", "greater than or equal to 0"),
        ({"brief": "Does it hold at all?", "policy": "best"}, "policy", "'value', 'best-first'"),
        ({"brief": "Does it hold at all?", "model": "--json"}, "model", "PROVIDER:NAME"),
    ],
)
def test_form_says_what_is_wrong_beside_its_field_and_keeps_the_text(
    home: Workspace, writer: TestClient, typed: dict[str, str], field: str, says: str
) -> None:
    page = writer.post("/runs", data={**typed, "approve": "ideas"})
    assert page.status_code == 400
    told = page.text.partition(f'id="{field}-told">')[2].partition("</p>")[0]
    assert says in told.replace("&#39;", "'")
    assert typed["brief"].replace('"', "&#34;") in page.text
    assert jobs.jobs(home) == []


def test_form_starts_a_run_with_its_options(home: Workspace, writer: TestClient, started: Started) -> None:
    told = {"brief": "  Does it\n hold? --json /etc/passwd", "max_experiments": "7", "seed": "3", "policy": "random"}
    answer = writer.post("/runs", data={**told, "approve": ["packages", "ideas", "x"]}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/J")
    title, arguments = started[0]
    assert title == "Run: Does it hold? --json /etc/passwd"
    assert arguments[:-1] == [
        *("run", "--max-experiments", "7", "--seed", "3", "--policy", "random", "--approve", "ideas,packages", "--")
    ]
    assert Path(arguments[-1]).read_text() == 'question = "Does it hold? --json /etc/passwd"\n'
    assert Path(arguments[-1]).parent == home.root.resolve() / "briefs"


def test_brief_in_toml_is_kept_as_it_was_typed(home: Workspace, writer: TestClient, started: Started) -> None:
    text = '# mine\nquestion = "Does it hold?"\n[budget]\nmax_experiments = 5\n'
    writer.post("/runs", data={"brief": text}, follow_redirects=False)
    assert Path(started[0][1][-1]).read_text() == text
    form = checked({"brief": text, "max_minutes": "2.5"}, [])
    assert form.brief is not None
    assert (form.brief.budget.max_experiments, form.brief.budget.max_minutes) == (5, 2.5)


def test_readers_see_forms_but_cannot_send_them(home: Workspace, bench: Any, reader: TestClient) -> None:
    stopped(home, bench)
    assert "<fieldset disabled>" in reader.get("/runs").text
    assert "<fieldset disabled>" in reader.get("/runs/run-a").text
    for path in ("/runs", *(f"/runs/run-a/{act}" for act in ("pause", "resume", "prune", "pin", "budget", "suggest"))):
        assert reader.post(path, data={"brief": "Does it hold at all?", "name": "A"}).status_code == 401
    assert kinds(home)[-1] == "run.stopped"
    assert jobs.jobs(home) == []


def test_run_page_tells_account_budget_and_counts(home: Workspace, bench: Any, reader: TestClient) -> None:
    log = begun(home, bench)
    page = reader.get("/runs/run-a").text
    assert "registered N002: lfu-perfect has a higher hit rate" in page
    assert '<b>3</b> <span class="open">open</span>' in page
    assert "Does the first &lt;b&gt;beat&lt;/b&gt;" in page
    assert 'data-run="run-a" data-from="5"' in page
    assert ">Pause</button>" in page
    log.append("decision.made", {"node": "D00", "choice": "\x1b[2J<script>x</script>", "alternatives": []}, "agent")
    log.append("run.stopped", {"because": "the question is exhausted", "tree": ""}, "run")
    log.close()
    page = reader.get("/runs/run-a").text
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "\x1b" not in page
    assert "data-run=" not in page
    assert reader.get("/runs/run-a/status").status_code == 200
    for odd in ("..", "%2e%2e", "run-b", "run-a%00", "..%2Frun-a"):
        assert reader.get(f"/runs/{odd}/status").status_code == 404


def test_stream_begins_where_one_is_and_account_goes_back(home: Workspace, bench: Any, reader: TestClient) -> None:
    stopped(home, bench, nodes=250)
    page = reader.get("/runs/run-a").text
    assert "registered N250" in page
    assert "registered N001:" not in page
    earlier = page.partition("account?before=")[2].partition('"')[0]
    rest = reader.get(f"/runs/run-a/account?before={earlier}").text
    assert "registered N001:" in rest
    assert "registered N250" not in rest
    runs = Runs(home)
    watched = runs.watch("run-a")
    assert [line.seq for line in watched.since(250, 9)] == [250, 252]
    assert [line.seq for line in watched.before(3, 2)] == [1, 2]


def test_stream_tells_lines_with_where_to_go_on(
    home: Workspace, bench: Any, reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidentia.hub.app.streams.SECONDS", 0.3)
    monkeypatch.setattr("evidentia.hub.app.streams.POLL_SECONDS", 0.02)
    stopped(home, bench)
    said = reader.get("/runs/run-a/stream?from=3")
    assert said.headers["content-type"].startswith("text/event-stream")
    message = said.text.partition("\n\n")[0].splitlines()
    assert message[:2] == ["id: 6", "event: lines"]
    lines = json.loads(message[2].removeprefix("data: "))["lines"]
    assert [kind for _, kind, _ in lines] == ["hypothesis.registered", "run.stopped"]
    assert reader.get("/runs/run-a/stream?from=3", headers={"last-event-id": "6"}).text == ""
    assert reader.get("/runs/none/stream").status_code == 404


def test_pause_interrupts_the_process_at_work_and_no_other(home: Workspace, bench: Any, writer: TestClient) -> None:
    stopped(home, bench)
    refused = writer.post("/runs/run-a/pause")
    assert refused.status_code == 400
    assert "nothing to pause" in refused.text
    script = (
        "import signal, sys, time\nfrom pathlib import Path\nfrom evidentia.workspace.eventlog import EventLog\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "log = EventLog(Path(sys.argv[1]), 'run-a')\nprint('ready', flush=True)\n"
        "try:\n    while True:\n        time.sleep(0.05)\nexcept KeyboardInterrupt:\n    sys.exit(7)"
    )
    work = subprocess.Popen(
        [sys.executable, "-P", "-c", script, str(home.log_path("run-a"))], stdout=subprocess.PIPE, text=True
    )
    assert work.stdout is not None
    assert work.stdout.readline() == "ready\n"
    assert writer_of(home.log_path("run-a")) == work.pid
    assert 'class="run-state live"' in writer.get("/runs/run-a/status").text
    assert "it is live" in writer.post("/runs/run-a/resume").text
    assert writer.post("/runs/run-a/pause").status_code == 200
    assert work.wait(60) == 7
    work.stdout.close()
    assert writer_of(home.log_path("run-a")) is None


def test_resume_goes_on_as_a_job(home: Workspace, bench: Any, writer: TestClient, started: Started) -> None:
    stopped(home, bench)
    answer = writer.post("/runs/run-a/resume", follow_redirects=False)
    assert answer.headers["location"] == "/runs/run-a?job=J"
    assert [arguments for _, arguments in started] == [["resume", "--", "run-a"]]
    stopped(home, bench, "run-b", "the question is exhausted")
    assert "it is finished" in writer.post("/runs/run-b/resume").text


def test_prune_of_a_standing_run_is_in_its_log_at_once(home: Workspace, bench: Any, writer: TestClient) -> None:
    stopped(home, bench)
    page = writer.post("/runs/run-a/prune", data={"node": "N002", "name": " Ada ", "why": "<i>known</i>"})
    assert page.status_code == 200
    assert "It is in the run" in page.text
    assert kinds(home)[-1] == "branch.pruned"
    assert "&lt;i&gt;known" in page.text
    assert list(read_events(home.log_path("run-a")))[-1].payload["by"]["name"] == "Ada"
    assert len(journal_of(home, "run-a").people.pruned) == 1
    assert 'value="Ada"' in writer.get("/runs/run-a").text


def test_prune_of_a_live_run_waits_in_its_inbox(home: Workspace, bench: Any, writer: TestClient) -> None:
    log = begun(home, bench)
    page = writer.post("/runs/run-a/prune", data={"node": "N002", "name": "Ada"})
    assert "It lies in the run" in page.text
    lying = list((home.runs / "run-a" / "inbox").glob("*.json"))
    assert json.loads(lying[0].read_text())["node"] == "N002"
    assert kinds(home)[-1] == "ideation.done"
    log.close()


@pytest.mark.parametrize(
    ("act", "typed", "says"),
    [
        ("prune", {"node": "N009", "name": "Ada"}, "no node"),
        ("prune", {"node": "N002", "name": "  "}, "give your name"),
        ("pin", {"node": "N001", "decision": "x", "name": "Ada"}, "at least 3 characters"),
        ("budget", {"max_experiments": "many", "name": "Ada"}, "is not a number"),
        ("budget", {"max_minutes": "-3", "name": "Ada"}, "greater than 0"),
        ("budget", {"max_minutes": "nan", "name": "Ada"}, "max_minutes"),
        ("budget", {"name": "Ada"}, "budget"),
        ("suggest", {"statement": "short", "name": "Ada"}, "suggestion cannot be read"),
        ("approve", {"question": "A9", "name": "Ada"}, "no request"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    home: Workspace, bench: Any, writer: TestClient, act: str, typed: dict[str, str], says: str
) -> None:
    stopped(home, bench)
    before = home.log_path("run-a").read_bytes()
    page = writer.post(f"/runs/run-a/{act}", data={**typed, "why": "kept text"})
    assert page.status_code == 400
    assert says in page.text.partition('role="alert">')[2].partition("</p>")[0]
    assert act == "approve" or 'value="kept text"' in page.text
    assert home.log_path("run-a").read_bytes() == before
    assert not (home.runs / "run-a" / "inbox").exists()
    assert writer.post(f"/runs/none/{act}", data=typed).status_code == 404


def test_budget_and_pin_change_the_run(home: Workspace, bench: Any, writer: TestClient) -> None:
    stopped(home, bench)
    writer.post("/runs/run-a/budget", data={"max_experiments": "99", "max_usd": "1.5", "name": "Ada"})
    writer.post("/runs/run-a/pin", data={"node": "N001", "decision": "Look here first", "name": "Ada"})
    assert kinds(home)[-2:] == ["budget.changed", "node.pinned"]
    page = writer.get("/runs/run-a").text
    assert "of 99" in page
    assert "$1.50" in page
    assert "Look here first" in page


def test_what_waits_is_shown_and_answered(home: Workspace, bench: Any, writer: TestClient, started: Started) -> None:
    log = begun(home, bench, approve=("ideas",))
    items = [
        {"id": f"h{n}", "title": f"<u>{n}</u>", "statement": "s", "why": "w", "worst_case": 4, "follows": "N001"}
        for n in (1, 2)
    ]
    told = {"request": "A01", "gate": "ideas", "about": "round 0", "items": items, "round": 0}
    log.append("approval.asked", told, "run")
    log.append("run.stopped", {"because": "waiting", "tree": ""}, "run")
    log.close()
    page = writer.get("/runs/run-a").text
    assert "Waiting for you: ideas" in page
    assert "&lt;u&gt;1&lt;/u&gt;" in page
    assert "1 waits for you" in " ".join(writer.get("/runs").text.split())
    answer = writer.post(
        "/runs/run-a/approve",
        data={"question": "A01", "accepted": items[0]["id"], "name": "Ada", "go_on": "true"},
        follow_redirects=False,
    )
    assert answer.status_code == 303, answer.text.partition('role="alert">')[2][:300]
    assert answer.headers["location"].endswith("&job=J")
    assert [arguments for _, arguments in started] == [["resume", "--", "run-a"]]
    given = list(read_events(home.log_path("run-a")))[-1]
    assert given.kind == "approval.given"
    assert (given.payload["accepted"], given.payload["dropped"]) == ([items[0]["id"]], [items[1]["id"]])
    assert "Waiting for you" not in writer.get("/runs/run-a").text
