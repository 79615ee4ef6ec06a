"""The log is the truth: whatever the checkpoint says, a run goes on from its log; and only one process writes it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from evidentia.agents.brief import Brief
from evidentia.agents.minds.protocol import Design
from evidentia.errors import BadInputError
from evidentia.graph.journal import Journal
from evidentia.graph.replay import journal_of
from evidentia.graph.simulated.mind import SimulatedMind
from evidentia.workspace.home import open_workspace
from evidentia.workspace.records import Hypothesis
from tests.graph.simulated import Few, simulate

BRIEF = Brief.model_validate(
    {"question": "What was planted here?", "search": {"round": 2}, "budget": {"max_experiments": 40}}
)


def told(journal: Journal) -> dict[str, object]:
    """What every branch came to."""
    return {n: (b.outcome, [(c.value, c.status) for c in b.claims]) for n, b in journal.branches.items()}


def cut(log: Path, lines: int) -> None:
    """Leave the first lines of a log only, as if the rest had never reached the disk."""
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:lines]))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of a finished run."""
    root = tmp_path_factory.mktemp("whole") / "w"
    simulate(root, BRIEF)
    return root


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_checkpoint_ahead_of_the_log_is_not_believed(whole: Path, tmp_path: Path, share: float) -> None:
    root = tmp_path / "w"
    shutil.copytree(whole, root)
    log = root / "runs" / "simulated" / "events.jsonl"
    expected = told(journal_of(open_workspace(root), "simulated"))
    lines = len(log.read_bytes().splitlines())
    cut(log, max(2, round(share * lines)))
    _, journal = simulate(root, BRIEF)
    assert told(journal) == expected
    finished = Counter(e.payload["experiment"] for e in journal.log.events if e.kind == "experiment.finished")
    assert set(finished.values()) == {1}


@pytest.mark.parametrize("state", ["of an earlier round", "of another run", "missing"])
def test_a_checkpoint_behind_the_log_or_of_another_run_is_not_believed(whole: Path, tmp_path: Path, state: str) -> None:
    root, other = tmp_path / "w", tmp_path / "other"
    shutil.copytree(whole, root)
    folder = root / "runs" / "simulated"
    expected = told(journal_of(open_workspace(root), "simulated"))
    lines = len((folder / "events.jsonl").read_bytes().splitlines())
    cut(folder / "events.jsonl", lines - 3)
    for path in folder.glob("checkpoints.sqlite*"):
        path.unlink()
    if state != "missing":
        questions = Few(2) if state == "of another run" else Few()
        short = BRIEF.model_copy(update={"budget": BRIEF.budget.model_copy(update={"max_experiments": 4})})
        simulate(other, short, questions)
        for path in (other / "runs" / "simulated").glob("checkpoints.sqlite*"):
            shutil.copy(path, folder / path.name)
    before = (folder / "events.jsonl").read_bytes()
    _, journal = simulate(root, BRIEF)
    assert told(journal) == expected
    assert (folder / "events.jsonl").read_bytes().startswith(before)
    kinds = Counter(e.kind for e in journal.log.events)
    assert kinds["experiment.finished"] == journal.experiments == len(journal.by_experiment)


class Forgetful(SimulatedMind):
    """Designs another script each time it is asked, as a language model may."""

    asked = 0

    def design(self, hypothesis: Hypothesis, seeds: tuple[int, ...]) -> Design:
        self.asked += 1
        found = super().design(hypothesis, seeds)
        return Design(f"# version {self.asked}\n{found.script}", found.seeds, found.cells, found.limits)


def test_what_the_log_has_is_not_asked_of_the_mind_again(tmp_path: Path) -> None:
    root, questions = tmp_path / "w", Few()
    _, journal = simulate(root, BRIEF, questions, Forgetful(questions))
    expected, log = told(journal), journal.log.path
    ends = [e.seq for e in journal.log.events if e.kind == "experiment.finished"]
    cut(log, ends[len(ends) // 2] + 1)
    mind = Forgetful(questions)
    mind.asked = 1000
    _, again = simulate(root, BRIEF, questions, mind)
    assert told(again) == expected
    assert len(again.by_experiment) == again.experiments == len(ends)


def test_a_second_process_is_refused_with_one_sentence(whole: Path) -> None:
    workspace = open_workspace(whole)
    log = workspace.open_log("simulated")
    try:
        second = subprocess.run(
            [sys.executable, "-m", "evidentia", "resume", "simulated", "--workspace", str(whole)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        log.close()
    assert second.returncode == 2
    (line,) = [text for text in second.stderr.strip().splitlines() if text]
    assert "is being written by another process" in line
    with pytest.raises(BadInputError, match="no run"):
        workspace.open_log("none")
