"""YAML from outside, measured before anything walks it: aliases can make a short text endlessly large."""

from __future__ import annotations

import yaml

from evidentia.errors import BadInputError

MOST_NODES = 200_000


def expanded(text: str) -> int:
    """How many nodes the YAML has once its aliases are followed.

    Raises BadInputError when there are more than `MOST_NODES`, or a node holds itself; a text that is no YAML counts
    as none, for its reader to name the fault.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        return _size(root, {}) if root is not None else 0
    except yaml.YAMLError:
        return 0
    except RecursionError:
        raise BadInputError("the YAML is nested without end; it is refused") from None


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    if id(node) in known:
        return known[id(node)]
    total = 1
    if isinstance(node, yaml.MappingNode):
        total += sum(_size(key, known) + _size(value, known) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        total += sum(_size(item, known) for item in node.value)
    if total > MOST_NODES:
        raise BadInputError(f"the YAML has more than {MOST_NODES:,} nodes once its aliases are followed")
    known[id(node)] = total
    return total
