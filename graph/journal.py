"""The journal of a run: the event log with what every step needs to know looked up in constant time."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from evidentia.agents.minds.protocol import Finding
from evidentia.graph.branch import Branch, Findings, Registered
from evidentia.graph.people import Request
from evidentia.graph.projections import Log, Projections
from evidentia.workspace.records import Event, Hypothesis


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Without the cyclic garbage collector: what a log is read into has no cycles, and looking for them in a growing
    heap takes a quarter of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class Journal(Projections):
    """One run's log and its projections."""

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        with _collecting_nothing():
            for event in log.events:
                self._apply(event)

    def append(self, kind: str, payload: dict[str, Any], actor: str, *, wait: bool = True) -> Event:
        """Write an event and take it into all projections. Where the caller does not `wait` for it to be durable, it
        is with the next that somebody waits for: no later event can be on disk without it."""
        event = self.log.append(kind, payload, actor, wait=wait)
        self._apply(event)
        return event

    def findings(self) -> Sequence[Finding]:
        """All concluded branches: those of earlier rounds first, within a round in the order of registration."""
        return Findings(self._settled(self._seen))

    def fresh(self) -> Sequence[Finding]:
        """The branches concluded since ideation was last done; replicas, which lead to nothing new, left out."""
        return Findings([b for b in self._settled(self._seen)[self._seen :] if not b.replicates])

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
    def learned(self) -> bool:
        """Whether any branch has ended since ideation was last done."""
        return len(self._concluded) > self._seen

    @property
    def round(self) -> int:
        """The first round that is not over: not selected yet, or with a branch that has no package nor was put off."""
        for number in sorted(self.selected):
            if any(self._at_work(name, number) for name in self.selected[number]):
                return number
        return len(self.selected)

    def _at_work(self, name: str, round_: int) -> bool:
        return not self.branches[name].over and name not in self.waiting and self.round_of[name] == round_

    def open(self) -> list[Hypothesis]:
        """Registered hypotheses no round has selected, in the order of registration."""
        return [self.branches[name].hypothesis for name in self.frontier.open]

    def events_of(self, hypothesis: str) -> list[Event]:
        """The branch's slice of the log: the start, the registration, and all that concerns it."""
        seqs = {0, *self.branches[hypothesis].seqs, *self.people.seqs_of(hypothesis)}
        return [self.log.events[seq] for seq in sorted(seqs)]

    def open_requests(self) -> list[Request]:
        """What waits for a person's approval, oldest first."""
        return self.people.open(self.brief.approve if self.brief else ())

    def hypothesis_of(self, node: str) -> str | None:
        """The hypothesis that a node of the tree stands for, or None."""
        name = self.tree.attributes(node).get("hypothesis") if node in self.tree.graph else None
        return str(name) if name in self.branches else None

    def pruned(self, hypothesis: str | None) -> str | None:
        """Who pruned a hypothesis, or one that it follows from; None where nobody did."""
        closed = self.people.pruned
        while closed and hypothesis is not None and hypothesis in self.branches:
            if told := closed.get(hypothesis):
                return told
            hypothesis = self.branches[hypothesis].raw.get("parent")
        return None
