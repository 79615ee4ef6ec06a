"""The log of a person's run, opened for one entry at a time, so that several terminals can write to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evidentia.agents.brief import MAX_QUESTION, Brief, Budget
from evidentia.errors import BadInputError
from evidentia.graph.journal import Journal
from evidentia.graph.replay import journal_of
from evidentia.graph.tree import ROOT
from evidentia.workspace.eventlog import EventLog
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import PERSON

ACTOR = "person"
PATIENCE = 60.0
"""Seconds to wait for another terminal that writes to the same run."""
UNLIMITED = Budget(max_experiments=100_000, max_minutes=10_000.0)
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")


@dataclass(frozen=True)
class Notebook:
    """A person's run while its log is held. `started` says that this entry is its first."""

    workspace: Workspace
    journal: Journal
    started: bool

    @property
    def run(self) -> str:
        """The run's name."""
        return self.journal.log.run

    @property
    def folder(self) -> Path:
        """Where captures that run now keep their beginnings."""
        return self.journal.log.path.parent / "captures"

    def next_node(self) -> str:
        """The name of the next node of the tree."""
        return f"N{sum(1 for n in self.journal.tree.graph if n != ROOT and not n.endswith('x')) + 1:03d}"

    def place(self, at: str = "") -> str:
        """The node that new ones hang below: the one named, else the last decision or pivot, else the question.

        Raises BadInputError for a node that there is not, or one that cannot have children.
        """
        tree = self.journal.tree
        if at:
            if at not in tree.graph:
                raise BadInputError(f"--at {at}: {self.run} has no such node; see `evidentia tree {self.run}`")
            if tree.node(at).type == "dead_end":
                raise BadInputError(f"--at {at}: a dead end has nothing below it; name the node before it")
            return at
        return self._last("decision", "pivot") or ROOT

    def last_experiment(self) -> str:
        """The experiment that was recorded last; empty if there is none."""
        return self._last("experiment")

    def _last(self, *types: str) -> str:
        tree = self.journal.tree
        return max((n for n in tree.graph if tree.node(n).type in types), key=lambda n: (len(n), n), default="")


def lab_name(workspace: Workspace, folder: Path, named: str) -> str:
    """The run to write to: the one named, or the folder's of today that is not finished.

    Raises BadInputError for a name that no run can have.
    """
    if named:
        if not _NAME.match(named):
            raise BadInputError(f"--run {named!r} is no name for a run; use letters, digits, dots and dashes")
        return named
    words = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:30] or "work"
    stem = f"lab-{datetime.now(UTC):%Y%m%d}-{words}"
    for number in range(1, 10_000):
        name = stem if number == 1 else f"{stem}-{number}"
        if name not in workspace.run_names() or journal_of(workspace, name).stopped is None:
            return name
    raise BadInputError(f"there are too many runs called {stem}; give this one a name with --run")


def existing_lab(workspace: Workspace, folder: Path, named: str) -> str:
    """The run to finish: the one named, or the folder's of today, or the only one of a person that is open.

    Raises BadInputError when there is none.
    """
    if named:
        return workspace.find_run(named)
    name = lab_name(workspace, folder, "")
    if name in workspace.run_names():
        return name
    journals = [journal_of(workspace, n) for n in workspace.run_names()]
    open_ones = [j.log.run for j in journals if j.mind == PERSON and j.stopped is None]
    if len(open_ones) != 1:
        told = (
            f"these are open: {', '.join(open_ones)}; name one with --run" if open_ones else "nothing is recorded yet"
        )
        raise BadInputError(f"there is no run of this folder to finish; {told}")
    return open_ones[0]


@contextmanager
def notebook(workspace: Workspace, name: str, *, question: str = "", patience: float = PATIENCE) -> Iterator[Notebook]:
    """A person's run with its log held, begun if it is new and taken up again if it was finished.

    Raises BadInputError when another process keeps the
    log for too long, or the run is not a person's.
    """
    log = EventLog(workspace.runs / name / "events.jsonl", name, patience=patience)
    try:
        journal = Journal(log)
        if log.events and journal.mind != PERSON:
            raise BadInputError(f"{name} is a run of the mind {journal.mind}, not a person's; choose another --run")
        started = not log.events
        if started:
            brief = Brief(question=_question(question, name), budget=UNLIMITED)
            journal.append("run.started", {"brief": brief.to_json(), "mind": PERSON, "workers": 1}, ACTOR)
        elif journal.stopped is not None:
            journal.append("run.resumed", {"repaired": log.repaired, "workers": 1}, ACTOR)
        yield Notebook(workspace, journal, started)
    finally:
        log.close()


def _question(given: str, name: str) -> str:
    text = " ".join(given.split())
    if not given:
        return f"What do the commands recorded in {name} show?"
    if not 8 <= len(text) <= MAX_QUESTION:
        raise BadInputError(f"--question must have between 8 and {MAX_QUESTION} characters, not {len(text)}")
    return text
