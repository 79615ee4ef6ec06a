"""Reading what an experiment wrote: JSON without NaN, duplicate keys, bottomless nesting or endless length."""

from __future__ import annotations

import json
from typing import Any

MAX_DEPTH = 32
MAX_ROWS = 1_000_000


def strict_json(data: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text. Raises ValueError that names the fault."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None
    _bound_depth(text, max_depth)
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON at column {error.colno}: {error.msg}") from None


def strict_json_lines(data: bytes, *, max_rows: int = MAX_ROWS) -> list[dict[str, Any]]:
    """The rows of a JSON-lines text, each an object of plain values. Raises ValueError naming line and fault."""
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        if len(rows) >= max_rows:
            raise ValueError(f"line {number}: more than {max_rows} rows")
        try:
            row = strict_json(line, max_depth=2)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if not isinstance(row, dict):
            raise ValueError(f"line {number}: a row must be an object")
        for key, value in row.items():
            if not isinstance(value, str | int | float | bool):
                raise ValueError(f"line {number}: {key} must be a number, a text or true/false")
        rows.append(row)
    return rows


def _bound_depth(text: str, max_depth: int) -> None:
    depth, in_string, escaped = 0, False, False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > max_depth:
                raise ValueError(f"nested deeper than {max_depth}")
        elif character in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number JSON knows")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:20]} is out of range")
    return value


def _whole(text: str) -> int:
    if len(text) > 20:
        raise ValueError("a whole number of more than 20 digits")
    return int(text)
