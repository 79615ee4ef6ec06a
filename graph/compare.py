"""Two runs side by side: the settings that differ, the first step at which they part, and every claim of either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from evidentia.graph.journal import Journal
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Claim, Event, Status

_ABSENT = "—"


@dataclass(frozen=True)
class Step:
    """One decision of a run: what was decided about what, where it stands in the log, and how to tell it."""

    kind: str
    subject: str
    decided: tuple[str, ...]
    seq: int

    def told(self, other: Step | None) -> str:
        """The step in words; beside another step of the same kind only the first thing in which they differ."""
        about = f"{self.kind} of “{self.subject}”" if self.subject else self.kind
        if other is None or (other.kind, other.subject) != (self.kind, self.subject):
            return f"{about}: {len(self.decided)} decided" if len(self.decided) > 3 else f"{about}: {self._listed}"
        place = next(i for i, (a, b) in enumerate(zip_longest(self.decided, other.decided)) if a != b)
        if place >= len(self.decided):
            return f"{about}: nothing at place {place + 1}"
        return f"{about}: at place {place + 1} {self.decided[place]}"

    @property
    def _listed(self) -> str:
        return "; ".join(self.decided) or "nothing"


@dataclass(frozen=True)
class ClaimPair:
    """A claim as either run decided it; None where a run has no such claim."""

    statement: str
    left: Claim | None
    right: Claim | None

    @property
    def statuses(self) -> tuple[Status | None, Status | None]:
        """What the two runs say of it."""
        return (self.left.status if self.left else None, self.right.status if self.right else None)

    @property
    def agrees(self) -> bool:
        """Whether both runs have it and give the same verdict."""
        return self.left is not None and self.right is not None and self.left.status == self.right.status


@dataclass(frozen=True)
class Difference:
    """Two runs compared. `parting` are the first steps that differ; None for a run that has ended by then."""

    settings: Mapping[str, tuple[str, str]]
    common_steps: int
    parting: tuple[Step | None, Step | None] | None
    claims: tuple[ClaimPair, ...]


def compare(left: Journal, right: Journal) -> Difference:
    """Compare two journals. Values of claims are no decisions: two runs part where a choice or a verdict differs."""
    ours, theirs = steps(left), steps(right)
    common, parting = len(ours), None
    for number, (a, b) in enumerate(zip_longest(ours, theirs)):
        if a is None or b is None or (a.kind, a.subject, a.decided) != (b.kind, b.subject, b.decided):
            common, parting = number, (a, b)
            break
    return Difference(_settings(left, right), common, parting, _claims(left, right))


def steps(journal: Journal) -> list[Step]:
    """The decisions of a run, round by round; within a round branch by branch, as they were selected.

    Branches run side by side, so their events may lie in any order in the log; here they have one.
    """
    names = {name: branch.hypothesis.statement for name, branch in journal.branches.items()}
    rounds: list[list[Step]] = []
    branches: dict[str, list[Step]] = {}
    chosen: list[list[str]] = []
    by_people: list[Step] = []
    for event in journal.log.events:
        payload = event.payload
        if told := _by_person(event, names):
            (rounds[-1] if rounds else by_people).append(told)
        elif event.kind == "ideation.done":
            rounds.append([*by_people, _step(event, "ideation", "", [names[h] for h in payload["hypotheses"]])])
            chosen.append([])
            by_people = []
        elif event.kind == "round.selected" and rounds:
            rounds[-1].append(_step(event, "selection", "", [names[h] for h in payload["hypotheses"]]))
            chosen[-1] = payload["hypotheses"]
        elif made := _DECISIONS.get(event.kind):
            name = payload["hypothesis"]
            branches.setdefault(name, []).append(_step(event, *made(payload, names[name])))
    return [
        step
        for own, taken in zip(rounds, chosen, strict=True)
        for step in (*own, *(s for name in taken for s in branches.get(name, ())))
    ]


def _by_person(event: Event, names: Mapping[str, str]) -> Step | None:
    """What a person decided, where it changed what the run does: an approval that drops nothing is no such step."""
    payload = event.payload
    if event.kind == "approval.given" and payload["dropped"]:
        return _step(event, f"refusal of {payload['gate']}", "", [names.get(i, i) for i in payload["dropped"]])
    if event.kind == "suggestion.made":
        return _step(event, "suggestion", "", [payload["statement"]])
    if event.kind == "branch.pruned":
        return _step(event, "pruning", "", [names[payload["hypothesis"]]])
    if event.kind == "node.pinned":
        return _step(event, "pin", names.get(payload["hypothesis"] or "", payload["parent"]), [payload["decision"]])
    return None


def _step(event: Event, kind: str, subject: str, decided: list[str]) -> Step:
    return Step(kind, subject, tuple(decided), event.seq)


_DECISIONS: dict[str, Callable[[dict[str, Any], str], tuple[str, str, list[str]]]] = {
    "claims.decided": lambda p, name: (f"look {p['look'] + 1}", name, _verdicts(p["claims"])),
    "falsification.done": lambda p, name: ("falsification", name, _verdicts(p["claims"])),
    "branch.concluded": lambda p, name: ("outcome", name, [p["outcome"]]),
}


def _verdicts(claims: list[dict[str, Any]]) -> list[str]:
    return [f"{c['id']} {c['status']}" for c in claims]


def _settings(left: Journal, right: Journal) -> dict[str, tuple[str, str]]:
    ours, theirs = ({"mind": j.mind, **_flat(j.brief.to_json() if j.brief else {})} for j in (left, right))
    return {
        name: (ours.get(name, _ABSENT), theirs.get(name, _ABSENT))
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    }


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, inner in value.items():
        found |= _flat(inner, f"{prefix}{key}.") if isinstance(inner, Mapping) else {f"{prefix}{key}": str(inner)}
    return found


def _claims(left: Journal, right: Journal) -> tuple[ClaimPair, ...]:
    ours, theirs = _by_statement(left), _by_statement(right)
    return tuple(ClaimPair(s, ours.get(s), theirs.get(s)) for s in dict.fromkeys((*ours, *theirs)))


def _by_statement(journal: Journal) -> dict[str, Claim]:
    return {c.statement: c for branch in journal.branches.values() for c in branch.claims}


def told(claim: Claim | None) -> str:
    """A claim's verdict and value in a few words."""
    return f"{claim.status}, {quantity(claim)}" if claim else _ABSENT
