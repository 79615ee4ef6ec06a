"""Jobs: they outlive who started them, are known again, stop when asked, and take nothing a person typed as options."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from evidentia.agents.brief import Brief
from evidentia.errors import BadInputError
from evidentia.hub.app import jobs
from evidentia.hub.app.attended import LARGEST, attend
from evidentia.hub.app.job_output import AT_ONCE, clean, read_output, start_of_tail
from evidentia.hub.app.session import token_of
from evidentia.workspace.home import Workspace, open_workspace

LONG, STEP = 120.0, 0.05


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    """A workspace with one run that nobody works on: `evidentia watch` waits for it for ever."""
    home = open_workspace(tmp_path / "workspace", create=True)
    log = home.create_log("a-run")
    brief = Brief(question="Does the first beat the second?")
    log.append("run.started", {"brief": brief.to_json(), "mind": "builtin", "workers": 1}, "person")
    log.close()
    return home


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail after `LONG` seconds."""
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        time.sleep(STEP)


def ended(home: Workspace, name: str) -> jobs.Job:
    until(lambda: not jobs.job(home, name).running)
    return jobs.job(home, name)


def test_job_runs_the_command_and_keeps_its_output_and_exit_code(empty: Workspace) -> None:
    name = jobs.start(empty, "List  the\nruns", ["runs", "--json"])
    assert jobs.job(empty, name).running
    done = ended(empty, name)
    assert (done.title, done.state, done.exit_code) == ("List the runs", "done", 0)
    assert json.loads(done.log.read_text())[0]["run"] == "a-run"
    failed = ended(empty, jobs.start(empty, "Show none", ["show", "--", "no-such-package"]))
    assert (failed.state, failed.exit_code) == ("failed", 2)
    assert "no-such-package" in failed.log.read_text()
    assert [job.id for job in jobs.jobs(empty)] == sorted((name, failed.id), reverse=True)


def test_job_outlives_the_process_that_started_it_and_its_end_is_known_to_the_next(empty: Workspace) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom evidentia.hub.app import jobs\n"
        "from evidentia.workspace.home import open_workspace\n"
        "print(jobs.start(open_workspace(Path(sys.argv[1])), 'Watch', ['watch', '--', 'a-run']))"
    )
    server = subprocess.run(
        [sys.executable, "-P", "-c", script, str(empty.root)], capture_output=True, text=True, check=True
    )
    name = server.stdout.strip()
    assert jobs.job(empty, name).running
    until(lambda: b"run a-run" in jobs.job(empty, name).log.read_bytes())
    assert jobs.run_named(empty, jobs.job(empty, name)) == "a-run"
    assert os.getsid(jobs.job(empty, name).pid or 0) != os.getsid(0)
    jobs.stop(empty, name)
    assert (ended(empty, name).state, ended(empty, name).exit_code) == ("stopped", 130)
    with pytest.raises(BadInputError, match="is not running: stopped"):
        jobs.stop(empty, name)


