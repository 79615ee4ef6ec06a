"""The journal of a run: the event log with what every step needs to know looked up in constant time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from evidentia.agents.brief import Brief
from evidentia.agents.minds.protocol import Failure, Finding
from evidentia.graph.tree import Tree
from evidentia.workspace.records import (
    Attack,
    Citation,
    Claim,
    DeadEnd,
    Event,
    Evidence,
    Experiment,
    Hypothesis,
    Outcome,
    Review,
    Run,
)


class Log(Protocol):
    """What a journal needs of a log: an `EventLog`, or a recorded one that refuses to be written."""

    path: Path
    run: str
    events: list[Event]

    def append(self, kind: str, payload: dict[str, Any], actor: str) -> Event:
        """Write one event durably."""


class Branch:
    """What the log says of one hypothesis."""

    def __init__(self, hypothesis: Hypothesis, seq: int) -> None:
        self.hypothesis = hypothesis
        self.seqs = [seq]
        self.planned: dict[str, Experiment] = {}
        self.finished: dict[str, Evidence] = {}
        self.failures: dict[str, Failure] = {}
        self.looks: dict[int, tuple[Claim, ...]] = {}
        self.attacks: tuple[Attack, ...] | None = None
        self.claims: tuple[Claim, ...] = ()
        self.review: Review | None = None
        self.outcome: Outcome | None = None
        self.dead_end: DeadEnd | None = None
        self.package: str | None = None

    def done(self, experiment: Experiment) -> bool:
        """Whether this very experiment has been run."""
        return experiment.id in self.finished

    def runs(self, role: str | None = None) -> list[Run]:
        """The executed experiments, in the order they were planned."""
        return [
            Run(experiment=e, evidence=self.finished[name])
            for name, e in self.planned.items()
            if name in self.finished and role in (None, e.role)
        ]


class Journal:
    """One run's log and its projections, kept up to date event by event."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.tree = Tree()
        self.branches: dict[str, Branch] = {}
        self.by_experiment: dict[str, str] = {}
        self.captures: dict[str, dict[str, Any]] = {}
        self.citations: tuple[Citation, ...] = ()
        self.brief: Brief | None = None
        self.mind = ""
        self.created = ""
        self.literature_done = False
        self.experiments = 0
        self.rounds = 0
        self.selected: dict[int, list[str]] = {}
        self.stopped: str | None = None
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
        """All concluded branches in the order of registration."""
        return [
            Finding(b.hypothesis, b.outcome, b.claims, b.attacks or ())
            for b in self.branches.values()
            if b.outcome is not None
        ]

    def open(self) -> list[Hypothesis]:
        """Registered hypotheses no round has selected, in the order of registration."""
        taken = {h for names in self.selected.values() for h in names}
        return [b.hypothesis for name, b in self.branches.items() if name not in taken]

    def events_of(self, hypothesis: str) -> list[Event]:
        """The branch's slice of the log: the start, the registration, and all that concerns it."""
        return [self.log.events[seq] for seq in (0, *self.branches[hypothesis].seqs)]

    def _apply(self, event: Event) -> None:
        self.tree.apply(event)
        at = datetime.fromisoformat(event.time)
        if event.kind in ("run.started", "run.resumed"):
            self._active = self.active_seconds
            self._session = at
            self.stopped = None
        self._last = at
        handler = getattr(self, "_on_" + event.kind.replace(".", "_"), None)
        if handler:
            handler(event.payload, event)

    def _branch(self, payload: dict[str, Any], event: Event) -> Branch:
        branch = self.branches[payload["hypothesis"]]
        branch.seqs.append(event.seq)
        return branch

    def _on_run_started(self, payload: dict[str, Any], event: Event) -> None:
        self.brief = Brief.model_validate(payload["brief"])
        self.mind, self.created = payload["mind"], event.time

    def _on_literature_found(self, payload: dict[str, Any], event: Event) -> None:
        self.citations = tuple(Citation.model_validate(c) for c in payload["citations"])
        self.literature_done = True

    def _on_ideation_done(self, payload: dict[str, Any], event: Event) -> None:
        self.rounds = payload["round"] + 1

    def _on_round_selected(self, payload: dict[str, Any], event: Event) -> None:
        self.selected[payload["round"]] = payload["hypotheses"]

    def _on_hypothesis_registered(self, payload: dict[str, Any], event: Event) -> None:
        self.branches[payload["id"]] = Branch(Hypothesis.model_validate(payload["hypothesis"]), event.seq)

    def _on_experiment_planned(self, payload: dict[str, Any], event: Event) -> None:
        experiment = Experiment.model_validate(payload["experiment"])
        branch = self.branches[experiment.hypothesis]
        branch.seqs.append(event.seq)
        branch.planned[experiment.id] = experiment
        self.by_experiment[experiment.id] = experiment.hypothesis

    def _on_experiment_finished(self, payload: dict[str, Any], event: Event) -> None:
        branch = self.branches[self.by_experiment[payload["experiment"]]]
        branch.seqs.append(event.seq)
        branch.finished[payload["experiment"]] = Evidence.model_validate(payload["evidence"])
        if payload["failure"]:
            branch.failures[payload["experiment"]] = Failure(**payload["failure"])
        self.experiments += 1

    def _on_capture_started(self, payload: dict[str, Any], event: Event) -> None:
        for name in payload["hypotheses"]:
            self.branches[name].seqs.append(event.seq)
        self.captures[payload["id"]] = payload

    def _on_capture_ended(self, payload: dict[str, Any], event: Event) -> None:
        for name in self.captures.pop(payload["id"])["hypotheses"]:
            self.branches[name].seqs.append(event.seq)

    def _on_dead_end_noted(self, payload: dict[str, Any], event: Event) -> None:
        self._branch(payload, event).dead_end = DeadEnd.model_validate(payload["dead_end"])

    def _on_claims_decided(self, payload: dict[str, Any], event: Event) -> None:
        branch = self._branch(payload, event)
        branch.claims = branch.looks[payload["look"]] = tuple(Claim.model_validate(c) for c in payload["claims"])

    def _on_falsification_done(self, payload: dict[str, Any], event: Event) -> None:
        branch = self._branch(payload, event)
        branch.attacks = tuple(Attack.model_validate(a) for a in payload["attacks"])
        branch.claims = tuple(Claim.model_validate(c) for c in payload["claims"])

    def _on_review_done(self, payload: dict[str, Any], event: Event) -> None:
        self._branch(payload, event).review = Review.model_validate(payload["review"])

    def _on_branch_concluded(self, payload: dict[str, Any], event: Event) -> None:
        branch = self._branch(payload, event)
        branch.outcome = payload["outcome"]
        branch.dead_end = DeadEnd.model_validate(payload["dead_end"]) if payload["dead_end"] else None

    def _on_package_compiled(self, payload: dict[str, Any], event: Event) -> None:
        self.branches[payload["hypothesis"]].package = payload["package"]

    def _on_run_stopped(self, payload: dict[str, Any], event: Event) -> None:
        self.stopped = payload["because"]
