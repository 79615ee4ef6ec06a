"""A model's own sentences, made fit for a package: plain, short, English, and without any number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from evidentia.agents.minds.llm.quoting import one_line

LONGEST = 500
_MARKUP = re.compile(r"[<>|`*#\[\]{}\\~^$]|https?://\S+|www\.\S+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_DIGIT = re.compile(r"\d")
_COMMON = frozenset(
    ("the", "of", "to", "is", "are", "and", "that", "it", "for", "with", "not", "by", "than", "this", "be")
)
ENOUGH_WORDS = 12
"""In fewer words a language cannot be told."""
FOREIGN = 0.2


def sentences(text: str, known: Iterable[str] = (), *, longest: int = LONGEST) -> str:
    """The sentences of a model's text that a package may hold, on one line; empty if there are none.

    Markup and addresses are taken out. A sentence with a number is left out, since a number reaches a reader through
    evidence only; digits inside the `known` names (``s3-fifo``) are no number. Text that is not English is left out.
    """
    plain = " ".join(_MARKUP.sub(" ", one_line(text, 4 * longest)).split())
    if not is_english(plain):
        return ""
    kept: list[str] = []
    for sentence in _SENTENCE.split(plain):
        if not _DIGIT.search(_without(sentence, known)) and sum(map(len, kept)) + len(sentence) <= longest:
            kept.append(sentence)
    return " ".join(kept)


def _without(sentence: str, names: Iterable[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        if _DIGIT.search(name):
            sentence = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.]*\d)", "", sentence, flags=re.I)
    return sentence


def is_english(text: str) -> bool:
    """Whether a text can be English: by its letters, and where it is long enough by its commonest words."""
    letters = [c for c in text if c.isalpha()]
    if letters and sum("LATIN" not in unicodedata.name(c, "") for c in letters) > FOREIGN * len(letters):
        return False
    words = re.findall(r"[a-z']+", text.lower())
    return len(words) < ENOUGH_WORDS or not _COMMON.isdisjoint(words)
