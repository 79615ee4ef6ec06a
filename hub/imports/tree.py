"""Exploration trees from outside: ARA's nested nodes, and lists of nodes that name their parents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evidentia.hub.imports.outside import plain
from evidentia.workspace.package.validator import NODE_FIELDS
from evidentia.workspace.records import Node

MOST_NODES, DEEPEST = 5000, 100


def read_nodes(data: Any) -> tuple[tuple[Node, ...], list[str]]:
    """The nodes of a tree, parents first, and what of it could not be read.

    `data` is ARA's ``{tree: [...]}`` with children nested, or ``{nodes: [...]}`` with parents named.
    """
    if data in (None, {}, []):
        return (), []
    roots = (data.get("tree") or data.get("nodes")) if isinstance(data, dict) else data
    if not isinstance(roots, list):
        return (), ["the exploration tree is not a list of nodes"]
    nodes: dict[str, Node] = {}
    faults: list[str] = []
    for count, (raw, above, depth) in enumerate(_walk(roots, None, 0)):
        if count >= MOST_NODES or depth >= DEEPEST:
            faults.append(
                f"the exploration tree has more than {MOST_NODES:,} nodes or {DEEPEST} levels; the rest is left"
            )
            break
        node = _node(raw, above)
        if isinstance(node, str):
            faults.append(node)
        elif node.id in nodes:
            faults.append(f"the node {node.id} stands twice; the second is left out")
        else:
            nodes[node.id] = node
    return _joined(nodes, faults), faults


def _walk(items: list[Any], above: str | None, depth: int) -> Iterator[tuple[Any, str | None, int]]:
    for item in items:
        yield item, above, depth
        if isinstance(item, dict) and isinstance(item.get("children"), list) and depth < DEEPEST:
            yield from _walk(item["children"], plain(item.get("id"), 60) or above, depth + 1)


def _node(raw: Any, above: str | None) -> Node | str:
    if not isinstance(raw, dict) or not plain(raw.get("id"), 60):
        return "a node of the exploration tree has no id; it is left out"
    name = plain(raw["id"], 60)
    kind = plain(raw.get("type"), 20) or plain(raw.get("status"), 20)
    wanted = NODE_FIELDS.get(kind)
    if wanted is None:
        return f"the node {name} is of the type {kind or 'that is not stated'!r}; it is left out of the tree"
    fields: dict[str, Any] = {}
    for field in wanted:
        value = raw.get(field)
        if field == "alternatives" and isinstance(value, list):
            fields[field] = [plain(v) for v in value[:50]]
        elif text := plain(value):
            fields[field] = text
        else:
            return f"the node {name} is a {kind} without {field}; it is left out of the tree"
    parents = [plain(p, 60) for p in raw.get("parents", []) if plain(p, 60)] if _is_list(raw, "parents") else []
    others = [plain(p, 60) for p in raw.get("also_depends_on", [])] if _is_list(raw, "also_depends_on") else []
    parent = above or plain(raw.get("parent"), 60) or next(iter(parents), None)
    return Node(
        id=name,
        type=kind,
        title=plain(raw.get("title"), 300) or plain(fields[wanted[0]], 80),
        parent=parent,
        also_depends_on=tuple(dict.fromkeys([*parents[1:], *others])),
        support_level="inferred" if raw.get("support_level") == "inferred" else "explicit",
        source_refs=tuple(plain(r, 300) for r in raw.get("source_refs", [])) if _is_list(raw, "source_refs") else (),
        fields=fields,
    )


def _is_list(raw: dict[str, Any], field: str) -> bool:
    return isinstance(raw.get(field), list)


def _joined(nodes: dict[str, Node], faults: list[str]) -> tuple[Node, ...]:
    """The nodes with only such parents as there are; a circle is cut where it closes."""
    kept: dict[str, Node] = {}
    for name, node in nodes.items():
        others = tuple(o for o in node.also_depends_on if o in nodes)
        parent = node.parent if node.parent in nodes and not _circle(nodes, name) else None
        if parent is None and node.parent:
            faults.append(f"the node {name} names the parent {node.parent}, which is not in the tree or below it")
        kept[name] = node.model_copy(update={"parent": parent, "also_depends_on": others})
    return tuple(kept.values())


def _circle(nodes: dict[str, Node], name: str) -> bool:
    seen, at = set(), nodes[name].parent
    while at in nodes and at not in seen:
        if at == name:
            return True
        seen.add(at)
        at = nodes[str(at)].parent
    return False
