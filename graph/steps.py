"""What is done for a run as a whole: literature, lessons, ideation, stages, selection, replication, the end. Every step
first asks the journal whether its work is already done."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evidentia.agents.ideation import ideate, repetitions
from evidentia.agents.literature.novelty import judge
from evidentia.agents.literature.online import look_up
from evidentia.agents.minds.protocol import Context, Lesson, Mind
from evidentia.errors import RunInterruptedError
from evidentia.graph.approvals import Desk
from evidentia.graph.asking import experiment, ideas, package
from evidentia.graph.branch_steps import BranchSteps
from evidentia.graph.frontier import work_of
from evidentia.graph.guidance import PRUNED
from evidentia.graph.journal import Journal
from evidentia.graph.laboratory import Laboratory
from evidentia.graph.lessons import earlier_lessons
from evidentia.graph.policies import open_policy
from evidentia.graph.replication import aggregation, replica, to_replicate
from evidentia.graph.selection import choose
from evidentia.graph.stages import REPLICATION, Standing, stand
from evidentia.graph.suggested import read_suggestions
from evidentia.graph.tree import ROOT
from evidentia.workspace import records
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import record
from evidentia.workspace.ledger_events import Avoided, Source
from evidentia.workspace.records import Hypothesis

__all__ = ["Listener", "RunInterruptedError", "Steps", "scratch_folder"]


class Steps(BranchSteps):
    """The steps of one run: those of its branches, and those between them.

    A step that names a request waits for a person; called again once they have answered, it goes on.
    """

    def __init__(self, workspace: Workspace, journal: Journal, mind: Mind, laboratory: Laboratory) -> None:
        super().__init__(workspace, journal, mind, laboratory)
        self.desk = Desk(journal, self._write)

    def _check_stop(self) -> None:
        super()._check_stop()
        self.desk.take()

    def literature(self) -> None:
        """Look the question up in the literature, and what earlier runs of this workspace have learned."""
        journal = self.journal
        if not journal.literature_done:
            cache = self.workspace.cache / "literature"
            found = look_up(self.brief.question, online=self.brief.online, folder=cache)
            self._write("literature.found", found.to_json(), "literature")
        if journal.lessons is None and not journal.rounds:
            lessons = [asdict(lesson) for lesson in earlier_lessons(self.workspace, journal.log.run)]
            self._write("lessons.offered", {"lessons": lessons}, "literature")

    def ideation(self, round_: int) -> str | None:
        """Ask the mind for hypotheses and register those that a person lets pass, before any of their data."""
        self._check_stop()
        read_suggestions(self)
        journal = self.journal
        if journal.rounds > round_:
            return None
        lessons, about = self._lessons(round_), f"round {round_}"
        asked = journal.people.request("ideas", about)
        proposed = (
            self._proposed(round_, lessons)
            if asked is None
            else [Hypothesis.model_validate(item["hypothesis"]) for item in asked.items]
        )
        if proposed and (open_ := self.desk.ask("ideas", about, lambda: ideas(journal, proposed), round=round_)):
            return open_
        found = [h for h in proposed if self.desk.passed("ideas", about, h.id)]
        self._decide(round_, found, [h for h in proposed if h not in found])
        for hypothesis in found:
            self.register(hypothesis, f"D{round_:02d}")
        told = {"round": round_, "hypotheses": [h.id for h in found], "lessons": len(lessons)}
        self._write("ideation.done", told, "ideation")
        return None

    def _proposed(self, round_: int, lessons: Sequence[Lesson]) -> list[Hypothesis]:
        """What the mind proposes, without what people have closed."""
        journal = self.journal
        found: list[Hypothesis] = []
        if self.ledger.no_more_thinking() is None and (not round_ or journal.learned):
            context = Context(
                brief=self.brief,
                literature=journal.citations,
                registered=journal.registered(),
                findings=journal.findings(),
                lessons=lessons,
                experiments_left=self.ledger.experiments_left,
                fresh=journal.fresh(),
                known=journal.known(),
                world=journal.world,
            )
            found = self._avoiding(ideate(self.mind, context), lessons)
        closed = journal.people.dropped
        return [h for h in found if h.id not in closed and journal.pruned(h.parent) is None]

    def _decide(self, round_: int, found: Sequence[Hypothesis], dropped: Sequence[Hypothesis]) -> None:
        """Note what the round tests, and what it leaves: among that what a person dropped."""
        decision = f"D{round_:02d}"
        if not any(h.parent is None for h in (*found, *dropped)) or decision in self.journal.tree.graph:
            return
        forms = sorted({h.form for h in found})
        choice = f"Round {round_}: test {len(found)} hypotheses ({', '.join(forms)})"
        if not found:
            choice = f"Round {round_}: test none of the {len(dropped)} hypotheses proposed"
        alternatives = ["leave the question to the literature" if round_ == 0 else "stop with what is known"]
        payload: dict[str, Any] = {"node": decision, "choice": choice, "alternatives": alternatives}
        if dropped:
            payload["alternatives"] = alternatives + [f"test “{h.title}” (a person dropped it)" for h in dropped]
            payload["provenance"] = "user"
        self._write("decision.made", payload, f"ideation/{self.mind.name}", wait=False)

    def _lessons(self, round_: int) -> Sequence[Lesson]:
        """The lessons of earlier runs, none in a round that is kept free of them: which are is drawn from the seed."""
        offered = self.journal.lessons or ()
        drawn = random.Random(f"{self.brief.seeds.first}/free of lessons/{round_}").random()
        return () if drawn < self.brief.search.free_of_lessons else offered

    def _avoiding(self, found: list[Hypothesis], lessons: Sequence[Lesson]) -> list[Hypothesis]:
        """The hypotheses without those that repeat a dead end; each of these is recorded, here and in the ledger."""
        repeated = repetitions(found, lessons)
        for name, lesson in repeated.items():
            if name not in self.journal.avoided:
                used = Avoided(
                    package=lesson.package,
                    version=lesson.version,
                    source=Source(run=self.journal.log.run),
                    avoided=name,
                )
                record(self.workspace, used, "ideation")
                told = {"avoided": name, "package": lesson.package, "version": lesson.version}
                statement = {"statement": lesson.statement, "lesson": lesson.lesson}
                self._write("repetition.avoided", {**told, **statement}, "ideation")
        return [h for h in found if h.id not in repeated]

    def register(self, hypothesis: Hypothesis, decision: str, **more: Any) -> None:
        """Register a hypothesis below what it follows from, else below a decision, else below the question."""
        journal, name = self.journal, hypothesis.id
        if name in journal.branches:
            return
        number = len(journal.branches) + 1
        parent = journal.tree.node_of[hypothesis.parent] if hypothesis.parent else decision
        payload: dict[str, Any] = {
            "id": name,
            "node": f"N{number:03d}",
            "parent": parent if parent in journal.tree.graph else ROOT,
            "pivot": f"N{number:03d}p" if hypothesis.origin == "pivot" else None,
            "hypothesis": hypothesis.to_json(),
            "novelty": judge(hypothesis.statement, journal.papers).to_json(),
            "work": work_of(hypothesis.form, hypothesis.parent or ""),
            **more,
        }
        self._write("hypothesis.registered", payload, f"ideation/{self.mind.name}", wait=False)

    def selection(self, round_: int) -> list[str]:
        """The hypotheses of this round; none when budget or question is exhausted."""
        self._check_stop()
        journal = self.journal
        if round_ in journal.selected:
            return journal.selected[round_]
        read_suggestions(self)
        self._aggregate()
        standing = self._stand()
        if standing is None or self.ledger.exhausted():
            return []
        self._enter(standing)
        policy = open_policy(self.brief.search.policy)
        taken = choose(
            journal.frontier,
            standing,
            policy,
            self.ledger,
            size=self.brief.search.round,
            seed=f"{self.brief.seeds.first}/{policy.name}/{round_}",
            ended=len(journal.concluded),
            first=journal.people.first,
        )
        names = list(taken.names)
        if names:
            payload = {"round": round_, "hypotheses": names, "stage": taken.stage, "policy": policy.name}
            told = {"reasons": taken.reasons, "forecast": taken.forecast, "rate": taken.rate}
            self._write("round.selected", {**payload, **told}, "selection")
        return names

    def select(self, round_: int) -> str | None:
        """Choose the hypotheses of this round and show a person what is about to be measured, scripts and all."""
        journal, about = self.journal, f"round {round_}"
        names = self.selection(round_)
        if not names or "experiments" not in self.brief.approve:
            return None
        rounds = (e.payload for e in reversed(journal.log.events) if e.kind == "round.selected")
        told = next(payload for payload in rounds if payload["round"] == round_)
        reasons, more = told.get("reasons", {}), {"stage": told.get("stage", ""), "forecast": told.get("forecast", {})}

        def shown() -> list[dict[str, Any]]:
            branches = [journal.branches[n] for n in names]
            return [experiment(journal, b, self.planned(b, len(b.looks)), reasons.get(b.id, "")) for b in branches]

        return self.desk.ask("experiments", about, shown, round=round_, **more)

    def release(self, name: str) -> str | None:
        """Show a person a concluded branch before its package is made."""
        branch = self.journal.branches[name]
        if branch.over or branch.outcome is None:
            return None
        return self.desk.ask("packages", name, lambda: [package(self.journal, branch)])

    def _stand(self) -> Standing | None:
        """The stage to work in; replicas are registered when all that comes before them has been taken."""
        journal, plan = self.journal, self.brief.stages

        def now() -> Standing | None:
            spent, budget = journal.stage_experiments, self.brief.budget.max_experiments
            return stand(plan, journal.frontier, journal.feasibility, spent, budget)

        standing = now()
        if standing is None and REPLICATION in plan.order and not journal.replicas and not self.ledger.exhausted():
            kept = [b for b in journal.concluded if journal.pruned(b.id) is None]
            for branch in to_replicate(kept, plan):
                for number in range(1, plan.replicas + 1):
                    more = {"work": "replicate", "replicates": branch.id}
                    self.register(replica(branch.hypothesis, number), ROOT, **more)
            standing = now()
        return standing

    def _enter(self, standing: Standing) -> None:
        journal = self.journal
        if journal.stage == standing.stage and set(standing.infeasible) <= journal.infeasible:
            return
        payload = {
            "node": f"S{journal.stages:02d}",
            "stage": standing.stage,
            "because": standing.because,
            "alternatives": [f"stop after {journal.stage}" if journal.stage else "stop at once"],
            "infeasible": list(standing.infeasible),
        }
        self._write("stage.entered", payload, "stages", wait=False)

    def _aggregate(self) -> None:
        """Statistics and one figure over a finding and its replicas, once all of them have ended with claims."""
        journal = self.journal
        for name, replicas in journal.replicas.items():
            replicas = [r for r in replicas if journal.tree.status(journal.tree.node_of[r]) != PRUNED]
            unfinished = any(journal.branches[r].outcome is None for r in replicas)
            if name in journal.aggregates or unfinished or not replicas:
                continue
            branches = [b for b in (journal.branches[n] for n in (name, *replicas)) if b.claims]
            payload = aggregation(branches, replicas, f"{journal.tree.node_of[name]}a", self.workspace.blobs)
            self._write("replicas.aggregated", payload, "analysis")

    def finish(self) -> str | None:
        """Conclude what was put off and never gone on with; close the run with the reason it ended and its tree."""
        for name in list(self.journal.waiting):
            self.falsify(name)
            self.review(name)
            self.conclude(name)
        for branch in [b for b in self.journal.concluded if not b.over]:
            if open_ := self.release(branch.id):
                return open_
            self.compile(branch.id)
        gone = self.journal.infeasible
        why = "the question is exhausted: no open hypothesis is left"
        if gone and not any(t.measured for t in self.journal.feasibility.families.values()):
            why = f"nothing of {' and '.join(sorted(gone))} could be measured here"
        self.stop(self.ledger.exhausted() or why)
        return None

    def stop(self, because: str) -> None:
        """Write the tree beside the log and its digest into it; nothing if the run is already stopped."""
        if self.journal.stopped is None:
            tree = self.journal.tree
            (self.journal.log.path.parent / "tree.json").write_bytes(tree.to_bytes())
            self._write("run.stopped", {"because": because, "tree": tree.digest}, "orchestrator")


def scratch_folder(workspace: Workspace, run: str) -> Path:
    """Where the run's sandboxes have their scratch folders."""
    return workspace.runs / run / "scratch"


Listener = Callable[[records.Event], None]
