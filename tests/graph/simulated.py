"""Runs over the simulated laboratory: the real steps, log and graph, nothing measured, no packages made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evidentia.agents.brief import Brief
from evidentia.graph.journal import Journal
from evidentia.graph.running import Report, work
from evidentia.graph.simulated.laboratory import SimulatedLaboratory
from evidentia.graph.simulated.mind import SimulatedMind
from evidentia.graph.simulated.planted import Item, Questions
from evidentia.graph.steps import Steps
from evidentia.workspace.eventlog import EventLog
from evidentia.workspace.home import open_workspace


class Few:
    """Planted items: clear gaps, every third of them against the statement; `crashing` ones fail."""

    def __init__(self, count: int = 4, crashing: tuple[int, ...] = ()) -> None:
        self.count, self.crashing = count, crashing

    def item(self, number: int) -> Item:
        """The item of this number."""
        gap = -3.0 if number % 3 == 2 else 4.0
        return Item(number, "comparison", gap, noise=0.5, crashes=number in self.crashing)

    def roots(self) -> range:
        """All of them."""
        return range(self.count)

    def follow_ups(self, number: int) -> Iterator[int]:
        """None."""
        return iter(())


class WithoutPackages(Steps):
    """The steps of a run that makes no packages: that they were compiled is only noted."""

    def compile(self, name: str) -> None:
        """Note that the branch is over."""
        if self.journal.branches[name].package is None:
            outcome = self.journal.branches[name].outcome
            told = {"hypothesis": name, "package": f"none-{name}", "version": 1, "outcome": outcome}
            self._write("package.compiled", told, "test")


def opened(
    root: Path, mind: SimulatedMind, questions: Questions, seed: int | str = 0
) -> tuple[EventLog, WithoutPackages]:
    """The steps of the one run below `root`, new or begun."""
    workspace = open_workspace(root, create=True)
    log = workspace.create_log("simulated")
    return log, WithoutPackages(workspace, Journal(log), mind, SimulatedLaboratory(questions, workspace.blobs, seed))  # type: ignore[arg-type]


def simulate(
    root: Path,
    brief: Brief,
    questions: Questions | None = None,
    mind: SimulatedMind | None = None,
    seed: int | str = 0,
) -> tuple[Report, Journal]:
    """Run, or go on with, the one run below `root`."""
    questions = questions or Few()
    log, steps = opened(root, mind or SimulatedMind(questions), questions, seed)
    try:
        if steps.journal.brief is None:
            started = {"brief": brief.to_json(), "mind": "simulated", "workers": 1}
            steps.journal.append("run.started", started, "test")
        elif steps.journal.stopped is None:
            steps.journal.append("run.resumed", {"repaired": log.repaired, "workers": 1}, "test")
        else:
            return _report(steps), steps.journal
        return work(steps, 1), steps.journal
    finally:
        log.close()


def _report(steps: Steps) -> Report:
    from evidentia.graph.running import report

    return report(steps.journal)
