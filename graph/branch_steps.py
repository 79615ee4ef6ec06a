"""What is done with one branch: measure, analyse, falsify, review, conclude, compile. Every step first asks the journal
whether its work is already done."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any

from evidentia.agents import analysis
from evidentia.agents.brief import Brief
from evidentia.agents.compilation import compile_branch
from evidentia.agents.minds.protocol import Design, Mind
from evidentia.agents.outlook import outlook
from evidentia.errors import RunInterruptedError
from evidentia.graph.branch import Branch
from evidentia.graph.budget import FALSIFICATION, Ledger
from evidentia.graph.concluding import conclusion
from evidentia.graph.falsifying import attacked
from evidentia.graph.figure_review import review_figure
from evidentia.graph.journal import Journal
from evidentia.graph.laboratory import Laboratory
from evidentia.graph.packaging import credit, material_of
from evidentia.graph.spending import Meter
from evidentia.graph.works import place
from evidentia.sandbox import SandboxClosedError
from evidentia.workspace.canonical import canonical
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import publish
from evidentia.workspace.ledger_events import Source
from evidentia.workspace.package.papers import papers_held
from evidentia.workspace.records import Experiment, Row


class BranchSteps:
    """The steps of branches over a run's journal, mind and laboratory. They may run in several threads."""

    def __init__(self, workspace: Workspace, journal: Journal, mind: Mind, laboratory: Laboratory) -> None:
        self.workspace, self.journal, self.mind, self.laboratory = workspace, journal, mind, laboratory
        self.repaired: str | None = None
        self.stopping = threading.Event()
        self._writing = threading.Lock()
        self._meter = Meter(mind)

    @property
    def brief(self) -> Brief:
        """The run's brief, as registered at its start."""
        assert self.journal.brief is not None
        return self.journal.brief

    @property
    def ledger(self) -> Ledger:
        """What has been spent so far."""
        journal = self.journal
        return Ledger(
            self.brief.budget, journal.experiments, journal.active_seconds, journal.cpu_seconds, journal.spent
        )

    def _write(self, kind: str, payload: Mapping[str, Any], actor: str, *, wait: bool = True) -> None:
        """Write an event, and before it what the mind has spent since the last one.

        What is soon followed by another event need not `wait` until it is durable. Threads that wait share an fsync.
        """
        with self._writing:
            if grown := self._meter.growth():
                self.journal.append("mind.spent", grown, self.mind.name, wait=False)
            self.journal.append(kind, dict(payload), actor, wait=False)
        if wait:
            self.journal.log.sync()

    def notice(self, kind: str, payload: Mapping[str, Any], actor: str) -> None:
        """Write down what an executor has to say, from whatever thread."""
        self._write(kind, payload, actor)

    def _check_stop(self) -> None:
        if self.stopping.is_set():
            raise RunInterruptedError("interrupted")

    def is_over(self, name: str) -> bool:
        """Whether nothing is left to do for a branch now: it has a package, or was put off."""
        return self.journal.branches[name].over or name in self.journal.waiting

    def measure(self, name: str, look: int) -> bool:
        """Run the look's experiment unless the journal has it; False when it failed for good."""
        branch = self.journal.branches[name]
        tried = branch.tried("measure", look)
        if self.journal.pruned(name) and not any(branch.done(e.id) for e in tried):
            return False
        design = None if tried else self.mind.design(branch.hypothesis, seeds_of(branch, look))
        return self.execute(branch, design, "measure", look) is not None

    def execute(self, branch: Branch, design: Design | None, role: str, look: int, **more: Any) -> Experiment | None:
        """Run a design, repaired as often as the brief allows; the experiment that ended well, or None.

        What the log has of it is not asked for again, so a mind need not answer alike twice: `design` is only read
        where nothing was planned yet. A repair that fails as the script before it did is the last: no new idea.
        """
        depth = self.brief.search.debug_depth
        attempt, before = 0, ""
        while True:
            tried = branch.tried(role, look)
            if attempt < len(tried):
                experiment = tried[attempt]
            else:
                assert design is not None
                self._check_stop()
                if attempt and not self.may_run(branch):
                    return None
                experiment = self._experiment(branch, design, role, look)
                if experiment.id in branch.experiments:
                    return None  # the mended script is one that has failed already
                self._plan(branch, experiment, before, **more)
            name = experiment.id
            if not branch.done(name):
                self._check_stop()
                self._run(branch, experiment, name)
            known = branch.failure(name)
            if known is None:
                return experiment
            if known.mode == before or attempt == depth:
                return None
            before, attempt = known.mode, attempt + 1
            if attempt >= len(branch.tried(role, look)):
                if self.ledger.no_more_thinking():
                    return None
                design = self.mind.debug(branch.hypothesis, design or self._designed(experiment), known)
                if design is None:
                    return None

    def _plan(self, branch: Branch, experiment: Experiment, before: str = "", **more: Any) -> None:
        node = place(self.journal.tree, branch.id, experiment.role, before)
        planned = {"experiment": experiment.to_json(), "id": experiment.id, **node, **more}
        self._write("experiment.planned", planned, f"experiment/{self.mind.name}")

    def planned(self, branch: Branch, look: int) -> Experiment:
        """A look's experiment, planned now unless it was: the very one that `measure` runs."""
        if tried := branch.tried("measure", look):
            return tried[0]
        experiment = self._experiment(
            branch, self.mind.design(branch.hypothesis, seeds_of(branch, look)), "measure", look
        )
        self._plan(branch, experiment)
        return experiment

    def _designed(self, experiment: Experiment) -> Design:
        """The design that a planned experiment came from."""
        return Design(
            script=self.script(experiment),
            seeds=experiment.seeds,
            cells=experiment.cells,
            limits=experiment.limits,
            exclusive=experiment.exclusive,
            protocol=experiment.protocol,
        )

    def script(self, experiment: Experiment) -> str:
        """The text of an experiment's script."""
        return self.workspace.blobs.get(experiment.script).decode()

    def may_run(self, branch: Branch) -> bool:
        """Whether the budgets of run and branch, and people, let one more experiment start."""
        most = self.brief.budget.branch_experiments
        own = most is None or len(branch.ended) < most
        return own and not self.journal.pruned(branch.id) and self.ledger.no_more_experiments() is None

    def _run(self, branch: Branch, experiment: Experiment, name: str) -> None:
        try:
            evidence, failure = self.laboratory.run(experiment, branch.raw["family"])
        except SandboxClosedError:
            raise RunInterruptedError("interrupted") from None
        payload = {
            "experiment": name,
            "evidence_id": evidence.id,
            "evidence": evidence.to_json(),
            "failure": asdict(failure) if failure else None,
        }
        self._write("experiment.finished", payload, "laboratory", wait=False)

    def _experiment(self, branch: Branch, design: Design, role: str, look: int) -> Experiment:
        return Experiment.model_validate(
            {
                "hypothesis": branch.id,
                "role": role,
                "look": look,
                "seeds": design.seeds,
                "cells": design.cells,
                "script": self.workspace.blobs.put(design.script.encode()),
                "limits": dict(design.limits),
                "exclusive": design.exclusive,
                "protocol": design.protocol,
            }
        )

    def rows(self, branch: Branch, role: str) -> list[Row]:
        """The rows of all of a branch's experiments of a role."""
        return [row for run in branch.runs(role) for row in self.laboratory.rows(run.evidence)]

    def analyse(self, name: str, look: int) -> bool:
        """Decide the claims over all rows so far; whether another look is worth taking."""
        branch = self.journal.branches[name]
        if look not in branch.looks:
            evidence = [r.evidence.id for r in branch.runs("measure") if r.evidence.ok]
            claims = analysis.decide(branch.hypothesis, self.rows(branch, "measure"), evidence)
            payload = {"hypothesis": name, "look": look, "claims": [c.to_json() for c in claims]}
            self._write("claims.decided", payload, "analysis", wait=False)
        more = analysis.needs_more(branch.claims_at(look)) and look + 1 < len(branch.hypothesis.sample_plan.looks)
        more = more and self.ledger.experiments_left > FALSIFICATION and self.may_run(branch)
        return more and not self._puts_off(branch, look)

    def _puts_off(self, branch: Branch, look: int) -> bool:
        """Put off a branch of which nothing is decided and whose next looks promise less than what else is open.

        What that is worth was reckoned when the round was selected, so that a branch running beside changes nothing.
        """
        claims, looks = branch.claims_at(look), branch.hypothesis.sample_plan.looks
        if look in branch.put_off or any(c.status != "inconclusive" for c in claims):
            return False
        promise = outlook(claims, looks, look)
        worth = promise.rate * branch.raw["priority"] if promise else math.inf
        if promise is None or worth >= branch.rate:
            return False
        forecast = {**asdict(promise), "worth": worth, "rate": branch.rate, "to_go": len(looks) - look}
        self._write("branch.put_off", {"hypothesis": branch.id, "look": look, **forecast}, "analysis")
        return True

    def falsify(self, name: str) -> None:
        """Attack what was decided, audit the rows, and take back what does not stand."""
        branch = self.journal.branches[name]
        if branch.attacks is not None or not branch.claims:
            return
        attacks, kept = attacked(self, branch)
        payload = {
            "hypothesis": name,
            "node": f"{self.journal.tree.node_of[name]}f",
            "attacks": [a.to_json() for a in attacks],
            "claims": [c.to_json() for c in kept],
        }
        self._write("falsification.done", payload, f"falsification/{self.mind.name}", wait=False)

    def review(self, name: str) -> None:
        """The agent's review of the claims and attacks."""
        branch = self.journal.branches[name]
        if branch.review is None:
            found = self.mind.review(branch.hypothesis, branch.claims, branch.attacks or ())
            told = {"hypothesis": name, "review": found.to_json()}
            self._write("review.done", told, f"review/{self.mind.name}", wait=False)

    def conclude(self, name: str) -> None:
        """Settle the branch's outcome, and its dead end where it did not hold."""
        branch = self.journal.branches[name]
        if branch.outcome is not None:
            return
        self._write("branch.concluded", conclusion(self.journal, self.mind, branch), "orchestrator")

    @cached_property
    def _papers(self) -> dict[str, str]:
        """The imported papers among the run's citations; looked for once, however many packages cite them."""
        return papers_held(self.workspace, {c.arxiv for c in self.journal.citations if c.arxiv})

    def compile(self, name: str) -> None:
        """Make the branch's package and publish it in the workspace's ledger."""
        branch = self.journal.branches[name]
        if branch.over:
            return
        review_figure(self, branch)
        material = material_of(self.journal, self.mind, branch)
        lines = [canonical(e.to_json()) + b"\n" for e in self.journal.events_of(name)]
        package, version, _ = compile_branch(material, workspace=self.workspace, events=lines)
        publish(self.workspace, package, version, run=material.run, outcome=material.outcome)
        source = Source(package=package, version=version, run=material.run)
        credit(self.workspace, self.journal, branch, source, self._papers)
        payload: dict[str, Any] = {"hypothesis": name, "package": package, "version": version}
        self._write("package.compiled", {**payload, "outcome": material.outcome}, "compilation", wait=False)


def seeds_of(branch: Branch, look: int) -> tuple[int, ...]:
    """The seeds of a look."""
    plan = branch.hypothesis.sample_plan
    return tuple(range(plan.first_seed + (plan.looks[look - 1] if look else 0), plan.first_seed + plan.looks[look]))
