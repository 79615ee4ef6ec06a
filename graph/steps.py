"""What each node of the graph does. Every step first asks the journal whether its work is already done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evidentia.agents import analysis, falsification
from evidentia.agents.brief import Brief
from evidentia.agents.compilation import compile_branch
from evidentia.agents.ideation import ideate
from evidentia.agents.literature.search import search
from evidentia.agents.minds.protocol import Context, Design, Failure, Mind
from evidentia.errors import EvidentiaError
from evidentia.graph.budget import FALSIFICATION, Ledger
from evidentia.graph.journal import Branch, Journal
from evidentia.graph.laboratory import Laboratory
from evidentia.graph.search import POLICIES, select
from evidentia.graph.tree import ROOT
from evidentia.sandbox import SandboxClosedError
from evidentia.workspace import records
from evidentia.workspace.canonical import canonical
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import publish, record
from evidentia.workspace.ledger_events import BuiltOn, Source
from evidentia.workspace.package.store import package_versions
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Experiment, Hypothesis, Row


class RunInterruptedError(EvidentiaError):
    """The run was asked to stop; it can be resumed."""

    exit_code = 130


class Steps:
    """The steps of one run over its journal, mind and laboratory. Branch steps may run in several threads."""

    def __init__(self, workspace: Workspace, journal: Journal, mind: Mind, laboratory: Laboratory) -> None:
        self.workspace, self.journal, self.mind, self.laboratory = workspace, journal, mind, laboratory
        self.policy = "best-first"
        self.repaired: str | None = None
        self.stopping = threading.Event()
        self._writing = threading.Lock()

    @property
    def brief(self) -> Brief:
        """The run's brief, as registered at its start."""
        assert self.journal.brief is not None
        return self.journal.brief

    @property
    def ledger(self) -> Ledger:
        """What has been spent so far."""
        return Ledger(self.brief.budget, self.journal.experiments, self.journal.active_seconds)

    def _write(self, kind: str, payload: Mapping[str, Any], actor: str) -> None:
        with self._writing:
            self.journal.append(kind, dict(payload), actor)

    def _check_stop(self) -> None:
        if self.stopping.is_set():
            raise RunInterruptedError("interrupted")

    # The run as a whole

    def literature(self) -> None:
        """Look the question up in the bundled bibliography."""
        if not self.journal.literature_done:
            found = search(self.brief.question)
            self._write("literature.found", {"citations": [c.to_json() for c in found]}, "literature")

    def ideation(self, round_: int) -> None:
        """Ask the mind for hypotheses and register them, before any of their data."""
        self._check_stop()
        if self.journal.rounds > round_:
            return
        journal = self.journal
        context = Context(
            brief=self.brief,
            literature=journal.citations,
            registered=[b.hypothesis for b in journal.branches.values()],
            findings=journal.findings(),
        )
        found = ideate(self.mind, context)
        decision = f"D{round_:02d}"
        if any(h.parent is None for h in found) and decision not in journal.tree.graph:
            forms = sorted({h.form for h in found})
            choice = f"Round {round_}: test {len(found)} hypotheses ({', '.join(forms)})"
            alternatives = "leave the question to the literature" if round_ == 0 else "stop with what is known"
            payload = {"node": decision, "choice": choice, "alternatives": [alternatives]}
            self._write("decision.made", payload, f"ideation/{self.mind.name}")
        for hypothesis in found:
            self._register(hypothesis, decision)
        self._write("ideation.done", {"round": round_, "hypotheses": [h.id for h in found]}, "ideation")

    def _register(self, hypothesis: Hypothesis, decision: str) -> None:
        journal = self.journal
        if hypothesis.id in journal.branches:
            return
        number = len(journal.branches) + 1
        parent = journal.tree.node_of[hypothesis.parent] if hypothesis.parent else decision
        payload: dict[str, Any] = {
            "id": hypothesis.id,
            "node": f"N{number:03d}",
            "parent": parent if parent in journal.tree.graph else ROOT,
            "pivot": f"N{number:03d}p" if hypothesis.origin == "pivot" else None,
            "hypothesis": hypothesis.to_json(),
        }
        self._write("hypothesis.registered", payload, f"ideation/{self.mind.name}")

    def selection(self, round_: int) -> list[str]:
        """The hypotheses of this round; none when budget or question is exhausted."""
        self._check_stop()
        if round_ in self.journal.selected:
            return self.journal.selected[round_]
        tried = [f.hypothesis for f in self.journal.findings()]
        chosen = select(POLICIES[self.policy](self.journal.open(), tried), self.ledger)
        names = [h.id for h in chosen]
        if names:
            self._write("round.selected", {"round": round_, "hypotheses": names}, "selection")
        return names

    def finish(self) -> None:
        """Close the run with the reason it ended and the digest of its tree."""
        because = self.ledger.exhausted() or "the question is exhausted: no open hypothesis is left"
        self.stop(because)

    def stop(self, because: str) -> None:
        """Write the tree beside the log and its digest into it; nothing if the run is already stopped."""
        if self.journal.stopped is None:
            tree = self.journal.tree
            (self.journal.log.path.parent / "tree.json").write_bytes(tree.to_bytes())
            self._write("run.stopped", {"because": because, "tree": tree.digest}, "orchestrator")

    # One branch

    def measure(self, name: str, look: int) -> bool:
        """Run the look's experiment unless the journal has it; False when it failed for good."""
        branch = self.journal.branches[name]
        looks = branch.hypothesis.sample_plan.looks
        first = branch.hypothesis.sample_plan.first_seed
        seeds = tuple(range(first + (looks[look - 1] if look else 0), first + looks[look]))
        design = self.mind.design(branch.hypothesis, seeds)
        return self._execute(branch, design, "measure", look) is not None

    def _execute(self, branch: Branch, design: Design, role: str, look: int) -> Experiment | None:
        """Run a design, repaired once if the mind can; the experiment that ended well, or None."""
        hypothesis = branch.hypothesis
        for attempt in range(2):
            experiment = self._experiment(hypothesis, design, role, look)
            if not branch.done(experiment):
                self._check_stop()
                if experiment.id not in branch.planned:
                    planned = {"experiment": experiment.to_json(), "id": experiment.id}
                    self._write("experiment.planned", planned, f"experiment/{self.mind.name}")
                try:
                    evidence, failure = self.laboratory.run(experiment, hypothesis.family)
                except SandboxClosedError:
                    raise RunInterruptedError("interrupted") from None
                payload = {
                    "experiment": experiment.id,
                    "evidence_id": evidence.id,
                    "evidence": evidence.to_json(),
                    "failure": asdict(failure) if failure else None,
                }
                self._write("experiment.finished", payload, "laboratory")
            known = branch.failures.get(experiment.id)
            if known is None:
                return experiment
            mended = self.mind.debug(hypothesis, design, known) if attempt == 0 else None
            if mended is None:
                return None
            design = mended
        return None

    def _experiment(self, hypothesis: Hypothesis, design: Design, role: str, look: int) -> Experiment:
        return Experiment.model_validate(
            {
                "hypothesis": hypothesis.id,
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
        more = analysis.needs_more(branch.looks[look]) and look + 1 < len(branch.hypothesis.sample_plan.looks)
        return more and self.ledger.experiments_left > FALSIFICATION and not self.ledger.out_of_time

    def falsify(self, name: str) -> None:
        """Attack what was decided, audit the rows, and take back what does not stand."""
        branch = self.journal.branches[name]
        if branch.attacks is not None or not branch.claims:
            return
        hypothesis, claims = branch.hypothesis, branch.claims
        measured = [r.experiment for r in branch.runs("measure") if r.evidence.ok]
        attacks = [falsification.audit_rows(measured, self._rows(branch, "measure"))]
        planned = self.mind.attack(hypothesis, claims)
        if planned and (self.ledger.experiments_left or branch.runs("falsify")):
            design, changed = planned
            experiment = self._execute(branch, design, "falsify", 0)
            if experiment is not None:
                evidence = branch.finished[experiment.id]
                rows = self.laboratory.rows(evidence)
                attacks += falsification.judge(hypothesis, claims, rows, evidence.id, _values(changed))
        kept = falsification.take_back(claims, attacks)
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
        node = journal.tree.node_of[branch.hypothesis.id]
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


def scratch_folder(workspace: Workspace, run: str) -> Path:
    """Where the run's sandboxes have their scratch folders."""
    return workspace.runs / run / "scratch"


Listener = Callable[[records.Event], None]
