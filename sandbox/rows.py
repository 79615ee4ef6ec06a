"""Finding the result rows among what a command printed and wrote."""

from __future__ import annotations

from collections.abc import Mapping

from evidentia.sandbox.strict_json import strict_json_lines

ROWS = "rows.jsonl"


def gather_rows(outputs: Mapping[str, bytes], stdout: bytes) -> bytes:
    """The result rows a command left, as JSON lines; empty if it left none.

    The file ``rows.jsonl`` among the outputs holds them; without it, every other ``.jsonl`` file whose first line
    is a row; without those, the lines of standard output that are rows. A row is a JSON object with a text
    ``system`` and a whole number ``seed``. What a file holds is taken as it stands: whoever reads it must check it.
    """
    if ROWS in outputs:
        return outputs[ROWS]
    files = [data for name, data in sorted(outputs.items()) if name.endswith(".jsonl") and _begins_with_a_row(data)]
    if files:
        return b"".join(data if data.endswith(b"\n") else data + b"\n" for data in files)
    return b"".join(line.strip() + b"\n" for line in stdout.split(b"\n") if _is_row(line))


def _begins_with_a_row(data: bytes) -> bool:
    return _is_row(data.lstrip().split(b"\n", 1)[0])


def _is_row(line: bytes) -> bool:
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        found = strict_json_lines(line)
    except ValueError:
        return False
    return len(found) == 1 and is_row(found[0])


def is_row(value: Mapping[str, object]) -> bool:
    """Whether a JSON object has what makes it a result row: a text ``system`` and a whole number ``seed``."""
    return isinstance(value.get("system"), str) and type(value.get("seed")) is int
