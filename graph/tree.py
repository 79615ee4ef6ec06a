"""The exploration tree: a networkx projection of the event log, rebuilt byte for byte."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import networkx as nx

from evidentia.graph import guidance, works
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.records import Event, Node

ROOT = "N000"


class Tree:
    """The tree of one run, built by applying events in order."""

    def __init__(self) -> None:
        self.graph: nx.DiGraph[str] = nx.DiGraph()
        self.node_of: dict[str, str] = {}
        self.working: dict[str, str] = {}

    def apply(self, event: Event) -> None:
        """Take one event into the tree. Events that do not concern it change nothing."""
        handler = _HANDLERS.get(event.kind)
        if handler:
            handler(self, event.payload, event.seq)

    def node(self, name: str) -> Node:
        """The node's record. Raises KeyError for an unknown name."""
        found: Node = self.graph.nodes[name]["node"]
        return found

    def status(self, name: str) -> str:
        """``open``, ``running``, or the outcome of a branch, an attack or a repair; empty for nodes that are not
        experiments."""
        status: str = self.graph.nodes[name].get("status", "")
        return status

    def attributes(self, name: str) -> dict[str, Any]:
        """What the tree knows of a node beyond its record: status, kind of work, hypothesis, package, claims."""
        return {k: v for k, v in self.graph.nodes[name].items() if k != "node"}

    def children(self, name: str) -> list[str]:
        """Child nodes in the order they came."""
        return sorted(self.graph.successors(name))

    def works(self, name: str) -> list[str]:
        """The repairs and attacks below an experiment, each followed by its own."""
        below = [c for c in self.children(name) if self.attributes(c).get("work") in works.KINDS]
        return [found for child in below for found in (child, *self.works(child))]

    def path(self, name: str) -> list[Node]:
        """The nodes from the root to `name`."""
        found = [self.node(name)]
        while found[-1].parent:
            found.append(self.node(found[-1].parent))
        return found[::-1]

    def add(self, node: Node, **attributes: Any) -> None:
        """Add a node below its parent. Raises ValueError for an unknown parent, or one that is a dead end."""
        if node.parent is not None:
            if node.parent not in self.graph:
                raise ValueError(f"the node {node.id} names the unknown parent {node.parent}")
            if self.node(node.parent).type == "dead_end":
                raise ValueError(f"the dead end {node.parent} cannot have children")
        self.graph.add_node(node.id, node=node, **attributes)
        if node.parent is not None:
            self.graph.add_edge(node.parent, node.id)

    def to_bytes(self) -> bytes:
        """Canonical JSON of all nodes with their attributes, by name."""
        return canonical([{**self.node(name).to_json(), **self.attributes(name)} for name in sorted(self.graph.nodes)])

    @property
    def digest(self) -> str:
        """SHA-256 of `to_bytes`."""
        return sha256(self.to_bytes())


def build_tree(events: Iterable[Event]) -> Tree:
    """The tree after the given events."""
    tree = Tree()
    for event in events:
        tree.apply(event)
    return tree


