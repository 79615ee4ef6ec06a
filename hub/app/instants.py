"""What a run knew and had spent after each of its events, kept so that any instant is looked up, not folded anew.

The world model only grows, except that open questions are settled, so an item is its text and the events between which
it was there; what a run has spent is a column per quantity.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import networkx as nx

from evidentia.graph.people import ROLES
from evidentia.graph.progress import Progress
from evidentia.graph.world import World
from evidentia.workspace.records import Event

GROUPS = ("hypothesis", "finding", "open", "lesson", "constraint")
FOREVER = 1 << 60


@dataclass
class Item:
    """Something the world model held from the event `since` on, until the event `until`."""

    name: str
    told: Mapping[str, Any]
    since: int
    until: int = FOREVER


@dataclass(frozen=True)
class Known:
    """One group of the world model at an instant: how many, of which how many new by the last event, and the latest."""

    count: int
    fresh: int
    latest: tuple[Item, ...]


@dataclass(frozen=True)
class Limits:
    """What a run may spend; None is no limit."""

    experiments: float | None
    minutes: float | None
    cpu_seconds: float | None
    tokens: float | None
    usd: float | None


@dataclass(frozen=True)
class Spent:
    """What was spent after an event, with the limits of that time; seconds of work, processor seconds, US dollars."""

    limits: Limits
    experiments: int
    seconds: float
    cpu_seconds: float
    tokens: int
    usd: float


class Instants:
    """All instants of a run, added to event by event."""

    def __init__(self) -> None:
        self._items: dict[str, list[Item]] = {group: [] for group in GROUPS}
        self._since: dict[str, array[int]] = {group: array("q") for group in GROUPS}
        self._settled = array("q")
        self._open: dict[str, Item] = {}
        self._world = 0
        self._experiments, self._tokens = array("q"), array("q")
        self._seconds, self._cpu, self._usd = array("d"), array("d"), array("d")
        self._limits: list[tuple[int, Limits]] = []
        self._before, self._session, self._last, self._stopped = 0.0, 0.0, 0.0, False

    def take(self, event: Event, world: World, progress: Progress) -> None:
        """Take in an event that the world model and the progress have just taken in."""
        graph = world.graph
        for name in latest(graph, len(graph) - self._world):
            told = dict(graph.nodes[name])
            if told["kind"] == "finding":  # it answers one hypothesis
                told["statement"] = graph.nodes[next(graph.successors(name))].get("statement", "")
            self._add(name, told, event.seq)
        self._world = len(graph)
        if event.kind == "branch.concluded" and self._open:
            name = f"open {graph.nodes[event.payload['hypothesis']].get('parent')}"
            if name in self._open and not world.is_open(name):
                self._open.pop(name).until = event.seq
                self._settled.append(event.seq)
        self._clock(event.kind, datetime.fromisoformat(event.time).timestamp())
        if event.kind in ("run.started", "budget.changed"):
            p = progress
            limits = Limits(p.budget or None, p.minutes or None, p.max_cpu_seconds, p.max_tokens, p.max_usd)
            self._limits.append((event.seq, limits))
        self._experiments.append(progress.experiments)
        self._tokens.append(progress.tokens)
        self._seconds.append(self._before + self._last - self._session)
        self._cpu.append(progress.cpu_seconds)
        self._usd.append(progress.usd)

    def _clock(self, kind: str, at: float) -> None:
        """Time counts from the start, or from where the run went on, to the last thing that the run itself did."""
        if kind in ("run.started", "run.resumed"):
            self._before += self._last - self._session
            self._session = self._last = at
            self._stopped = False
        elif not self._stopped and kind not in ROLES:
            self._last = at
        if kind == "run.stopped":
            self._stopped = True

    def _add(self, name: str, told: dict[str, Any], seq: int) -> None:
        group = told.pop("kind")
        if group not in self._items:
            return
        item = Item(name, told, seq)
        self._items[group].append(item)
        self._since[group].append(seq)
        if group == "open":
            self._open[name] = item

    def known(self, seq: int, latest: int) -> dict[str, Known]:
        """Each group of the world model after an event, with its `latest` items, newest first."""
        found = {}
        for group, items in self._items.items():
            there = bisect_right(self._since[group], seq)
            fresh = there - bisect_right(self._since[group], seq - 1)
            count = there - (bisect_right(self._settled, seq) if group == "open" else 0)
            shown: list[Item] = []
            place = there
            while place and len(shown) < min(latest, count):
                place -= 1
                if items[place].until > seq:
                    shown.append(items[place])
            found[group] = Known(count, fresh, tuple(shown))
        return found

    def spent(self, seq: int) -> Spent:
        """What was spent after an event."""
        place = bisect_right(self._limits, seq, key=lambda pair: pair[0]) - 1
        return Spent(
            self._limits[place][1] if place >= 0 else Limits(None, None, None, None, None),
            self._experiments[seq],
            self._seconds[seq],
            self._cpu[seq],
            self._tokens[seq],
            self._usd[seq],
        )


def latest(graph: nx.DiGraph[str], count: int) -> list[str]:
    """The last `count` nodes that a graph was given, in their order. Networkx keeps nodes in the order they came."""
    return list(islice(reversed(graph._node), count))[::-1] if count > 0 else []
