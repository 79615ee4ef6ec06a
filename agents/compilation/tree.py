"""The branch's part of the exploration tree as ARA's nested YAML."""

from __future__ import annotations

from typing import Any

import yaml

from evidentia.workspace.records import Branch, Node


def exploration_tree(branch: Branch) -> bytes:
    """The path from the root question to the branch's end, nodes renumbered N01… from the root down."""
    names = {node.id: f"N{i:02d}" for i, node in enumerate(branch.path, start=1)}
    below: list[dict[str, Any]] = []
    for node in reversed(branch.path):
        entry = _entry(node, names)
        if below and node.type != "dead_end":
            entry["children"] = below
        below = [entry]
    text: str = yaml.safe_dump({"tree": below}, sort_keys=False, allow_unicode=True, width=100)
    return text.encode()


def _entry(node: Node, names: dict[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": names[node.id],
        "type": node.type,
        "title": node.title,
        "support_level": node.support_level,
        "source_refs": [*node.source_refs, f"node {node.id} of the run's tree"],
        **{k: list(v) if isinstance(v, tuple) else v for k, v in node.fields.items()},
    }
    kept = [names[n] for n in node.also_depends_on if n in names]
    return {**entry, "also_depends_on": kept} if kept else entry
