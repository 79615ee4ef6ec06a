"""What is done with one branch: measure, analyse, falsify, review, conclude, compile. Every step first asks the journal
whether its work is already done."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from evidentia.agents import analysis, falsification
from evidentia.agents.brief import Brief
from evidentia.agents.compilation import compile_branch
from evidentia.agents.minds.llm.scripts import by_model
from evidentia.agents.minds.protocol import Design, Failure, Mind
from evidentia.errors import EvidentiaError
from evidentia.graph.branch import Branch
from evidentia.graph.budget import FALSIFICATION, Ledger
from evidentia.graph.journal import Journal
from evidentia.graph.laboratory import Laboratory
from evidentia.graph.spending import Meter
from evidentia.sandbox import SandboxClosedError
from evidentia.workspace import records
from evidentia.workspace.canonical import canonical
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import publish, record
from evidentia.workspace.ledger_events import BuiltOn, Source
from evidentia.workspace.package.store import package_versions
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Experiment, Row


class RunInterruptedError(EvidentiaError):
    """The run was asked to stop; it can be resumed."""

    exit_code = 130


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

    def _write(self, kind: str, payload: Mapping[str, Any], actor: str) -> None:
        """Write an event, and before it what the mind has spent since the last one."""
        with self._writing:
            if grown := self._meter.growth():
                self.journal.append("mind.spent", grown, self.mind.name)
            self.journal.append(kind, dict(payload), actor)

    def notice(self, kind: str, payload: Mapping[str, Any], actor: str) -> None:
        """Write down what an executor has to say, from whatever thread."""
        self._write(kind, payload, actor)

    def _check_stop(self) -> None:
        if self.stopping.is_set():
            raise RunInterruptedError("interrupted")

    def is_over(self, name: str) -> bool:
        """Whether nothing is left to do for a branch."""
        return self.journal.branches[name].package is not None

    def measure(self, name: str, look: int) -> bool:
        """Run the look's experiment unless the journal has it; False when it failed for good."""
        branch = self.journal.branches[name]
        plan = branch.hypothesis.sample_plan
        seeds = tuple(
            range(plan.first_seed + (plan.looks[look - 1] if look else 0), plan.first_seed + plan.looks[look])
        )
        tried = branch.tried("measure", look)
        design = None if tried else self.mind.design(branch.hypothesis, seeds)
        return self._execute(branch, design, "measure", look) is not None

    def _execute(self, branch: Branch, design: Design | None, role: str, look: int, **more: Any) -> Experiment | None:
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
                if attempt and not self._may_run(branch):
                    return None
                experiment = self._experiment(branch, design, role, look)
                if experiment.id in branch.experiments:
                    return None  # the mended script is one that has failed already
                planned = {"experiment": experiment.to_json(), "id": experiment.id, **more}
                self._write("experiment.planned", planned, f"experiment/{self.mind.name}")
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

    def _designed(self, experiment: Experiment) -> Design:
        """The design that a planned experiment came from."""
        return Design(
            script=self._script(experiment),
            seeds=experiment.seeds,
            cells=experiment.cells,
            limits=experiment.limits,
            exclusive=experiment.exclusive,
            protocol=experiment.protocol,
        )

    def _script(self, experiment: Experiment) -> str:
        return self.workspace.blobs.get(experiment.script).decode()

    def _may_run(self, branch: Branch) -> bool:
        """Whether the budgets of run and branch let one more experiment start."""
        most = self.brief.budget.branch_experiments
        own = most is None or len(branch.ended) < most
        return own and self.ledger.no_more_experiments() is None

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
        self._write("experiment.finished", payload, "laboratory")

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

    def _rows(self, branch: Branch, role: str) -> list[Row]:
        return [row for run in branch.runs(role) for row in self.laboratory.rows(run.evidence)]

    def analyse(self, name: str, look: int) -> bool:
        """Decide the claims over all rows so far; whether another look is worth taking."""
        branch = self.journal.branches[name]
        if look not in branch.looks:
            evidence = [r.evidence.id for r in branch.runs("measure") if r.evidence.ok]
            claims = analysis.decide(branch.hypothesis, self._rows(branch, "measure"), evidence)
            payload = {"hypothesis": name, "look": look, "claims": [c.to_json() for c in claims]}
            self._write("claims.decided", payload, "analysis")
        more = analysis.needs_more(branch.claims_at(look)) and look + 1 < len(branch.hypothesis.sample_plan.looks)
        return more and self.ledger.experiments_left > FALSIFICATION and self._may_run(branch)

    def falsify(self, name: str) -> None:
        """Attack what was decided, audit the rows, and take back what does not stand."""
        branch = self.journal.branches[name]
        if branch.attacks is not None or not branch.claims:
            return
        hypothesis, claims = branch.hypothesis, branch.claims
        measured = [r.experiment for r in branch.runs("measure") if r.evidence.ok]
        attacks = [falsification.audit_rows(measured, self._rows(branch, "measure"))]
        attacks += [falsification.audit_script(hypothesis, e, self._script(e)) for e in measured]
        tried = branch.tried("falsify", 0)
        changed = branch.changed.get(tried[0].id) if tried else None
        planned = self.mind.attack(hypothesis, claims) if changed is None else None
        if tried or (planned and self._may_run(branch)):
            design = planned[0] if planned else None
            changed = _values(planned[1]) if planned else changed or {}
            experiment = self._execute(branch, design, "falsify", 0, changed=changed)
            if experiment is not None:
                evidence = branch.evidence(experiment.id)
                rows = self.laboratory.rows(evidence)
                attacks += falsification.judge(hypothesis, claims, rows, evidence.id, changed)
        kept = falsification.take_back(claims, attacks)
        if any(by_model(self._script(e)) for e in measured):
            kept = falsification.unproven(kept, attacks)
        payload = {
            "hypothesis": name,
            "attacks": [a.to_json() for a in attacks],
            "claims": [c.to_json() for c in kept],
        }
        self._write("falsification.done", payload, f"falsification/{self.mind.name}")

    def review(self, name: str) -> None:
        """The agent's review of the claims and attacks."""
        branch = self.journal.branches[name]
        if branch.review is None:
            found = self.mind.review(branch.hypothesis, branch.claims, branch.attacks or ())
            self._write("review.done", {"hypothesis": name, "review": found.to_json()}, f"review/{self.mind.name}")

    def conclude(self, name: str) -> None:
        """Settle the branch's outcome, and its dead end where it did not hold."""
        branch = self.journal.branches[name]
        if branch.outcome is not None:
            return
        failure = self._failure(branch)
        outcome = analysis.outcome(branch.claims) if branch.claims else self._undecided(branch)
        dead_end = branch.dead_end or self.mind.conclude(branch.hypothesis, outcome, branch.claims, failure)
        headline = [c for c in branch.claims if c.headline]
        payload: dict[str, Any] = {
            "hypothesis": name,
            "outcome": outcome,
            "claims": [{"id": c.id, "status": c.status} for c in branch.claims],
            "result": "; ".join(quantity(c) for c in headline) or (failure.mode if failure else self._result(name)),
            "evidence": [r.evidence.id for r in branch.runs()],
            "dead_end": dead_end.to_json() if dead_end else None,
        }
        self._write("branch.concluded", payload, "orchestrator")

    def _undecided(self, branch: Branch) -> records.Outcome:
        """A branch without claims crashed, unless nothing was claimed and nothing failed."""
        return "crashed" if branch.hypothesis.claims or branch.failures else "null"

    def _result(self, name: str) -> str:
        """What the tree already says came out."""
        return str(self.journal.tree.node(self.journal.tree.node_of[name]).fields.get("result", ""))

    def _failure(self, branch: Branch) -> Failure | None:
        return next(reversed(branch.failures.values()), None)

    def compile(self, name: str) -> None:
        """Make the branch's package and publish it in the workspace's ledger."""
        branch = self.journal.branches[name]
        if branch.package is not None:
            return
        material = self._material(branch)
        lines = [canonical(e.to_json()) + b"\n" for e in self.journal.events_of(name)]
        package, version, _ = compile_branch(material, workspace=self.workspace, events=lines)
        publish(self.workspace, package, version, run=material.run, outcome=material.outcome)
        self._credit(branch, Source(package=package, version=version, run=material.run))
        payload: dict[str, Any] = {"hypothesis": name, "package": package, "version": version}
        self._write("package.compiled", {**payload, "outcome": material.outcome}, "compilation")

    def _credit(self, branch: Branch, source: Source) -> None:
        """A follow-up is built on what its parent found, whatever that was; saying so twice counts once."""
        parent = self.journal.branches.get(branch.hypothesis.parent or "")
        if parent is not None and parent.package is not None:
            version = package_versions(self.workspace.packages / parent.package)[-1]
            built = BuiltOn(package=parent.package, version=version, source=source, place="follow-up")
            record(self.workspace, built, "compilation")

    def _material(self, branch: Branch) -> records.Branch:
        journal = self.journal
        assert branch.outcome is not None
        node = journal.tree.node_of[branch.id]
        path = journal.tree.path(node)
        dead_ends = [journal.tree.node(c) for c in journal.tree.children(node) if c == f"{node}x"]
        return records.Branch(
            run=journal.log.run,
            question=self.brief.question,
            created=journal.log.events[branch.seqs[-1]].time,
            mind=self.mind.name,
            hypothesis=branch.hypothesis,
            outcome=branch.outcome,
            runs=tuple(branch.runs()),
            claims=branch.claims,
            attacks=branch.attacks or (),
            reviews=(branch.review,) if branch.review else (),
            citations=journal.citations,
            dead_end=branch.dead_end,
            path=(*path, *dead_ends),
            limits=self.mind.limits(branch.hypothesis, branch.claims),
        )


def _values(changed: dict[str, object]) -> dict[str, records.Value]:
    return {k: v for k, v in changed.items() if isinstance(v, int | float | str | bool)}
