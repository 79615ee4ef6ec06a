"""What a run's log says, kept up to date event by event: one handler for each kind of event that changes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from evidentia.agents.brief import Brief
from evidentia.agents.literature.online import papers_of
from evidentia.agents.literature.paper import Paper
from evidentia.agents.minds.protocol import Lesson, Spending
from evidentia.agents.outlook import Outlook
from evidentia.graph.branch import Branch
from evidentia.graph.frontier import Frontier, candidate_of
from evidentia.graph.people import ROLES, People
from evidentia.graph.stages import Feasibility
from evidentia.graph.told import Recall
from evidentia.graph.tree import Tree
from evidentia.graph.world import World
from evidentia.workspace.records import Citation, Event


class Log(Protocol):
    """What a journal needs of a log: an `EventLog`, or a recorded one that refuses to be written."""

    path: Path
    run: str

    @property
    def events(self) -> Sequence[Event]:
        """All events so far."""

    def append(self, kind: str, payload: dict[str, Any], actor: str, *, wait: bool = True) -> Event:
        """Write one event, and `wait` until it is durable."""

    def sync(self) -> None:
        """Wait until every event written so far is durable."""


class Projections:
    """What a run's log says, looked up in constant time: `_apply` takes one event in."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.tree, self.frontier, self.world = Tree(), Frontier(), World()
        self.people = People()
        self.branches: dict[str, Branch] = {}
        self._recall = Recall(lambda seq: log.events[seq])
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
        self.round_of: dict[str, int] = {}
        self.waiting: dict[str, None] = {}
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

    @property
    def active_seconds(self) -> float:
        """Time the run has spent working, pauses between sessions left out."""
        now = (self._last - self._session).total_seconds() if self._session and self._last else 0.0
        return self._active + now

    def _settled(self, start: int) -> list[Branch]:
        """The concluded branches, those from `start` on in the order of registration: parallel ones end in any."""
        self._concluded[start:] = sorted(self._concluded[start:], key=lambda b: b.seqs[0])
        return self._concluded

    def _apply(self, event: Event) -> None:
        self.tree.apply(event)
        self.world.apply(event)
        self.people.apply(event)
        at = datetime.fromisoformat(event.time)
        if event.kind in ("run.started", "run.resumed"):
            self._active = self.active_seconds
            self._session = at
            self.stopped = None
        # What a person does while the run stands still is no time the run has worked.
        if self.stopped is None and event.kind not in ROLES:
            self._last = at
        handler = _HANDLERS.get(event.kind)
        if handler:
            handler(self, event.payload, event)

    def _branch(self, payload: dict[str, Any], event: Event) -> Branch:
        branch = self.branches[payload["hypothesis"]]
        branch.take(event)
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
            self.round_of[name], self.branches[name].rate = payload["round"], payload.get("rate", 0.0)
            self.waiting.pop(name, None)

    def _on_stage_entered(self, payload: dict[str, Any], event: Event) -> None:
        self.stage = payload["stage"]
        self.stages += 1
        for family in payload["infeasible"]:
            self.frontier.give_up(family)
            self.infeasible.add(family)

    def _on_hypothesis_registered(self, payload: dict[str, Any], event: Event) -> None:
        branch = self.branches[payload["id"]] = Branch(payload["id"], payload, self._recall)
        branch.take(event)
        self._order.append(branch)
        self.frontier.add(candidate_of(payload["id"], payload))
        self.feasibility.registered(branch.raw["family"])
        if branch.replicates:
            self.replicas.setdefault(branch.replicates, []).append(branch.id)

    def _on_experiment_planned(self, payload: dict[str, Any], event: Event) -> None:
        name = payload["experiment"]["hypothesis"]
        self.branches[name].take(event)
        self.by_experiment[payload["id"]] = name

    def _on_experiment_finished(self, payload: dict[str, Any], event: Event) -> None:
        name = self.by_experiment[payload["experiment"]]
        self.branches[name].take(event)
        self.experiments += 1
        self.cpu_seconds += payload["evidence"]["cpu_seconds"]
        stage = self.stage_of.get(name, "")
        self.stage_experiments[stage] = self.stage_experiments.get(stage, 0) + 1
        self.frontier.experiment(name)

    def _on_capture_started(self, payload: dict[str, Any], event: Event) -> None:
        for name in payload["hypotheses"]:
            self.branches[name].take(event)
        self.captures[payload["id"]] = payload

    def _on_capture_ended(self, payload: dict[str, Any], event: Event) -> None:
        for name in self.captures.pop(payload["id"])["hypotheses"]:
            self.branches[name].take(event)

    def _on_dead_end_noted(self, payload: dict[str, Any], event: Event) -> None:
        self._branch(payload, event)

    def _on_claims_decided(self, payload: dict[str, Any], event: Event) -> None:
        self._branch(payload, event)

    def _on_branch_put_off(self, payload: dict[str, Any], event: Event) -> None:
        branch = self._branch(payload, event)
        self.waiting[branch.id] = None
        promise = Outlook(payload["decided"], payload["experiments"])
        self.frontier.put_off(branch.id, promise, payload["to_go"], len(branch.raw["claims"]))
        self.feasibility.ended(branch.raw["family"], "null")

    def _on_falsification_done(self, payload: dict[str, Any], event: Event) -> None:
        self._branch(payload, event)
        self.frontier.settle(payload["hypothesis"])

    def _on_review_done(self, payload: dict[str, Any], event: Event) -> None:
        self._branch(payload, event)

    def _on_branch_concluded(self, payload: dict[str, Any], event: Event) -> None:
        branch = self._branch(payload, event)
        branch.outcome, branch.cut_short = payload["outcome"], payload.get("pruned", "")
        self._concluded.append(branch)
        self.feasibility.ended(branch.raw["family"], payload["outcome"])
        statuses = [c["status"] for c in payload["claims"]]
        decided = len(statuses) - statuses.count("inconclusive")
        self.frontier.end(
            branch.id, payload["outcome"], decided, statuses.count("supported"), len(statuses), branch.effect
        )

    def _on_figure_judged(self, payload: dict[str, Any], event: Event) -> None:
        self._branch(payload, event)

    def _on_package_compiled(self, payload: dict[str, Any], event: Event) -> None:
        branch = self.branches[payload["hypothesis"]]
        branch.package = payload["package"]
        self.waiting.pop(branch.id, None)

    def _on_replicas_aggregated(self, payload: dict[str, Any], event: Event) -> None:
        self.aggregates[payload["hypothesis"]] = payload

    def _on_repetition_avoided(self, payload: dict[str, Any], event: Event) -> None:
        self.avoided[payload["avoided"]] = payload

    def _on_approval_given(self, payload: dict[str, Any], event: Event) -> None:
        if payload["gate"] == "experiments":
            self.selected[self.people.requests[payload["request"]].more["round"]] = payload["accepted"]
            for name in payload["dropped"]:
                begun = name not in payload["closed"]
                self.frontier.withdraw(name, begun=begun)
                if begun:  # what was measured before is concluded when the run ends
                    self.waiting[name] = None
        elif payload["gate"] == "packages":
            for name in payload["dropped"]:
                self.branches[name].withheld = True

    def _on_branch_pruned(self, payload: dict[str, Any], event: Event) -> None:
        self.frontier.drop_below(payload["hypothesis"])

    def _on_budget_changed(self, payload: dict[str, Any], event: Event) -> None:
        assert self.brief is not None
        budget = self.brief.budget.model_copy(update=payload["budget"])
        self.brief = self.brief.model_copy(update={"budget": budget})

    def _on_run_resumed(self, payload: dict[str, Any], event: Event) -> None:
        if self.brief is not None and "approve" in payload:
            self.brief = self.brief.model_copy(update={"approve": tuple(payload["approve"])})

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
    for name, handler in vars(Projections).items()
    if name.startswith("_on_")
}
_HANDLERS["dead_end.noted"] = _HANDLERS.pop("dead.end_noted")
