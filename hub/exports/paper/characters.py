"""Which characters a paper may show: those the typesetter's own fonts have; all others are named, none runs."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

LONGEST = 3000
"""Characters of one text; what is longer is cut and says so."""
CUT = " … (cut here; the whole text is in manifest.json)"
_LONG_WORD, _STEP, _MOST_MARKS = 24, 12, 3
_BREAK, _BOND = "\u200b", "\u00a0"
_QUANTITY = re.compile(
    r"(?<=\bn) = (?=\d)"  # n = 5
    r"|(?<=[\d.]), (?=[-−]?[\d.,]{1,12}\])"  # [1.2, 3.4]
    r"|(?<=\d) (?=(?:pp|%|ms|s|MiB)(?!\w))"  # 5 pp
)
_COVERED = (
    (0x0020, 0x007E),
    (0x00A0, 0x00AC),
    (0x00AE, 0x034E),
    (0x0350, 0x036F),
    (0x0370, 0x0377),
    (0x037A, 0x037F),
    (0x0384, 0x038A),
    (0x038C, 0x038C),
    (0x038E, 0x03A1),
    (0x03A3, 0x04FF),
    (0x05D0, 0x05EA),
    (0x0621, 0x063A),
    (0x0640, 0x0652),
    (0x0660, 0x0669),
    (0x1E00, 0x1F15),
    (0x2010, 0x2027),
    (0x2030, 0x205E),
    (0x2070, 0x2071),
    (0x2074, 0x208E),
    (0x2090, 0x209C),
    (0x20A0, 0x20BF),
    (0x2100, 0x2151),
    (0x2153, 0x2184),
    (0x2190, 0x23F3),
    (0x2460, 0x262F),
    (0x2701, 0x2704),
    (0x2713, 0x2718),
    (0x27C0, 0x2AFF),
)
"""Blocks that Libertinus, New Computer Modern and DejaVu Sans Mono, the fonts inside Typst, have between them."""
_STARTS = [low for low, _ in _COVERED]


def covered(character: str) -> bool:
    """Whether the bundled fonts have a shape for the character, and it is neither control nor formatting."""
    code = ord(character)
    place = bisect_right(_STARTS, code) - 1
    return place >= 0 and code <= _COVERED[place][1] and unicodedata.category(character)[0] != "C"


def shown(text: str, longest: int = LONGEST) -> str:
    """The text on one line as a paper shows it: white space folded, what cannot be shown named ``[U+202E]``."""
    flat = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text[:longest]))
    told, marks = [], 0
    for character in flat:
        marks = marks + 1 if unicodedata.combining(character) else 0
        fits = covered(character) and marks <= _MOST_MARKS
        told.append(character if fits else f"[U+{ord(character):04X}]")
    return "".join(told) + (CUT if len(text) > longest else "")


def breakable(text: str, longest: int = _LONG_WORD) -> str:
    """The text with places to break inside words that no line would hold, and none inside a quantity."""
    split = re.sub(rf"\S{{{longest + 1},}}", lambda match: _broken(match[0]), text)
    return _QUANTITY.sub(lambda match: match[0].replace(" ", _BOND), split)


def _broken(word: str) -> str:
    parts: list[str] = []
    since = 0
    for character in word:
        joins = unicodedata.combining(character) != 0
        if since >= _STEP and not joins:
            parts.append(_BREAK)
            since = 0
        parts.append(character)
        since += 1
        if character in "/_.:=&?@-+" and since > 3:
            parts.append(_BREAK)
            since = 0
    return "".join(parts)
