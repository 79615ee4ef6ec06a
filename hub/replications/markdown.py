"""Text for the page's tables."""

from __future__ import annotations


def cell(text: str) -> str:
    """Text for a cell of a table: one line, nothing of it read as Markdown's own."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "|<>*_`[]#" else c for c in flat)
