"""`--approve` and `evidentia steer` as a person uses them: at a terminal, in a pipe, from another window."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evidentia.cli.person import name_of
from evidentia.cli.runs import gates
from evidentia.errors import BadInputError
from evidentia.graph.replay import journal_of
from evidentia.workspace.home import open_workspace
from tests.cli.test_commands import BRIEF, evidentia


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a run that waits for approval, and what the run printed."""
    folder = tmp_path_factory.mktemp("steer")
    (folder / "brief.toml").write_text(BRIEF.replace("max_experiments = 10", "max_experiments = 2"))
    done = evidentia("run", "brief.toml", "--approve", "packages,ideas", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_a_run_in_a_pipe_waits_with_exit_code_0_and_says_for_what(waiting: tuple[Path, str]) -> None:
    report = json.loads(waiting[1])
    assert report["stopped_because"] == "waiting"
    assert [(r["request"], r["gate"]) for r in report["waiting"]] == [("A001", "ideas")]
    listed = evidentia("steer", report["run"], "--list", "--json", folder=waiting[0])
    assert json.loads(listed.stdout) == report["waiting"]
    assert json.loads(evidentia("runs", "--json", folder=waiting[0]).stdout)[0]["status"] == "waiting"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say what to do"),
        (("--prune", "N1", "--add", "something new"), "are two things"),
        (("--where", "bits=3", "--prune", "N1"), "give both"),
        (("--budget", "max_experiments"), "write NAME=VALUE"),
        (("--approve", "A007"), "waiting: A001"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    waiting: tuple[Path, str], arguments: tuple[str, ...], words: str
) -> None:
    done = evidentia("steer", json.loads(waiting[1])["run"], *arguments, folder=waiting[0])
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert words in line


def test_gates_are_named_in_any_order_or_all_or_none() -> None:
    assert gates("packages, ideas") == ("ideas", "packages")
    assert gates("all") == ("ideas", "experiments", "packages")
    assert gates("none") == ()
    with pytest.raises(BadInputError, match="no such gate; there are ideas, experiments, packages"):
        gates("ideas,drafts")


def test_a_name_is_given_or_gits_or_the_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert name_of("  Ada \x07 Lovelace ") == "Ada Lovelace"
    with pytest.raises(BadInputError, match="--as"):
        name_of("x" * 101)
    (tmp_path / "config").write_text("[user]\n\tname = Grace Hopper\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    assert name_of() == "Grace Hopper"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "ada")
    assert name_of() == "ada"


class Terminal:
    """A command at a terminal of its own: what it shows, and keys pressed in it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.ours, theirs = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "evidentia", *arguments],
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "PYTHONSAFEPATH": "1", "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, words: str, seconds: float = 60) -> None:
        """Read until the words stand on the screen."""
        deadline = time.monotonic() + seconds
        while words not in self.shown:
            assert time.monotonic() < deadline, self.shown[-3000:]
            ready, _, _ = select.select([self.ours], [], [], 0.2)
            if ready:
                try:
                    self.shown += os.read(self.ours, 65536).decode(errors="replace")
                except OSError:
                    break
        assert words in self.shown, self.shown[-3000:]

    def type(self, text: str) -> None:
        """Type a line."""
        self.shown = ""
        os.write(self.ours, f"{text}\n".encode())


def test_at_a_terminal_the_run_asks_right_there_and_goes_on(
    waiting: tuple[Path, str], request: pytest.FixtureRequest
) -> None:
    folder, run = waiting[0], json.loads(waiting[1])["run"]
    terminal = Terminal(folder, "resume", run, "--as", "Ada Lovelace")
    request.addfinalizer(terminal.process.kill)
    terminal.until("leaves it waiting")
    terminal.type("no such item")
    terminal.until("nothing is answered yet")
    terminal.type("3, 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18")
    terminal.until("why?")
    terminal.type("two will do")
    terminal.until("A002, 1 package waits for your word")
    other = evidentia("steer", run, "--approve", "A002", "--as", "Grace Hopper", folder=folder)
    assert other.returncode == 0, other.stderr
    assert "The run has taken it." in other.stdout
    terminal.until("Done:")
    assert terminal.process.wait(timeout=60) == 0
    journal = journal_of(open_workspace(folder / "evidentia-workspace"), run)
    assert len(journal.branches) == 2
    ideas, package = journal.people.answers["A001"], journal.people.answers["A002"]
    assert (ideas.by, ideas.why, len(ideas.accepted), len(ideas.dropped)) == ("Ada Lovelace", "two will do", 2, 16)
    assert package.by == "Grace Hopper"
