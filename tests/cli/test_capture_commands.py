"""`evidentia capture` and `note` as a person uses them: terminals, pipes, signals, several at once."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from evidentia.graph.replay import journal_of
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import open_workspace

EVIDENTIA = (sys.executable, "-m", "evidentia")
ENVIRONMENT = {**os.environ, "PYTHONSAFEPATH": "1"}
HYPOTHESIS = ("--metric", "speed", "--system", "a", "--baseline", "b", "--expect", "above:0.5")
SCRIPT = """
import json
import random

with open("rows.jsonl", "w") as rows:
    for seed in range(5):
        draw = random.Random(seed)
        shared = draw.random()
        for system, value in (("a", shared + 1 + 0.1 * draw.random()), ("b", shared)):
            rows.write(json.dumps({"system": system, "seed": seed, "speed": value}) + "\\n")
print("measured")
"""


def evidentia(folder: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EVIDENTIA, *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, **more
    )


def told(folder: Path, *arguments: str) -> Any:
    done = evidentia(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def only_run(folder: Path) -> Any:
    """The journal of the one run there is."""
    home = open_workspace(folder / "evidentia-workspace")
    (name,) = home.run_names()
    return journal_of(home, name)


@contextmanager
def capturing(folder: Path, *command: str, options: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """A capture that is under way: the command has printed its first line."""
    process = subprocess.Popen(
        [*EVIDENTIA, "capture", *options, "--", *command],
        cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)


SLEEPER = ("sh", "-c", "echo ready; exec sleep 60")


def test_from_hypothesis_to_a_verified_package(tmp_path: Path) -> None:
    (tmp_path / "bench.py").write_text(SCRIPT)
    noted = told(tmp_path, "note", "hypothesis", "a is faster than b", *HYPOTHESIS)
    done = evidentia(tmp_path, "capture", "--output", "rows.jsonl", "--", sys.executable, "bench.py")
    assert (done.returncode, done.stdout) == (0, "measured\n")
    assert "10 rows" in done.stderr
    assert noted["node"] in done.stderr
    report = told(tmp_path, "note", "finish")
    (package,) = report["packages"]
    (listed,) = told(tmp_path, "packages")
    assert (listed["id"], listed["rung"], listed["outcome"]) == (package, 1, "supported")
    assert listed["claims"] == {"total": 1, "decided": 1, "supported": 1}
    verified = told(tmp_path, "verify", package)
    assert verified["rung"] == 3
    (run,) = told(tmp_path, "runs")
    assert (run["run"], run["status"], run["experiments"]) == (report["run"], "finished", 1)
    nodes = told(tmp_path, "tree", run["run"])
    kinds = [("question", None), ("experiment", None), ("experiment", "falsify")]
    assert [(n["type"], n.get("work")) for n in nodes] == kinds
    checked = told(tmp_path, "replay", run["run"], "--check")
    assert checked["passed"] is True
    assert checked["digests"]


@pytest.mark.parametrize(("command", "status"), [(["true"], 0), (["false"], 1), (["sh", "-c", "exit 42"], 42)])
def test_the_exit_status_is_the_commands(tmp_path: Path, command: list[str], status: int) -> None:
    assert evidentia(tmp_path, "capture", "--", *command).returncode == status
    (branch,) = only_run(tmp_path).branches.values()
    assert branch.runs()[0].evidence.exit_status == status


def test_a_command_killed_by_a_signal_ends_as_in_a_shell(tmp_path: Path) -> None:
    done = evidentia(tmp_path, "capture", "--", "sh", "-c", "kill -9 $$")
    assert done.returncode == 128 + 9
    (branch,) = only_run(tmp_path).branches.values()
    assert (branch.runs()[0].evidence.exit_status, branch.runs()[0].evidence.signal) == (None, 9)


def test_options_after_the_command_are_the_commands_own_even_without_dashes(tmp_path: Path) -> None:
    done = evidentia(tmp_path, "capture", "echo", "--json", "--run", "x")
    assert done.stdout == "--json --run x\n"


def test_output_passes_through_in_full_and_as_bytes_while_the_record_is_bounded(tmp_path: Path) -> None:
    code = "import sys\nfor i in range(4000): sys.stdout.buffer.write(bytes([i % 256]) * 1000)"
    done = subprocess.run(
        [*EVIDENTIA, "capture", "--", sys.executable, "-c", code],
        cwd=tmp_path, env=ENVIRONMENT, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == b"".join(bytes([i % 256]) * 1000 for i in range(4000))
    blobs = list((tmp_path / "evidentia-workspace" / "blobs").rglob("*"))
    assert max(b.stat().st_size for b in blobs) < 1_100_000


def test_standard_input_reaches_the_command(tmp_path: Path) -> None:
    assert evidentia(tmp_path, "capture", "--", "cat", input="typed").stdout == "typed"


def test_json_keeps_standard_output_for_the_record(tmp_path: Path) -> None:
    done = evidentia(tmp_path, "capture", "--json", "--", "sh", "-c", "echo out; echo err >&2; exit 5")
    assert done.returncode == 5
    record = json.loads(done.stdout)
    assert record["exit_status"] == 5
    assert set(record) == {
        "run", "capture", "nodes", "evidence", "exit_status", "signal", "interrupted", "wall_seconds", "cpu_seconds",
        "peak_memory_bytes", "rows", "outputs", "refused", "masked",
    }  # fmt: skip
    assert "out\n" in done.stderr
    assert "err\n" in done.stderr


def test_a_reader_that_goes_away_ends_the_command_as_it_would_alone(tmp_path: Path) -> None:
    line = f"{' '.join(EVIDENTIA)} capture -- yes | head -n 2"
    done = subprocess.run(line, shell=True, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)  # noqa: S602
    assert done.stdout == "y\ny\n"
    (branch,) = only_run(tmp_path).branches.values()
    assert branch.runs()[0].evidence.signal == signal.SIGPIPE


def test_on_a_terminal_the_command_has_one_and_ctrl_c_is_recorded_as_interrupted(tmp_path: Path) -> None:
    code = "import sys, time; print(sys.stdout.isatty(), sys.stderr.isatty(), flush=True); time.sleep(60)"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(EVIDENTIA[0], [*EVIDENTIA, "capture", "--", sys.executable, "-c", code], ENVIRONMENT)  # noqa: S606
    seen = b""
    deadline = time.monotonic() + 30
    while b"\n" not in seen and time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 1000)
    assert seen.startswith(b"True True")
    os.write(terminal, b"\x03")
    try:
        while select.select([terminal], [], [], 30)[0] and (more := os.read(terminal, 1000)):
            seen += more
    except OSError:
        pass
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.WEXITSTATUS(status) == 130
    (branch,) = only_run(tmp_path).branches.values()
    evidence = branch.runs()[0].evidence
    assert (evidence.signal, evidence.exceeded) == (signal.SIGINT, "interrupted: by the person")
    assert not evidence.ok


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_capture_reaches_the_command(tmp_path: Path, number: int) -> None:
    with capturing(tmp_path, *SLEEPER) as process:
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
    (branch,) = only_run(tmp_path).branches.values()
    assert branch.runs()[0].evidence.exceeded == "interrupted: by the person"


def test_killing_the_capture_leaves_a_whole_log_and_the_next_command_tells_it(tmp_path: Path) -> None:
    with capturing(tmp_path, *SLEEPER) as process:
        process.kill()
        process.wait(timeout=30)
        journal = only_run(tmp_path)  # reads the chain
        assert len(journal.captures) == 1
        shown = evidentia(tmp_path, "tree", journal.log.run).stdout
        assert "running" in shown
    assert evidentia(tmp_path, "note", "decision", "Go on", "--alternatives", "Stop").returncode == 0
    journal = only_run(tmp_path)
    assert not journal.captures
    (branch,) = journal.branches.values()
    (run,) = branch.runs()
    assert "the capture was killed" in str(run.evidence.exceeded)
    blobs = open_workspace(tmp_path / "evidentia-workspace").blobs
    assert blobs.get(run.evidence.stdout) == b"ready\n"
    finished = told(tmp_path, "note", "finish")
    assert told(tmp_path, "packages")[0]["rung"] == 1
    assert told(tmp_path, "replay", finished["run"], "--check")["passed"]


def test_captures_from_two_terminals_lose_nothing(tmp_path: Path) -> None:
    several = [
        subprocess.Popen(
            [*EVIDENTIA, "capture", "--", "sh", "-c", f"echo {number}; sleep 0.2"],
            cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for number in range(6)
    ]  # fmt: skip
    for number, process in enumerate(several):
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, f"{number}\n".encode()), err
    journal = only_run(tmp_path)
    assert len(list(read_events(journal.log.path))) == len(journal.log.events)
    assert len(journal.branches) == 6
    assert len({journal.tree.node_of[name] for name in journal.branches}) == 6
    blobs = open_workspace(tmp_path / "evidentia-workspace").blobs
    printed = {blobs.get(b.runs()[0].evidence.stdout) for b in journal.branches.values()}
    assert printed == {f"{number}\n".encode() for number in range(6)}


def test_what_the_command_left_running_is_not_waited_for(tmp_path: Path) -> None:
    start = time.monotonic()
    done = evidentia(tmp_path, "capture", "--", "sh", "-c", "sleep 20 & echo $!")
    assert time.monotonic() - start < 15
    os.kill(int(done.stdout), signal.SIGKILL)
    assert done.returncode == 0


def test_a_secret_in_the_command_line_is_masked_and_said(tmp_path: Path) -> None:
    done = evidentia(tmp_path, "capture", "--", "echo", "--password", "hunter22")
    assert done.stdout == "--password hunter22\n"
    assert "the value of --password is masked" in done.stderr
    (log,) = (tmp_path / "evidentia-workspace" / "runs").glob("*/events.jsonl")
    assert b"hunter22" not in log.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("capture", "--", "no-such-command-at-all"), "does not exist"),
        (("capture",), "COMMAND"),
        (("capture", "--run", "../up", "--", "true"), "--run"),
        (("capture", "--for", "N009", "--", "true"), "N009"),
        (("capture", "--expect", "above:1", "--metric", "m", "--system", "a", "--", "true"), "--claim"),
        (("capture", "--question", "short", "--", "true"), "--question"),
        (("note", "finish"), "no workspace"),
        (("note", "decision", "x"), "--alternatives"),
        (("note", "dead-end", "x", "--hypothesis", "it works", "--failure", "it did not"), "--lesson"),
        (("note", "pivot", "x", "--from", "a", "--to", "b"), "--because"),
        (("note", "hypothesis", "x"), "--metric"),
        (("note", "hypothesis", "x", *HYPOTHESIS[:-1], "more"), "--expect"),
        (("note", "decision", "x", "--alternatives", "y", "--at", "N7"), "--at N7"),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_2(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = evidentia(tmp_path, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_that_does_not_exist_makes_no_workspace(tmp_path: Path) -> None:
    evidentia(tmp_path, "capture", "--", "no-such-command-at-all")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_program_is_told_and_recorded_as_not_started(tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"\x7fELF nothing")
    (tmp_path / "odd").chmod(0o755)
    done = evidentia(tmp_path, "capture", "--", "./odd")
    assert done.returncode == 2
    assert "could not be started" in done.stderr
    assert not only_run(tmp_path).captures


def test_an_unknown_run_and_an_autonomous_one_are_refused(tmp_path: Path) -> None:
    evidentia(tmp_path, "capture", "--run", "mine", "--", "true")
    done = evidentia(tmp_path, "note", "finish", "--run", "yours")
    assert (done.returncode, "mine" in done.stderr) == (2, True)
    log = open_workspace(tmp_path / "evidentia-workspace").create_log("robot")
    question = {"question": "Which is better, a or b?"}
    log.append("run.started", {"brief": question, "mind": "builtin", "workers": 1}, "person")
    log.close()
    for arguments in (("capture", "--run", "robot", "--", "true"), ("note", "finish", "--run", "robot")):
        done = evidentia(tmp_path, *arguments)
        assert (done.returncode, "not a person's" in done.stderr) == (2, True)
    resumed = evidentia(tmp_path, "resume", "mine")
    assert (resumed.returncode, "evidentia capture --run mine" in resumed.stderr) == (2, True)


def test_the_run_is_the_folders_of_today_until_it_is_finished(tmp_path: Path) -> None:
    first = json.loads(evidentia(tmp_path, "capture", "--json", "--", "true").stdout)["run"]
    assert first.startswith("lab-20")
    assert json.loads(evidentia(tmp_path, "capture", "--json", "--", "true").stdout)["run"] == first
    assert told(tmp_path, "note", "finish")["run"] == first
    assert json.loads(evidentia(tmp_path, "capture", "--json", "--", "true").stdout)["run"] == f"{first}-2"
