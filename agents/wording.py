"""Names, values and lists as a reader says them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evidentia.workspace.records import Value


def words(name: str) -> str:
    """A name as a reader says it: ``hit_rate`` → ``hit rate``."""
    return name.replace("_", " ")


def told(conditions: Mapping[str, Value]) -> str:
    """Conditions in words: ``capacity 100, warmup 0``."""
    return ", ".join(f"{words(k)} {number(v)}" for k, v in conditions.items())


def number(value: Value) -> str:
    """A value in a sentence; whole numbers without a fraction, thousands apart."""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:g}"


def listed(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return ", ".join(items) if len(items) < 2 else ", ".join(items[:-1]) + " and " + items[-1]