def _started(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    question = payload["brief"]["question"]
    tree.add(Node(id=ROOT, type="question", title=question, parent=None, fields={"description": question}))


def _decided(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    tree.add(
        Node(
            id=payload["node"],
            type="decision",
            title=payload["choice"],
            parent=payload.get("parent", ROOT),
            source_refs=(f"event {seq}",),
            fields={"choice": payload["choice"], "alternatives": payload["alternatives"], **_provenance(payload)},
        )
    )


def _provenance(payload: dict[str, Any]) -> dict[str, str]:
    """Whose word it is, where the log says so: ARA's ``user`` for what a person noted."""
    return {"provenance": payload["provenance"]} if "provenance" in payload else {}


def _pivoted(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    names = ("from", "to", "trigger")
    tree.add(
        Node(
            id=payload["node"],
            type="pivot",
            title=payload["title"],
            parent=payload["parent"],
            source_refs=(f"event {seq}",),
            fields={**{name: payload[name] for name in names}, **_provenance(payload)},
        )
    )


def _capturing(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    for hypothesis in payload["hypotheses"]:
        tree.graph.nodes[tree.node_of[hypothesis]]["status"] = "running"


def _captured(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    for hypothesis in payload["hypotheses"]:
        name = tree.node_of[hypothesis]
        node = tree.node(name)
        told = "; ".join(text for text in (node.fields["result"], payload["result"]) if text)
        tree.graph.nodes[name]["node"] = node.model_copy(update={"fields": {**node.fields, "result": told}})
        tree.graph.nodes[name]["status"] = "recorded"


def _dead_end_noted(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    _dead_end(tree, tree.node_of[payload["hypothesis"]], payload["title"], payload["dead_end"], payload, seq)


def _dead_end(tree: Tree, parent: str, title: str, dead_end: dict[str, Any], payload: dict[str, Any], seq: int) -> None:
    tree.add(
        Node(
            id=f"{parent}x",
            type="dead_end",
            title=title,
            parent=parent,
            source_refs=(f"event {seq}",),
            fields={**dead_end, **_provenance(payload)},
        )
    )


def _registered(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    hypothesis = payload["hypothesis"]
    parent = payload["parent"]
    if pivot := payload.get("pivot"):
        origin = tree.node(parent)
        tree.add(
            Node(
                id=pivot,
                type="pivot",
                title=f"From “{origin.title}” to “{hypothesis['title']}”",
                parent=parent,
                source_refs=(f"event {seq}",),
                fields={"from": origin.title, "to": hypothesis["title"], "trigger": hypothesis["trigger"]},
            )
        )
        parent = pivot
    dead_end = payload.get("dead_end")
    result = {"hypothesis": hypothesis["statement"], "result": "", "evidence": []}
    node = Node(
        id=payload["node"],
        type="dead_end" if dead_end else "experiment",
        title=hypothesis["title"],
        parent=parent,
        source_refs=(f"event {seq}",),
        fields={**(dead_end or result), **_provenance(payload)},
    )
    told = {"work": payload["work"]} if "work" in payload else {}
    if "suggestion" in payload:
        told["by"] = payload["by"]["name"]
    tree.add(node, status="open", hypothesis=payload["id"], form=hypothesis["form"], **told)
    tree.node_of[payload["id"]] = payload["node"]


def _stage_entered(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    tree.add(
        Node(
            id=payload["node"],
            type="decision",
            title=f"Stage {payload['stage']}: {payload['because']}",
            parent=ROOT,
            source_refs=(f"event {seq}",),
            fields={"choice": f"go on with {payload['stage']}", "alternatives": payload["alternatives"]},
        )
    )


def _selected(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    if stage := payload.get("stage"):
        for hypothesis in payload["hypotheses"]:
            tree.graph.nodes[tree.node_of[hypothesis]]["stage"] = stage


def _aggregated(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    parent = tree.node_of[payload["hypothesis"]]
    fields = {"hypothesis": payload["statement"], "result": payload["result"], "evidence": payload["evidence"]}
    node = Node(
        id=payload["node"],
        type="experiment",
        title=payload["title"],
        parent=parent,
        also_depends_on=tuple(tree.node_of[r] for r in payload["replicas"]),
        source_refs=(f"event {seq}",),
        fields=fields,
    )
    tree.add(node, status=payload["outcome"], work="aggregate")


def _planned(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    name = tree.node_of[payload["experiment"]["hypothesis"]]
    if tree.graph.nodes[name]["status"] == "open":
        tree.graph.nodes[name]["status"] = "running"
    if "node" in payload:
        works.planned(tree, payload, seq)


def _concluded(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    name = tree.node_of[payload["hypothesis"]]
    data = tree.graph.nodes[name]
    node = tree.node(name)
    claims = payload["claims"]
    if node.type == "experiment":
        data["node"] = node.model_copy(
            update={"fields": {**node.fields, "result": payload["result"], "evidence": payload["evidence"]}}
        )
    data["status"] = payload["outcome"]
    data["claims"] = {
        "total": len(claims),
        "decided": sum(c["status"] != "inconclusive" for c in claims),
        "supported": sum(c["status"] == "supported" for c in claims),
    }
    if (dead_end := payload["dead_end"]) and node.type == "experiment" and f"{name}x" not in tree.graph:
        _dead_end(tree, name, dead_end["failure_mode"], dead_end, {}, seq)


def _compiled(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    tree.graph.nodes[tree.node_of[payload["hypothesis"]]]["package"] = payload["package"]


_HANDLERS = {
    "run.started": _started,
    "decision.made": _decided,
    "pivot.made": _pivoted,
    "capture.started": _capturing,
    "capture.ended": _captured,
    "dead_end.noted": _dead_end_noted,
    "hypothesis.registered": _registered,
    "stage.entered": _stage_entered,
    "round.selected": _selected,
    "replicas.aggregated": _aggregated,
    "experiment.planned": _planned,
    "experiment.finished": works.finished,
    "falsification.done": works.attacked,
    "branch.concluded": _concluded,
    "package.compiled": _compiled,
    "approval.given": guidance.answered,
    "branch.pruned": guidance.pruned,
    "node.pinned": guidance.pinned,
}
