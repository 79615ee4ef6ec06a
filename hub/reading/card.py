"""The card of a package: what an agent must know to decide whether to read on, in at most `MOST_TOKENS` tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Claim

MOST_TOKENS = 400
HEAD, SENTENCE = 60, 45
_PIECE = re.compile(r"[A-Za-z]+|[0-9]+|[^\x00-\x7f]|[^\sA-Za-z0-9]|\n")


def tokens(text: str) -> int:
    """Tokens of a text, counted from above without any model's tables: six letters, three digits, one sign each; a
    character beyond ASCII counts two."""
    return sum(_cost(piece[0]) for piece in _PIECE.finditer(text))


def _cost(piece: str) -> int:
    if not piece.isascii():
        return 2
    if piece.isalpha():
        return -(-len(piece) // 6)
    return -(-len(piece) // 3) if piece.isdigit() else 1


def cut(text: str, most: int) -> str:
    """The beginning of a text on one line, of at most so many tokens; an ellipsis says that there is more."""
    text, used, end = " ".join(text.split()), 0, 0
    for piece in _PIECE.finditer(text):
        used += _cost(piece[0])
        if used > most - 2:
            return text if tokens(text) <= most else f"{text[:end].rstrip()}…"
        end = piece.end()
    return text


def card(manifest: Manifest, listed: Mapping[str, Any] | None = None) -> str:
    """The card: outcome, question, statement, conditions, claims with intervals, dead end, where to look.

    `listed` is the package in the shape of ``packages --json``, where it is published. Claims that do not fit are
    counted, not shown.
    """
    branch = manifest.branch
    marks = [manifest.outcome, manifest.category]
    if listed is not None:
        plus = "+" if listed["plus"] else ""
        marks += [
            f"verified L{listed['rung']}{plus}",
            f"attention {listed['attention']:g}",
            f"tension {listed['tension']}",
        ]
    lines = [
        f"{cut(manifest.title, SENTENCE)}",
        f"{cut(manifest.id, HEAD)} v{manifest.version}, {manifest.created[:10]}",
        cut("; ".join(marks), SENTENCE),
        f"Asked: {cut(manifest.question, SENTENCE)}",
        f"Tests: {cut(branch.hypothesis.statement, SENTENCE)}",
    ]
    last = []
    if branch.dead_end is not None:
        last.append(f"Dead end: {cut(branch.dead_end.failure_mode, SENTENCE)}")
    last.append(f"Evidence: {cut(', '.join(e.id for e in manifest.entry_points), 20)}")
    room = MOST_TOKENS - tokens("\n".join([*lines, *last])) - 2 - _ENDING
    shown = 0
    for claim in branch.claims:
        line = _claim(claim)
        if (cost := tokens(line) + 1) > room:
            break
        room, shown = room - cost, shown + 1
        lines.append(line)
    if more := len(branch.claims) - shown:
        lines.append(f"and {more} more claims")
    return "\n".join([*lines, *last])


_ENDING = 6
"""What the line that counts the claims left out may take."""


def _claim(claim: Claim) -> str:
    said = "; ".join(part for part in (cut(claim.statement, SENTENCE), cut(quantity(claim), 40)) if part)
    return f"{cut(claim.id, 6)} {claim.status}: {said}"
