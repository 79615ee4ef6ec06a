"""How much a word tells: much if few entries of the bundled bibliography have it. Fixed, so results do not shift."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache, lru_cache

from evidentia.agents.literature.search import bibliography
from evidentia.agents.literature.tokens import tokens, words


@cache
def _counts() -> tuple[int, Counter[str]]:
    """The number of entries, and in how many of them each stem stands."""
    texts = [set(tokens(entry_text(entry["key"]))) for entry in bibliography().values()]
    return len(texts), Counter(stem for text in texts for stem in text)


def entry_text(key: str) -> str:
    """The words of a bundled entry that it is found and compared by."""
    entry = bibliography()[key]
    return " ".join((entry["title"], entry["note"], *entry["tags"]))


@lru_cache(maxsize=65_536)
def weight(stem: str) -> float:
    """ln((N + 1) / (n + 1/2)) for a stem in n of the N entries: above 0, and largest for one that is in none."""
    total, counts = _counts()
    return math.log((total + 1) / (counts[stem] + 0.5))


def telling(text: str, most: int) -> list[str]:
    """The words of a text to ask others for, as they stand and in their order; figures alone are none.

    Of more than `most` words those that the bibliography has come first, rarer ones before: the field's own words,
    which a service must not miss, not the odd ones.
    """
    found = [word for word in dict.fromkeys(words(text)) if not _figure(word)]
    ranked = sorted(found, key=lambda word: (not _known(word), -max(map(weight, tokens(word)), default=0.0)))
    chosen = set(ranked[:most])
    return [word for word in found if word in chosen]


def _known(word: str) -> bool:
    _, counts = _counts()
    return any(counts[stem] for stem in tokens(word))


def stems(text: str) -> frozenset[str]:
    """The stems of a text that are more than figures."""
    return frozenset(stem for stem in tokens(text) if not _figure(stem))


def _figure(word: str) -> bool:
    return word.replace(".", "").isdecimal()