def test_same_command_is_not_started_twice_at_once_and_only_so_many_run(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = jobs.start(empty, "Watch", ["watch", "--", "a-run"])
    try:
        with pytest.raises(BadInputError, match=f"running already, as job {first}: Watch"):
            jobs.start(empty, "Watch again", ["watch", "--", "a-run"])
        monkeypatch.setattr(jobs, "MOST", 1)
        with pytest.raises(BadInputError, match="1 jobs are running, and no more than 1"):
            jobs.start(empty, "Runs", ["runs"])
        assert len(jobs.jobs(empty)) == 1
    finally:
        jobs.stop(empty, first)
    ended(empty, first)


def test_job_whose_attendant_was_killed_is_lost_not_running(empty: Workspace) -> None:
    name = jobs.start(empty, "Watch", ["watch", "--", "a-run"])
    until(lambda: jobs.job(empty, name).pid is not None)
    os.killpg(jobs.job(empty, name).pid or 0, signal.SIGKILL)
    assert ended(empty, name).state == "lost"


def test_output_of_the_latest_ended_jobs_is_kept_and_older_output_goes(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "KEPT", 2)
    folder = empty.root / "jobs"
    folder.mkdir()
    for day in range(1, 6):
        name = f"2026010{day}-000000-abcdef"
        told = {"title": "Old", "arguments": ["runs"], "started": "2026-01-01T00:00:00+00:00", "exit_code": 0}
        (folder / f"{name}.json").write_text(json.dumps(told))
        (folder / f"{name}.log").write_text("old\n")
    latest = jobs.start(empty, "List", ["runs"])
    ended(empty, latest)
    kept = [found.id for found in jobs.jobs(empty)]
    assert kept == [latest, "20260105-000000-abcdef", "20260104-000000-abcdef"]
    assert len(list(folder.glob("*.log"))) == 3


def test_what_a_person_typed_is_never_an_option(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", f"x{token_of(empty)}")
    name = jobs.start(empty, "Show", ["show", "--", "--workspace=/elsewhere"])
    done = ended(empty, name)
    assert "--workspace=/elsewhere" in done.log.read_text()
    assert "no workspace at" not in done.log.read_text()
    assert jobs._on(empty, ("run", "--seed", "3", "--", "a", "--", "b"))[:5] == [
        *("run", "--seed", "3"),
        *("--workspace", str(empty.root.resolve())),
    ]
    assert "SOME_SECRET" not in jobs._environment(token_of(empty))
    for bad in ([], ["runs", "a\0b"], ["x" * 20_001]):
        with pytest.raises(BadInputError, match="a job needs arguments"):
            jobs.start(empty, "Bad", bad)


@pytest.mark.parametrize("name", ["", "..", "../keys/hub", "20260101-000000-zzzzzz", "20260101-000000-abcdef/x", "*"])
def test_odd_names_are_no_jobs(empty: Workspace, name: str) -> None:
    with pytest.raises(BadInputError, match="no job"):
        jobs.job(empty, name)


def test_damaged_descriptions_are_left_out(empty: Workspace) -> None:
    folder = empty.root / "jobs"
    folder.mkdir()
    for text in ("", "[]", '{"title": 1}', '{"title": "t", "started": "s", "arguments": null}'):
        (folder / f"20260101-00000{len(text) % 10}-abcdef.json").write_text(text)
    assert jobs.jobs(empty) == []


def test_output_is_bounded_and_the_command_goes_on(tmp_path: Path) -> None:
    about, log = tmp_path / "job.json", tmp_path / "job.log"
    about.write_text("{}")
    log.touch()
    script = f"import sys; sys.stdout.write('x' * {LARGEST + 5_000_000})"
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        assert attend(str(about), str(log), [sys.executable, "-c", script]) == 0
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
    assert LARGEST < log.stat().st_size < LARGEST + 200
    assert json.loads(about.read_text())["exit_code"] == 0


def test_output_is_plain_text_without_secrets_in_whole_lines(tmp_path: Path) -> None:
    hostile = (
        b"\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\x00\r\nkey sk-abcdefghijklmnopqrstuvwx\n\xe2\x80\xaeabc \xff\n"
    )
    assert clean(hostile) == "red  \nkey [masked: an API key]\nabc \ufffd\n"
    log = tmp_path / "log"
    log.write_bytes(b"one\ntwo\nthr")
    assert read_output(log, 0, ended=False) == ("one\ntwo\n", 8)
    assert read_output(log, 8, ended=False) == ("", 8)
    assert read_output(log, 8, ended=True) == ("thr", 11)
    assert read_output(tmp_path / "none", 5, ended=True) == ("", 5)
    log.write_bytes(b"".join(b"%06d\n" % n for n in range(20_000)))
    text, place = read_output(log, start_of_tail(log), ended=True)
    assert text.endswith("019999\n")
    assert text[0] == "0"
    assert len(text) <= AT_ONCE
    assert place == log.stat().st_size


def test_pieces_of_any_size_give_the_whole_output(tmp_path: Path) -> None:
    log = tmp_path / "log"
    whole = "".join(f"line {n} {'é' * (n % 50)}\n" for n in range(5000))
    log.write_text(whole, encoding="utf-8")
    place, said = 0, ""
    while place < log.stat().st_size:
        text, place = read_output(log, place, ended=True)
        said += text
    assert said == whole


def written(home: Workspace, output: bytes, *, code: int | None = 0) -> str:
    """A job as it lies on the disk."""
    folder, name = home.root / "jobs", "20260102-030405-abcdef"
    folder.mkdir(exist_ok=True)
    told = {"title": "<b>T</b>", "arguments": ["verify", "<i>x</i>"], "started": "2026-01-02T03:04:05+00:00"}
    end = {} if code is None else {"exit_code": code, "ended": "2026-01-02T03:05:00+00:00", "pid": 1}
    (folder / f"{name}.json").write_text(json.dumps({**told, **end}))
    (folder / f"{name}.log").write_bytes(output)
    return name


def test_pages_escape_everything(home: Workspace, reader: TestClient) -> None:
    name = written(home, b"<script>alert(1)</script>\n")
    for path in ("/jobs", f"/jobs/{name}", f"/jobs/{name}/panel"):
        page = reader.get(path)
        assert page.status_code == 200
        assert "&lt;b&gt;T" in page.text
        assert "<script>alert" not in page.text
        assert "<i>x" not in page.text
    assert "&lt;script&gt;alert" in page.text


def test_stream_tells_output_then_the_end_and_resumes(home: Workspace, reader: TestClient) -> None:
    name = written(home, b"first\nsecond </script>\n", code=1)
    said = reader.get(f"/jobs/{name}/stream")
    assert said.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in said.headers
    assert '"text": "first\\nsecond </script>\\n"' in said.text
    assert '"state": "failed"' in said.text
    assert said.text.endswith("event: end\ndata: null\n\n")
    again = reader.get(f"/jobs/{name}/stream", headers={"last-event-id": "6"})
    assert "first" not in again.text
    assert "second" in again.text
    assert "first" not in reader.get(f"/jobs/{name}/stream?from=6").text
    assert reader.get(f"/jobs/{name}/stream?from=-1").status_code == 422
    assert reader.get(f"/jobs/{name}/stream?from=99999999").text.count("event: output") == 0


def test_streams_are_bounded_in_number(home: Workspace, reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    name = written(home, b"out\n")
    monkeypatch.setattr("evidentia.hub.app.streams.MOST", 0)
    refused = reader.get(f"/jobs/{name}/stream")
    assert refused.status_code == 503


def test_stop_needs_the_token_and_a_running_job(home: Workspace, reader: TestClient, writer: TestClient) -> None:
    name = written(home, b"out\n")
    assert reader.post(f"/jobs/{name}/stop").status_code == 401
    refused = writer.post(f"/jobs/{name}/stop")
    assert refused.status_code == 400
    assert "is not running" in refused.text
    assert reader.get("/jobs/20260102-030405-ffffff").status_code == 404


def test_running_job_is_known_by_its_lock(home: Workspace, reader: TestClient) -> None:
    name = written(home, b"working\n", code=None)
    assert 'data-job-state role="status">lost<' in reader.get(f"/jobs/{name}").text
    with (home.root / "jobs" / f"{name}.log").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        page = reader.get(f"/jobs/{name}").text
    assert 'data-job-state role="status">running<' in page
    assert f'data-stream="/jobs/{name}/stream" data-from="8"' in page
    assert '<button class="danger" disabled' in page.replace('title="Reading only"', "").replace(" >", ">")


def test_empty_list_says_what_to_do(home: Workspace, reader: TestClient) -> None:
    page = reader.get("/jobs").text
    assert "No jobs yet" in page
    assert 'href="/runs"' in page
