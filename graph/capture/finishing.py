"""Finishing a person's run: what was recorded is decided by the host's checks and compiled like any other branch."""

from __future__ import annotations

from dataclasses import dataclass

from evidentia.agents.minds.person import PersonMind
from evidentia.errors import BadInputError
from evidentia.graph.branch import Branch
from evidentia.graph.capture.entries import entry
from evidentia.graph.laboratory import Laboratory
from evidentia.graph.steps import Steps
from evidentia.sandbox import Job, Outcome
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import OWN_COMMAND


@dataclass(frozen=True)
class Finished:
    """What a run came to, in the shape of ``note finish --json``."""

    run: str
    question: str
    packages: tuple[str, ...]
    untested: tuple[str, ...]


class NothingRuns:
    """The executor of a person's run: finishing it decides over recorded rows and executes nothing."""

    level = OWN_COMMAND

    def run(self, job: Job, *, exclusive: bool = False) -> Outcome:
        """Always raises TypeError."""
        raise TypeError("a person's run executes nothing itself")

    def close(self) -> None:
        """There is nothing to kill."""


def finish(workspace: Workspace, run: str) -> Finished:
    """Decide and compile every branch of a person's run and close it; new captures open it again.

    Raises BadInputError while a capture of the run is still going on.
    """
    with entry(workspace, run) as book:
        journal = book.journal
        if journal.captures:
            going = next(iter(journal.captures.values()))
            raise BadInputError(
                f"{' '.join(going['command'])[:200]} of {run} is still running in another terminal; "
                "wait for it, or interrupt it there"
            )
        steps = Steps(workspace, journal, PersonMind(), Laboratory(NothingRuns(), workspace.blobs))
        untested = []
        for name, branch in list(journal.branches.items()):
            if branch.outcome is None and not branch.runs() and branch.dead_end is None:
                untested.append(journal.tree.node_of[name])
                continue
            if branch.outcome is None:
                _decide(steps, name, branch)
            steps.compile(name)
        steps.stop("finished by the person")
        assert journal.brief is not None
        packages = tuple(b.package for b in journal.branches.values() if b.package)
        return Finished(run, journal.brief.question, packages, tuple(untested))


def _decide(steps: Steps, name: str, branch: Branch) -> None:
    if branch.hypothesis.claims and any(run.evidence.ok for run in branch.runs("measure")):
        steps.analyse(name, 0)
        steps.falsify(name)
    if branch.claims:
        steps.review(name)
    steps.conclude(name)
