"""The world model of a run: what is asked, known, still open, given and learned, as one graph that all agents share.

A networkx projection of the log. Nodes have a `kind`: ``question`` (the brief's), ``constraint`` (what the brief fixes,
what a stage or a refused experiment showed to be impossible), ``hypothesis``, ``finding`` (its outcome), ``open``
(a finding that decided nothing) and ``lesson`` (of a dead end, of this run or an earlier one). Edges have a
`relation`: ``asks``, ``holds for``, ``follows``, ``answers``, ``leaves open``, ``teaches``, ``warns of``,
``replicates``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networkx as nx

from evidentia.workspace.records import Event

QUESTION = "question"


class World:
    """The graph, built by applying events in order. Only `apply` changes it."""

    def __init__(self) -> None:
        self.graph: nx.DiGraph[str] = nx.DiGraph()
        self._open: dict[str, None] = {}
        self._lessons: dict[str, None] = {}
        self._constraints: dict[str, None] = {}

    def apply(self, event: Event) -> None:
        """Take one event in. Events that teach nothing change nothing."""
        handler = _HANDLERS.get(event.kind)
        if handler:
            handler(self, event.payload)

    def open_questions(self) -> Iterator[dict[str, Any]]:
        """What was tested and not decided, oldest first: `hypothesis`, `statement`, `form`, `why`."""
        return (dict(self.graph.nodes[name]) for name in self._open)

    def is_open(self, name: str) -> bool:
        """Whether a node of the kind ``open`` is still undecided."""
        return name in self._open

    def lessons(self) -> Iterator[dict[str, Any]]:
        """What dead ends taught, oldest first: `statement`, `failure_mode`, `text`; `package` where it is an earlier
        run's."""
        return (dict(self.graph.nodes[name]) for name in self._lessons)

    def constraints(self) -> Iterator[dict[str, Any]]:
        """What holds for everything in this run, each with a `text`."""
        return (dict(self.graph.nodes[name]) for name in self._constraints)

    def depth(self, hypothesis: str) -> int:
        """How many findings a hypothesis follows from, one after the other."""
        depth = 0
        while hypothesis in self.graph and (parent := self.graph.nodes[hypothesis].get("parent")):
            depth, hypothesis = depth + 1, parent
        return depth

    def of_kind(self, kind: str) -> list[str]:
        """The names of all nodes of a kind, oldest first."""
        return [name for name, data in self.graph.nodes(data=True) if data["kind"] == kind]

    def _add(self, name: str, kind: str, **told: Any) -> None:
        self.graph.add_node(name, kind=kind, **told)

    def _constrain(self, name: str, text: str, about: str = QUESTION) -> None:
        self._add(name, "constraint", text=text)
        self._constraints[name] = None
        self.graph.add_edge(name, about, relation="holds for")

    def _learn(self, name: str, about: str, relation: str, dead_end: dict[str, Any], package: str = "") -> None:
        told = {"statement": dead_end["hypothesis"], "failure_mode": dead_end["failure_mode"]}
        self._add(name, "lesson", text=dead_end["lesson"], package=package, **told)
        self._lessons[name] = None
        self.graph.add_edge(name, about, relation=relation)


def _started(world: World, payload: dict[str, Any]) -> None:
    brief = payload["brief"]
    world._add(QUESTION, "question", text=brief["question"])
    for name, value in brief.get("conditions", {}).items():
        world._constrain(f"constraint {name}", f"{name} is fixed at {value}")
    for name, value in (brief.get("budget") or {}).items():
        if value is not None and not isinstance(value, dict):
            world._constrain(f"constraint {name}", f"{name.replace('_', ' ')} is {value}")


def _lesson_offered(world: World, payload: dict[str, Any]) -> None:
    for lesson in payload["lessons"]:
        dead_end = {"hypothesis": lesson["statement"], **lesson}
        world._learn(f"lesson {lesson['package']}", QUESTION, "warns of", dead_end, lesson["package"])


def _registered(world: World, payload: dict[str, Any]) -> None:
    hypothesis, name = payload["hypothesis"], payload["id"]
    parent = hypothesis.get("parent")
    world._add(name, "hypothesis", statement=hypothesis["statement"], form=hypothesis["form"], parent=parent)
    if parent and parent in world.graph:
        relation = "replicates" if payload.get("replicates") else "follows"
        world.graph.add_edge(name, parent, relation=relation)
    elif QUESTION in world.graph:
        world.graph.add_edge(QUESTION, name, relation="asks")


def _concluded(world: World, payload: dict[str, Any]) -> None:
    name = payload["hypothesis"]
    told = world.graph.nodes[name]
    finding = f"finding {name}"
    world._add(finding, "finding", outcome=payload["outcome"], result=payload["result"])
    world.graph.add_edge(finding, name, relation="answers")
    if payload["outcome"] == "null":
        why = (payload["dead_end"] or {}).get("failure_mode", "")
        world._add(f"open {name}", "open", hypothesis=name, statement=told["statement"], form=told["form"], why=why)
        world.graph.add_edge(finding, f"open {name}", relation="leaves open")
        world._open[f"open {name}"] = None
    if payload["dead_end"]:
        world._learn(f"lesson {name}", finding, "teaches", payload["dead_end"])
    parent = told.get("parent")
    if payload["outcome"] in ("supported", "refuted") and f"open {parent}" in world._open:
        del world._open[f"open {parent}"]  # a follow-up has decided what was left open


def _infeasible(world: World, payload: dict[str, Any]) -> None:
    if payload.get("infeasible"):
        for family in payload["infeasible"]:
            world._constrain(f"constraint {family}", f"nothing of {family} could be measured here")


def _pinned(world: World, payload: dict[str, Any]) -> None:
    about = payload["hypothesis"] if payload["hypothesis"] in world.graph else QUESTION
    because = f", because {payload['why']}" if payload["why"] else ""
    world._constrain(f"constraint {payload['node']}", f"a person has decided: {payload['decision']}{because}", about)


def _budget_changed(world: World, payload: dict[str, Any]) -> None:
    for name, value in payload["budget"].items():
        limit = "without limit" if value is None else value
        world._constrain(f"constraint {name}", f"{name.replace('_', ' ')} is {limit}")


_HANDLERS = {
    "run.started": _started,
    "lessons.offered": _lesson_offered,
    "hypothesis.registered": _registered,
    "branch.concluded": _concluded,
    "stage.entered": _infeasible,
    "node.pinned": _pinned,
    "budget.changed": _budget_changed,
}
