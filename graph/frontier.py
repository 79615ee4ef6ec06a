"""The frontier of a search: open hypotheses, and what has become of those that were like them.

A projection of the log, kept up to date event by event. Every look-up a policy makes is of a size that does not grow
with the run: candidates lie in one heap per arm (form and systems) and one per parent, counts are whole numbers, so
that the order in which parallel branches end changes nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from evidentia.agents.outlook import Outlook
from evidentia.graph.heap import Heap

WORKS = ("draft", "debug", "improve", "ablate", "replicate", "aggregate", "falsify")
"""Kinds of work of a node: a first hypothesis; a crashed one tried again; a follow-up; a factor's effect taken apart; a
finding on other seeds; statistics over replicas; an attack."""
ROOT = ""


@dataclass(frozen=True)
class Candidate:
    """An open hypothesis, as far as a choice needs to know it. `cost` is its worst case in experiments, repairs left
    out; `stage` the one it belongs to; what has the same `arm` is alike. One that was begun and put off has the
    `outlook` of going on, and lies in an arm of those that have as far to go."""

    id: str
    stage: str
    work: str
    family: str
    form: str
    arm: str
    parent: str
    priority: float
    cost: int
    outlook: Outlook | None = None


@dataclass
class Tally:
    """What came of branches: how often they were taken and have ended or were put off, their claims each time, and
    their experiments."""

    taken: int = 0
    ended: int = 0
    decided: int = 0
    claims: int = 0
    supported: int = 0
    crashed: int = 0
    experiments: int = 0

    @property
    def running(self) -> int:
        """Taken and not ended yet."""
        return self.taken - self.ended

    @property
    def share(self) -> float:
        """The share of claims that were decided; a crashed branch counts as one that was not."""
        return self.decided / max(1, self.claims + self.crashed)


@dataclass
class Place:
    """A node of the search tree: `tally` holds all below it and itself, `own` itself, `open` the candidates below by
    stage, `best` its largest supported effect in smallest effects of interest."""

    parent: str
    depth: int
    tally: Tally = field(default_factory=Tally)
    own: Tally = field(default_factory=Tally)
    taken_children: list[str] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)
    best: float = 0.0


class Frontier:
    """All candidates, by arm and by parent, with tallies by arm and by place in the tree."""

    def __init__(self) -> None:
        self.open: dict[str, Candidate] = {}
        self.arms: dict[str, dict[str, Heap]] = {}
        self.children: dict[tuple[str, str], Heap] = {}
        self.leading: dict[tuple[str, bool], Heap] = {}
        self.tallies: dict[str, Tally] = {}
        self.forms: dict[str, int] = {}
        self.places: dict[str, Place] = {ROOT: Place(parent=ROOT, depth=0)}
        self.known: dict[str, Candidate] = {}
        self._listed: dict[str, list[str]] = {}
        self._at: dict[str, int] = {}

    def add(self, candidate: Candidate) -> None:
        """A hypothesis was registered."""
        self.known[candidate.id] = self.open[candidate.id] = candidate
        parent = candidate.parent if candidate.parent in self.places else ROOT
        self.places[candidate.id] = Place(parent, self.places[parent].depth + 1)
        stage, score = candidate.stage, candidate.priority
        self.arms.setdefault(stage, {}).setdefault(candidate.arm, Heap()).push(score, candidate.id)
        self.children.setdefault((parent, stage), Heap()).push(score, candidate.id)
        if parent != ROOT:
            place = self.places[parent]
            self.leading.setdefault((stage, place.own.crashed > 0), Heap()).push(place.best, parent)
        self.tallies.setdefault(candidate.arm, Tally())
        self._list(candidate.id, stage)

    def take(self, name: str) -> None:
        """A round selected it. Taking it again changes nothing."""
        if name not in self.open:
            return
        candidate = self._close(name)
        if candidate.outlook is None:
            self.forms[candidate.form] = self.forms.get(candidate.form, 0) + 1
            self.places[self.places[name].parent].taken_children.append(name)
        for tally in self._touched(name):
            tally.taken += 1

    def put_off(self, name: str, promise: Outlook, cost: int, claims: int) -> None:
        """Its branch waits after a look that decided none of its claims; going on costs `cost` at most."""
        if name not in self.known:
            return
        arm = f"put off, {cost} experiments to go"
        candidate = self.open[name] = replace(self.known[name], arm=arm, outlook=promise, cost=cost)
        stage, score = candidate.stage, candidate.priority * promise.rate
        self.arms.setdefault(stage, {}).setdefault(arm, Heap()).push(score, name)
        self.children.setdefault((self.places[name].parent, stage), Heap()).push(candidate.priority, name)
        self._list(name, stage)
        for tally in self._touched(name):
            tally.ended += 1
            tally.claims += claims

    def withdraw(self, name: str, *, begun: bool = False) -> None:
        """A person refused it after it was taken: it is neither taken nor open. `begun` if it was put off before."""
        if not begun:
            self.forms[self.known[name].form] -= 1
            self.places[self.places[name].parent].taken_children.remove(name)
        for tally in self._touched(name):
            tally.taken -= 1

    def drop_below(self, name: str) -> None:
        """A person pruned it: it and all that is open below it are open no more."""
        for closed in [c for c in self.open if self._is_below(c, name)]:
            self._close(closed)

    def _is_below(self, name: str, above: str) -> bool:
        while name not in (ROOT, above):
            name = self.places[name].parent
        return name == above

    def settle(self, name: str) -> None:
        """Its branch is being closed: if it was put off, it is open no more."""
        if name in self.open:
            self._close(name)

    def _list(self, name: str, stage: str) -> None:
        self._count(name, stage, 1)
        listed = self._listed.setdefault(stage, [])
        self._at[name] = len(listed)
        listed.append(name)

    def _close(self, name: str) -> Candidate:
        candidate = self.open.pop(name)
        listed, at = self._listed[candidate.stage], self._at.pop(name)
        last = listed.pop()
        if last != name:
            listed[at], self._at[last] = last, at
        self._count(name, candidate.stage, -1)
        return candidate

    def experiment(self, name: str) -> None:
        """One of its experiments has ended."""
        for tally in self._touched(name):
            tally.experiments += 1

    def end(self, name: str, outcome: str, decided: int, supported: int, claims: int, effect: float) -> None:
        """Its branch has ended; `effect` is its largest supported one, in smallest effects of interest."""
        if name not in self.places:
            return
        self.places[name].best = effect
        for tally in self._touched(name):
            tally.ended += 1
            tally.decided += decided
            tally.supported += supported
            tally.claims += claims
            tally.crashed += outcome == "crashed"

    def left(self, stages: Sequence[str]) -> int:
        """How many candidates of these stages are open."""
        return sum(len(self._listed.get(stage, ())) for stage in stages)

    def any(self, stages: Sequence[str], chance: random.Random) -> Candidate | None:
        """One of the open candidates of these stages, each as likely as the other."""
        count = self.left(stages)
        if not count:
            return None
        number = chance.randrange(count)
        for stage in stages:
            listed = self._listed.get(stage, [])
            if number < len(listed):
                return self.open[listed[number]]
            number -= len(listed)
        return None

    def tops(self, stages: Sequence[str]) -> Iterator[Candidate]:
        """The best open candidate of every arm in these stages, and the most promising of those that were put off."""
        for stage in stages:
            arms = self.arms.get(stage, {})
            for arm in list(arms):
                found = arms[arm].first(partial(self._in_arm, arm=arm))
                if found is None:
                    del arms[arm]
                else:
                    yield self.open[found]

    def _in_arm(self, name: str, arm: str) -> bool:
        return name in self.open and self.open[name].arm == arm

    def top(self, stages: Sequence[str]) -> Candidate | None:
        """The open candidate of the highest priority."""
        return max(self.tops(stages), key=lambda c: (c.priority, c.id), default=None)

    def below(self, parent: str, stages: Sequence[str]) -> Candidate | None:
        """The best open candidate directly below a branch (or, for `ROOT`, below none)."""
        heaps = [self.children[parent, stage] for stage in stages if (parent, stage) in self.children]
        found = [self.open[name] for heap in heaps if (name := heap.first(self.open.__contains__))]
        return max(found, key=lambda c: (c.priority, c.id), default=None)

    def leader(self, stages: Sequence[str], *, crashed: bool = False) -> str | None:
        """Of the branches that ended well (or crashed) and have open candidates directly below, the one of the largest
        effect."""
        found: list[tuple[float, str]] = []
        for stage in stages:
            heap = self.leading.get((stage, crashed))
            name = heap.first(lambda parent, s=stage: self.below(parent, (s,))) if heap else None  # type: ignore[misc]
            if name:
                found.append((self.places[name].best, name))
        return max(found)[1] if found else None

    def of_family(self, family: str) -> Candidate | None:
        """The open candidate of a family with the highest priority."""
        tops = (c for c in self.tops(tuple(self.arms)) if c.family == family)
        return max(tops, key=lambda c: (c.priority, c.id), default=None)

    def give_up(self, family: str) -> None:
        """Nothing of a family can be measured: its candidates are open no more."""
        for name in [c.id for c in self.open.values() if c.family == family]:
            self._close(name)

    def waits_below(self, name: str, stages: Sequence[str]) -> bool:
        """Whether anything is open below a branch, at any depth."""
        return any(self.places[name].open.get(stage) for stage in stages)

    def _count(self, name: str, stage: str, more: int) -> None:
        while name != ROOT:
            name = self.places[name].parent
            open_ = self.places[name].open
            open_[stage] = open_.get(stage, 0) + more

    def _touched(self, name: str) -> list[Tally]:
        """The tallies of its arm, itself, and every place above."""
        if name not in self.known:
            return []
        found = [self.tallies[self.known[name].arm], self.places[name].own, self.places[name].tally]
        while name != ROOT:
            name = self.places[name].parent
            found.append(self.places[name].tally)
        return found


def candidate_of(name: str, payload: Mapping[str, Any]) -> Candidate:
    """The candidate that a registration event tells of."""
    h = payload["hypothesis"]
    form, parent = h["form"], h.get("parent") or ROOT
    work = payload.get("work") or work_of(form, parent)
    return Candidate(
        id=name,
        stage=stage_of(form, work, h.get("origin", "question")),
        work=work,
        family=h["family"],
        form=form,
        arm=f"{work}: {form} of {' and '.join(h['systems'])} in {h['family']}",
        parent=parent,
        priority=h.get("priority", 1.0),
        cost=len(h["sample_plan"]["looks"]) + 1,
    )


def work_of(form: str, parent: str) -> str:
    """The kind of work of a hypothesis whose registration does not say it."""
    if form == "interaction":
        return "ablate"
    return "improve" if parent else "draft"


def stage_of(form: str, work: str, origin: str) -> str:
    """The stage that a hypothesis belongs to."""
    if work in ("replicate", "ablate"):
        return {"replicate": "replication", "ablate": "ablation"}[work]
    return "baseline" if origin == "question" and form in ("comparison", "optimum") else "exploration"
