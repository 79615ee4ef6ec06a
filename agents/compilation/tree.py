"""The branch's part of the exploration tree as ARA's nested YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from evidentia.workspace.records import Branch, Node


def exploration_tree(branch: Branch) -> bytes:
    """The path from the root question to the branch's end, with the repairs and attacks beside it; nodes are
    renumbered N01… in the order in which they are told."""
    below: dict[str | None, list[Node]] = {}
    for node in sorted((*branch.path, *branch.siblings), key=lambda n: n.type == "dead_end"):  # an end is told last
        below.setdefault(node.parent, []).append(node)
    roots = below[branch.path[0].parent]
    names = {node.id: f"N{i:02d}" for i, node in enumerate(_walk(roots, below), start=1)}
    text: str = yaml.safe_dump(
        {"tree": [_entry(n, below, names) for n in roots]}, sort_keys=False, allow_unicode=True, width=100
    )
    return text.encode()


def _walk(nodes: Iterable[Node], below: dict[str | None, list[Node]]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _walk(below.get(node.id, ()), below)


def _entry(node: Node, below: dict[str | None, list[Node]], names: dict[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": names[node.id],
        "type": node.type,
        "title": node.title,
        "support_level": node.support_level,
        "source_refs": [*node.source_refs, f"node {node.id} of the run's tree"],
        **{k: list(v) if isinstance(v, tuple) else v for k, v in node.fields.items()},
    }
    if kept := [names[n] for n in node.also_depends_on if n in names]:
        entry["also_depends_on"] = kept
    if children := below.get(node.id):
        entry["children"] = [_entry(c, below, names) for c in children]
    return entry
