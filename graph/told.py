"""The payloads of one hypothesis's events. A long run keeps those of the branches last looked at in memory and reads
the others again from the log: most are never looked at again."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable
from typing import Any

from evidentia.workspace.records import Event

KEPT = 32
"""Branches whose payloads stay in memory: about as many as are worked on at once."""


class Told:
    """What the log says of one hypothesis, as payloads; `read` has the records made of them so far."""

    __slots__ = (
        "attacks", "changed", "claims", "dead_end", "ended", "experiments", "figures", "hypothesis", "looks", "put_off",
        "read", "review",
    )  # fmt: skip

    def __init__(self, events: Iterable[Event]) -> None:
        self.hypothesis: dict[str, Any] = {}
        self.looks: dict[int, list[dict[str, Any]]] = {}
        self.experiments: dict[str, dict[str, Any]] = {}
        self.changed: dict[str, dict[str, Any]] = {}
        self.ended: dict[str, dict[str, Any]] = {}
        self.figures: list[dict[str, Any]] = []
        self.claims: list[dict[str, Any]] = []
        self.attacks: list[dict[str, Any]] | None = None
        self.review: dict[str, Any] | None = None
        self.dead_end: dict[str, Any] | None = None
        self.put_off: set[int] = set()
        self.read: dict[str, Any] = {}
        for event in events:
            self.take(event)

    def take(self, event: Event) -> None:
        """Take one event in. Those that say nothing of what is kept here change nothing."""
        handler = _HANDLERS.get(event.kind)
        if handler:
            handler(self, event.payload)


class Recall:
    """The payloads of all branches: those last looked at in memory, the others in the log. Safe for several threads."""

    def __init__(self, event: Callable[[int], Event], kept: int = KEPT) -> None:
        self._event, self._most = event, kept
        self._kept: dict[str, Told] = {}
        self._guard = threading.Lock()

    def of(self, name: str, seqs: array[int]) -> Told:
        """What the events of these numbers say of a branch."""
        with self._guard:
            told = self._kept.pop(name, None)
            return self._keep(name, told if told is not None else Told(map(self._event, seqs)))

    def take(self, name: str, seqs: array[int], event: Event) -> None:
        """One more event of a branch: it is being worked on."""
        with self._guard:
            told = self._kept.get(name) or self._keep(name, Told(map(self._event, seqs)))
            told.take(event)
            seqs.append(event.seq)

    def _keep(self, name: str, told: Told) -> Told:
        self._kept[name] = told
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return told


def _registered(told: Told, payload: dict[str, Any]) -> None:
    told.hypothesis = payload["hypothesis"]


def _planned(told: Told, payload: dict[str, Any]) -> None:
    told.experiments[payload["id"]] = payload["experiment"]
    if "changed" in payload:
        told.changed[payload["id"]] = payload["changed"]


def _finished(told: Told, payload: dict[str, Any]) -> None:
    told.ended[payload["experiment"]] = payload


def _decided(told: Told, payload: dict[str, Any]) -> None:
    told.looks[payload["look"]] = told.claims = payload["claims"]
    told.read.pop("claims", None)


def _put_off(told: Told, payload: dict[str, Any]) -> None:
    told.put_off.add(payload["look"])


def _attacked(told: Told, payload: dict[str, Any]) -> None:
    told.attacks, told.claims = payload["attacks"], payload["claims"]
    told.read.pop("claims", None)


def _reviewed(told: Told, payload: dict[str, Any]) -> None:
    told.review = payload["review"]


def _ended(told: Told, payload: dict[str, Any]) -> None:
    told.dead_end = payload["dead_end"]


def _judged(told: Told, payload: dict[str, Any]) -> None:
    told.figures.append(payload)


_HANDLERS: dict[str, Callable[[Told, dict[str, Any]], None]] = {
    "hypothesis.registered": _registered,
    "experiment.planned": _planned,
    "experiment.finished": _finished,
    "claims.decided": _decided,
    "branch.put_off": _put_off,
    "falsification.done": _attacked,
    "review.done": _reviewed,
    "dead_end.noted": _ended,
    "branch.concluded": _ended,
    "figure.judged": _judged,
}
