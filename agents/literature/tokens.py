"""One tokenizer for questions, kernel cards, bibliography entries and abstracts."""

from __future__ import annotations

import re

_FUNCTION_WORDS = (
    "a an and are as at be by do does for from how i in is it its much many of on or than that the their then there "
    "this to under versus vs was what when which while who why will with"
)
_STOP = frozenset(_FUNCTION_WORDS.split())
_WORD = re.compile(r"[a-z0-9]+(?:['.][a-z0-9]+)*")
_SUFFIXES = (("sses", "ss"), ("ies", "y"), ("ing", ""), ("ed", ""), ("s", ""))


def words(text: str) -> list[str]:
    """Lower-case words as they stand, without function words; hyphens separate."""
    return [word for word in _WORD.findall(text.lower().replace("-", " ")) if word not in _STOP]


def tokens(text: str) -> list[str]:
    """Lower-case word stems without function words; hyphens separate.

    Plural, -ed and -ing endings are taken off where four letters remain, so that a question and a card that
    say the same thing share their stems.
    """
    return [_stem(word) for word in words(text)]


def _stem(word: str) -> str:
    if word.endswith(("ss", "us", "is")) or not word.isalpha():
        return word
    for suffix, replacement in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) + len(replacement) >= 4:
            return word[: len(word) - len(suffix)] + replacement
    return word
