"""What people have done in a run: what they were asked and answered, added, pruned, pinned. A projection of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evidentia.workspace.records import Act, Contributor, Event

Gate = str
"""What a person may be asked about: ``ideas``, ``experiments`` or ``packages``."""
ROLES: dict[str, tuple[str, ...]] = {
    "suggestion.made": ("Conceptualization",),
    "approval.given": ("Supervision",),
    "branch.pruned": ("Supervision",),
    "node.pinned": ("Methodology", "Supervision"),
    "budget.changed": ("Project administration",),
}
"""The CRediT roles that each act stands for; the kinds of event that are a person's."""


@dataclass(frozen=True)
class Request:
    """Something that waits, or has waited, for a person: its name, the gate, what it is about, and the items, each
    with an `id`; `more` has what is shown besides."""

    name: str
    gate: Gate
    about: str
    items: tuple[Mapping[str, Any], ...]
    time: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a person let pass and what they dropped."""

    accepted: tuple[str, ...]
    dropped: tuple[str, ...]
    by: str
    why: str
    seq: int


@dataclass(frozen=True)
class _Done:
    """An act with its actor."""

    kind: str
    by: str
    act: Act


@dataclass
class People:
    """People's part in a run.

    `taken` has the tickets that are in the log; `unread` the suggestions that no mind has read yet, `registered` what
    the others became; `first` the hypotheses to take before others, each with the reason; `pruned` and `dropped` those
    that a person closed, with their name; `refusals` why a ticket could not be done; `reopened` says that a stopped
    run has been given something to do.
    """

    requests: dict[str, Request] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    unread: dict[str, dict[str, Any]] = field(default_factory=dict)
    suggestions: int = 0
    first: dict[str, str] = field(default_factory=dict)
    pruned: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    registered: dict[str, str] = field(default_factory=dict)
    pins: int = 0
    reopened: bool = False
    _named: dict[tuple[Gate, str], str] = field(default_factory=dict)
    _acts: dict[str, list[_Done]] = field(default_factory=dict)
    _of_run: list[_Done] = field(default_factory=list)
    _closed: dict[str, int] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take one event in. Events without people change nothing."""
        handler = _HANDLERS.get(event.kind)
        if handler:
            handler(self, event.payload, event)

    def request(self, gate: Gate, about: str) -> Request | None:
        """What was asked at a gate, or None."""
        name = self._named.get((gate, about))
        return self.requests[name] if name else None

    def answer(self, gate: Gate, about: str) -> Answer | None:
        """What a person answered at a gate, or None."""
        return self.answers.get(self._named.get((gate, about), ""))

    def open(self, gates: Sequence[Gate]) -> list[Request]:
        """What waits for a person, oldest first; what was asked at a gate that is open by now waits no more."""
        return [r for r in self.requests.values() if r.name not in self.answers and r.gate in gates]

    def seqs_of(self, hypothesis: str) -> list[int]:
        """The events by people that bear on a branch, up to its end."""
        return sorted({done.act.event for done in self._bearing(hypothesis)})

    def contributors(self, hypothesis: str) -> tuple[Contributor, ...]:
        """Who had a part in a branch, each with roles and acts, in the order in which they came."""
        found: dict[str, list[_Done]] = {}
        for done in self._bearing(hypothesis):
            found.setdefault(done.by, []).append(done)
        return tuple(
            Contributor(
                name=name,
                roles=tuple(sorted({role for d in acts for role in ROLES[d.kind]})),
                acts=tuple(d.act for d in acts),
            )
            for name, acts in found.items()
        )

    def _bearing(self, hypothesis: str) -> list[_Done]:
        """What was done about a branch, or for the whole run, before the branch ended."""
        end = self._closed.get(hypothesis)
        of_run = [d for d in self._of_run if end is None or d.act.event < end]
        return sorted([*of_run, *self._acts.get(hypothesis, ())], key=lambda d: d.act.event)

    def _note(self, names: Sequence[str], did: str, payload: dict[str, Any], event: Event, about: str = "") -> None:
        act = Act(event=event.seq, time=event.time, did=did, about=about, why=payload["why"])
        done = _Done(event.kind, payload["by"]["name"], act)
        for name in names:
            if name not in self._closed or event.kind == "approval.given":
                self._acts.setdefault(name, []).append(done)

    def _on_approval_asked(self, payload: dict[str, Any], event: Event) -> None:
        known = ("request", "gate", "about", "items")
        more = {k: v for k, v in payload.items() if k not in known}
        name, gate, about = payload["request"], payload["gate"], payload["about"]
        self.requests[name] = Request(name, gate, about, tuple(payload["items"]), event.time, more)
        self._named[gate, about] = name

    def _on_approval_given(self, payload: dict[str, Any], event: Event) -> None:
        name, why = payload["request"], payload["why"]
        by = payload["by"]["name"]
        accepted, dropped = tuple(payload["accepted"]), tuple(payload["dropped"])
        self.answers[name] = Answer(accepted, dropped, by, why, event.seq)
        self.dropped |= dict.fromkeys(dropped, by)
        gate = self.requests[name].gate
        what = {"ideas": "the idea", "experiments": "the experiment", "packages": "the package"}[gate]
        # The reason is for what was dropped, where anything was.
        self._note(accepted, f"approved {what}", {**payload, "why": "" if dropped else why}, event)
        self._note(dropped, f"refused {what}", payload, event)
        self._take(payload)

    def _on_suggestion_made(self, payload: dict[str, Any], event: Event) -> None:
        self.unread[payload["ticket"]] = {**payload, "seq": event.seq, "time": event.time}
        self.suggestions += 1
        self.reopened = True
        self._take(payload)

    def _on_hypothesis_registered(self, payload: dict[str, Any], event: Event) -> None:
        if ticket := payload.get("suggestion"):
            self.registered[ticket] = payload["id"]

    def _on_suggestion_read(self, payload: dict[str, Any], event: Event) -> None:
        made = self.unread.pop(payload["suggestion"])
        by, why = made["by"]["name"], made["why"]
        told = {"did": "suggested the hypothesis", "about": made["statement"], "why": why}
        act = Act(event=made["seq"], time=made["time"], **told)
        for name in payload["hypotheses"]:
            self._acts.setdefault(name, []).insert(0, _Done("suggestion.made", by, act))
            self.first.setdefault(name, f"asked for by {by}")

    def _on_branch_pruned(self, payload: dict[str, Any], event: Event) -> None:
        self.pruned[payload["hypothesis"]] = payload["by"]["name"]
        self.first.pop(payload["hypothesis"], None)
        self._note([payload["hypothesis"]], "pruned the branch", payload, event)
        self._take(payload)

    def _on_node_pinned(self, payload: dict[str, Any], event: Event) -> None:
        self.pins += 1
        if name := payload["hypothesis"]:
            self.first[name] = f"pinned by {payload['by']['name']}: {payload['decision']}"
            self._note([name], "pinned a decision", payload, event, payload["decision"])
            self.reopened = True
        self._take(payload)

    def _on_budget_changed(self, payload: dict[str, Any], event: Event) -> None:
        to = ", ".join(f"{k} from {_none(payload['before'][k])} to {_none(v)}" for k, v in payload["budget"].items())
        act = Act(event=event.seq, time=event.time, did="changed the budget", about=to, why=payload["why"])
        self._of_run.append(_Done(event.kind, payload["by"]["name"], act))
        self.reopened = True
        self._take(payload)

    def _on_request_refused(self, payload: dict[str, Any], event: Event) -> None:
        self.refusals[payload["ticket"]] = payload["because"]
        self._take(payload)

    def _on_run_resumed(self, payload: dict[str, Any], event: Event) -> None:
        self.reopened = False

    def _on_run_stopped(self, payload: dict[str, Any], event: Event) -> None:
        self.reopened = bool(self.unread)

    def _on_branch_concluded(self, payload: dict[str, Any], event: Event) -> None:
        self._closed[payload["hypothesis"]] = event.seq

    def _take(self, payload: dict[str, Any]) -> None:
        self.taken.add(payload["ticket"])


def _none(value: Any) -> str:
    return "no limit" if value is None else f"{value:g}"


_HANDLERS = {
    name.removeprefix("_on_").replace("_", ".", 1): handler
    for name, handler in vars(People).items()
    if name.startswith("_on_")
}
