"""How new the words of an idea are beside the papers that were looked at. New words are no proof of a new idea.

The overlap of a statement with a paper is the share of the statement's words that stand in the paper's title,
abstract or note, each word weighted by how much it tells (`rarity.weight`). The novelty is one less the largest
overlap: 0 when one paper has all the words, 1 when none has any. It is a measure of wording: an old idea in other
words looks new, and a new twist in the field's usual words looks old. So no step decides by it; it says what to read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache, lru_cache

from evidentia.agents.literature.paper import Paper
from evidentia.agents.literature.rarity import entry_text, stems, weight
from evidentia.agents.literature.search import bibliography
from evidentia.workspace.records import Record

SHOWN = 3
MOST_SHARED = 12
LIMIT = "Compared by words only: an old idea in other words looks new, and a new one in usual words looks old."


class Near(Record):
    """A paper near a statement: the overlap in [0, 1], and the stems that both have, most telling first."""

    key: str
    title: str
    overlap: float
    shared: tuple[str, ...]


class Novelty(Record):
    """What came of comparing a statement: novelty in [0, 1], the nearest papers, how many were looked at, in words.

    `usual` is the median novelty of the bundled papers' own titles, each beside the other papers.
    """

    novelty: float
    usual: float
    nearest: tuple[Near, ...]
    looked_at: int
    told: str


def judge(statement: str, papers: Iterable[Paper] = ()) -> Novelty:
    """Compare a statement with the bundled bibliography and the papers a look-up found.

    One more paper never raises the novelty; a statement without telling words has novelty 0 and no nearest paper.
    """
    texts = {key: (entry["title"], _stems_of(key)) for key, entry in bibliography().items()}
    texts |= {p.key: (p.title, _stems_in(f"{p.title} {p.abstract}")) for p in papers}
    wanted = stems(statement)
    if not wanted:
        told = f"The statement has no word that could be compared. {LIMIT}"
        return Novelty(novelty=0.0, usual=usual(), nearest=(), looked_at=len(texts), told=told)
    ranked = sorted(
        ((overlap(wanted, held), key) for key, (_, held) in texts.items()), key=lambda pair: (-pair[0], pair[1])
    )
    nearest = tuple(
        Near(key=key, title=texts[key][0], overlap=round(share, 4), shared=_shared(wanted, texts[key][1]))
        for share, key in ranked[:SHOWN]
        if share > 0
    )
    return Novelty(
        novelty=round(1 - ranked[0][0], 4),
        usual=usual(),
        nearest=nearest,
        looked_at=len(texts),
        told=_told(nearest, len(texts)),
    )


def overlap(wanted: frozenset[str], held: frozenset[str]) -> float:
    """The share of the wanted stems' weight that the held ones have; 0 where nothing is wanted."""
    total = _weight_of(wanted)
    return min(1.0, _weight_of(wanted & held) / total) if total else 0.0


@cache
def usual() -> float:
    """The median, over the bundled papers, of the novelty of a title beside all other bundled papers."""
    found = []
    for key, entry in bibliography().items():
        wanted = stems(entry["title"])
        found.append(1 - max(overlap(wanted, _stems_of(other)) for other in bibliography() if other != key))
    return round(sorted(found)[len(found) // 2], 4)


def _weight_of(found: frozenset[str]) -> float:
    """The sum of the weights, exactly rounded, so that no order of the stems shows in it."""
    return math.fsum(map(weight, found))


@cache
def _stems_of(key: str) -> frozenset[str]:
    return stems(entry_text(key))


@lru_cache(maxsize=256)
def _stems_in(text: str) -> frozenset[str]:
    return stems(text)


def _shared(wanted: frozenset[str], held: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(wanted & held, key=lambda stem: (-weight(stem), stem))[:MOST_SHARED])


def _told(nearest: tuple[Near, ...], looked_at: int) -> str:
    if not nearest:
        return f"None of the {looked_at} papers looked at shares a telling word with it. {LIMIT}"
    first = nearest[0]
    share = f"{100 * first.overlap:.0f} % of its words, weighted by rarity, stand in “{first.title}” ({first.key})"
    others = "; ".join(f"“{n.title}” ({100 * n.overlap:.0f} %)" for n in nearest[1:])
    return f"Of {looked_at} papers looked at the nearest is: {share}{f'; then {others}' if others else ''}. {LIMIT}"
