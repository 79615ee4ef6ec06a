"""What people decide, as it shows in the exploration tree: pins as decisions, what they closed as dead ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evidentia.workspace.records import Node

if TYPE_CHECKING:
    from evidentia.graph.tree import Tree

PRUNED = "pruned"
"""The status of a node that a person closed before anything was measured for it."""


def pinned(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    """A decision below the node that it is about."""
    tree.add(
        Node(
            id=payload["node"],
            type="decision",
            title=payload["decision"],
            parent=payload["parent"],
            source_refs=(f"event {seq}",),
            fields={
                "choice": payload["decision"],
                "alternatives": payload["alternatives"],
                "rationale": payload["why"],
                "provenance": "user",
            },
        ),
        by=payload["by"]["name"],
    )


def pruned(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    """A dead end below the node, and all that is open below it closed; a running branch ends by itself."""
    name = payload["node"]
    tree.graph.nodes[name]["pruned"] = payload["by"]["name"]
    below = [name]
    while below:
        node = below.pop()
        below += tree.children(node)
        if tree.status(node) == "open":
            tree.graph.nodes[node]["status"] = PRUNED
            if node == name:
                _close(tree, node, "pruned", payload, seq)


def answered(tree: Tree, payload: dict[str, Any], seq: int) -> None:
    """Experiments that a person refused are closed; a package that they withheld is noted."""
    if payload["gate"] == "experiments":
        for hypothesis in payload["closed"]:
            node = tree.node_of[hypothesis]
            tree.graph.nodes[node]["status"] = PRUNED
            _close(tree, node, "refused before it was measured", payload, seq)
    elif payload["gate"] == "packages":
        for hypothesis in payload["dropped"]:
            tree.graph.nodes[tree.node_of[hypothesis]]["withheld"] = payload["by"]["name"]


def _close(tree: Tree, node: str, how: str, payload: dict[str, Any], seq: int) -> None:
    name, why = payload["by"]["name"], payload["why"]
    mode = f"{how} by {name}" + (f": {why}" if why else "")
    statement = tree.node(node).fields.get("hypothesis", tree.node(node).title)
    fields = {
        "hypothesis": statement,
        "failure_mode": mode,
        "lesson": "Nothing was learned of the hypothesis itself: a person closed it.",
        "provenance": "user",
    }
    tree.add(
        Node(id=f"{node}x", type="dead_end", title=mode, parent=node, source_refs=(f"event {seq}",), fields=fields)
    )
