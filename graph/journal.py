"""The journal of a run: the event log with what every step needs to know looked up in constant time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from evidentia.agents.brief import Brief
from evidentia.agents.literature.online import papers_of
from evidentia.agents.literature.paper import Paper
from evidentia.agents.minds.protocol import Finding, Lesson, Spending
from evidentia.graph.branch import Branch, Findings, Registered
from evidentia.graph.frontier import Frontier, candidate_of
from evidentia.graph.stages import Feasibility
from evidentia.graph.tree import Tree
from evidentia.graph.world import World
from evidentia.workspace.records import Citation, Event, Hypothesis


class Log(Protocol):
    """What a journal needs of a log: an `EventLog`, or a recorded one that refuses to be written."""

    path: Path
    run: str
    events: list[Event]

    def append(self, kind: str, payload: dict[str, Any], actor: str) -> Event:
        """Write one event durably."""


class Journal:
    """One run's log and its projections, kept up to date event by event."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.tree, self.frontier, self.world = Tree(), Frontier(), World()
        self.branches: dict[str, Branch] = {}
        self.by_experiment: dict[str, str] = {}
        self.captures: dict[str, dict[str, Any]] = {}
        self.lessons: tuple[Lesson, ...] | None = None
        self.infeasible: set[str] = set()
        self.aggregates: dict[str, dict[str, Any]] = {}
        self.avoided: dict[str, dict[str, Any]] = {}
        self.citations: tuple[Citation, ...] = ()
        self.papers: tuple[Paper, ...] = ()
        self.brief: Brief | None = None
        self.mind = ""
        self.created = ""
        self.literature_done = False
        self.experiments = 0
        self.cpu_seconds = 0.0
        self.spent = Spending()
        self.rounds = 0
        self.selected: dict[int, list[str]] = {}
        self.stage = ""
        self.stages = 0
        self.feasibility = Feasibility()
        self.replicas: dict[str, list[str]] = {}
        self.stage_of: dict[str, str] = {}
        self.stage_experiments: dict[str, int] = {}
        self.stopped: str | None = None
        self._order: list[Branch] = []
        self._concluded: list[Branch] = []
        self._seen = self._registered = 0
        self._active = 0.0
        self._session: datetime | None = None
        self._last: datetime | None = None
        for event in log.events:
            self._apply(event)

    def append(self, kind: str, payload: dict[str, Any], actor: str) -> Event:
        """Write an event durably and take it into all projections."""
        event = self.log.append(kind, payload, actor)
        self._apply(event)
        return event

    @property
    def active_seconds(self) -> float:
        """Time the run has spent working, pauses between sessions left out."""
        now = (self._last - self._session).total_seconds() if self._session and self._last else 0.0
        return self._active + now

    def findings(self) -> Sequence[Finding]:
        """All concluded branches: those of earlier rounds first, within a round in the order of registration."""
        return Findings(self._settled(self._seen))

    def fresh(self) -> Sequence[Finding]:
        """The branches concluded since ideation was last done; replicas, which lead to nothing new, left out."""
        return Findings([b for b in self._settled(self._seen)[self._seen :] if not b.replicates])

    def _settled(self, start: int) -> list[Branch]:
        """The concluded branches, those from `start` on in the order of registration: parallel ones end in any."""
        self._concluded[start:] = sorted(self._concluded[start:], key=lambda b: b.seqs[0])
        return self._concluded

    def registered(self) -> Sequence[Hypothesis]:
        """The hypotheses registered before this round's ideation: one that was cut short begins anew."""
        return Registered(self._order[: self._registered])

    def known(self) -> Collection[str]:
        """The ids registered before this round's ideation."""
        if self._registered == len(self._order):
            return self.branches.keys()
        return {b.id for b in self._order[: self._registered]}

    @property
    def concluded(self) -> Sequence[Branch]:
        """The branches that have ended."""
        return self._concluded

    @property
    def round(self) -> int:
        """The first round that is not over: not selected yet, or with a branch that has no package."""
        for number in sorted(self.selected):
            if any(self.branches[name].package is None for name in self.selected[number]):
                return number
        return len(self.selected)

    def open(self) -> list[Hypothesis]:
        """Registered hypotheses no round has selected, in the order of registration."""
        return [self.branches[name].hypothesis for name in self.frontier.open]

    def events_of(self, hypothesis: str) -> list[Event]:
        """The branch's slice of the log: the start, the registration, and all that concerns it."""
        return [self.log.events[seq] for seq in (0, *self.branches[hypothesis].seqs)]

    def _apply(self, event: Event) -> None:
        self.tree.apply(event)
        self.world.apply(event)
        at = datetime.fromisoformat(event.time)
        if event.kind in ("run.started", "run.resumed"):
            self._active = self.active_seconds
            self._session = at
            self.stopped = None
        self._last = at
        handler = _HANDLERS.get(event.kind)
        if handler:
            handler(self, event.payload, event)

    def _branch(self, payload: dict[str, Any], event: Event) -> Branch:
        branch = self.branches[payload["hypothesis"]]
        branch.seqs.append(event.seq)
        return branch

    def _on_run_started(self, payload: dict[str, Any], event: Event) -> None:
        self.brief = Brief.model_validate(payload["brief"])
        self.mind, self.created = payload["mind"], event.time

    def _on_literature_found(self, payload: dict[str, Any], event: Event) -> None:
        self.citations = tuple(Citation.model_validate(c) for c in payload["citations"])
        self.papers = papers_of(payload)
        self.literature_done = True

    def _on_lessons_offered(self, payload: dict[str, Any], event: Event) -> None:
        self.lessons = tuple(Lesson(**lesson) for lesson in payload["lessons"])

    def _on_ideation_done(self, payload: dict[str, Any], event: Event) -> None:
        self.rounds = payload["round"] + 1
        self._settled(self._seen)
        self._seen, self._registered = len(self._concluded), len(self._order)

    def _on_round_selected(self, payload: dict[str, Any], event: Event) -> None:
        self.selected[payload["round"]] = payload["hypotheses"]
        for name in payload["hypotheses"]:
            self.frontier.take(name)
            self.stage_of[name] = payload.get("stage", "")

    def _on_stage_entered(self, payload: dict[str, Any], event: Event) -> None:
        self.stage = payload["stage"]
        self.stages += 1
        for family in payload["infeasible"]:
            self.frontier.give_up(family)
            self.infeasible.add(family)

    def _on_hypothesis_registered(self, payload: dict[str, Any], event: Event) -> None:
        branch = self.branches[payload["id"]] = Branch(payload["id"], payload, event.seq)
        self._order.append(branch)
        self.frontier.add(candidate_of(payload["id"], payload))
        self.feasibility.registered(branch.raw["family"])
        if branch.replicates:
            self.replicas.setdefault(branch.replicates, []).append(branch.id)

    def _on_experiment_planned(self, payload: dict[str, Any], event: Event) -> None:
        raw = payload["experiment"]
        branch = self.branches[raw["hypothesis"]]
        branch.seqs.append(event.seq)
        branch.experiments[payload["id"]] = raw
        if "changed" in payload:
            branch.changed[payload["id"]] = payload["changed"]
        self.by_experiment[payload["id"]] = raw["hypothesis"]

    def _on_experiment_finished(self, payload: dict[str, Any], event: Event) -> None:
        name = self.by_experiment[payload["experiment"]]
        branch = self.branches[name]
        branch.seqs.append(event.seq)
        branch.ended[payload["experiment"]] = payload
        self.experiments += 1
        self.cpu_seconds += payload["evidence"]["cpu_seconds"]
        stage = self.stage_of.get(name, "")
        self.stage_experiments[stage] = self.stage_experiments.get(stage, 0) + 1
        self.frontier.experiment(name)

    def _on_capture_started(self, payload: dict[str, Any], event: Event) -> None:
        for name in payload["hypotheses"]:
            self.branches[name].seqs.append(event.seq)
        self.captures[payload["id"]] = payload

    def _on_capture_ended(self, payload: dict[str, Any], event: Event) -> None:
        for name in self.captures.pop(payload["id"])["hypotheses"]:
            self.branches[name].seqs.append(event.seq)

    def _on_dead_end_noted(self, payload: dict[str, Any], event: Event) -> None:
        self._branch(payload, event).end(payload["dead_end"])

    def _on_claims_decided(self, payload: dict[str, Any], event: Event) -> None:
        self._branch(payload, event).decide(payload["look"], payload["claims"])

    def _on_falsification_done(self, payload: dict[str, Any], event: Event) -> None:
        self._branch(payload, event).attack(payload["attacks"], payload["claims"])

    def _on_review_done(self, payload: dict[str, Any], event: Event) -> None:
        self._branch(payload, event).judge(payload["review"])

    def _on_branch_concluded(self, payload: dict[str, Any], event: Event) -> None:
        branch = self._branch(payload, event)
        branch.outcome = payload["outcome"]
        branch.end(payload["dead_end"])
        self._concluded.append(branch)
        self.feasibility.ended(branch.raw["family"], payload["outcome"])
        statuses = [c["status"] for c in payload["claims"]]
        decided = len(statuses) - statuses.count("inconclusive")
        self.frontier.end(
            branch.id, payload["outcome"], decided, statuses.count("supported"), len(statuses), branch.effect
        )
        branch.forget()

    def _on_package_compiled(self, payload: dict[str, Any], event: Event) -> None:
        branch = self.branches[payload["hypothesis"]]
        branch.package = payload["package"]
        branch.forget()

    def _on_replicas_aggregated(self, payload: dict[str, Any], event: Event) -> None:
        self.aggregates[payload["hypothesis"]] = payload

    def _on_repetition_avoided(self, payload: dict[str, Any], event: Event) -> None:
        self.avoided[payload["avoided"]] = payload

    def _on_mind_spent(self, payload: dict[str, Any], event: Event) -> None:
        s = self.spent
        self.spent = Spending(
            s.calls + payload["calls"],
            s.input_tokens + payload["input_tokens"],
            s.output_tokens + payload["output_tokens"],
            s.usd + payload["usd"],
        )

    def _on_run_stopped(self, payload: dict[str, Any], event: Event) -> None:
        self.stopped = payload["because"]


_HANDLERS = {
    name.removeprefix("_on_").replace("_", ".", 1): handler
    for name, handler in vars(Journal).items()
    if name.startswith("_on_")
}
_HANDLERS["dead_end.noted"] = _HANDLERS.pop("dead.end_noted")
