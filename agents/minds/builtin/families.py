"""Which families of the library a question is about: by the phrases of their cards that stand in it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping

from evidentia.agents.literature.search import rank
from evidentia.agents.literature.tokens import tokens
from evidentia.kernels import registry
from evidentia.kernels.registry import Family

NEAR = 0.6
"""A second family is read too if it scores this share of the best."""


def families(question: str) -> list[str]:
    """The names of one or two families, best first; none where the question has no word of the library. What runs on a
    CUDA device alone is never meant by words.

    A phrase of a card that stands in the question counts for one, shared among the families that have it, so that
    what only one of them knows decides; a phrase inside a longer one that was found does not count. Loose words
    (BM25 over the whole cards) add one at most. A second family is read only if it knows a phrase the first lacks, and
    one within a larger family only if it knows one that the larger lacks.
    """
    cards = [f for f in registry.families() if not registry.on_gpu(f.name)]
    words = plain(question)
    found = standing(words, {f.name: list(_phrases(f)) for f in cards})
    known = Counter(span for own in found.values() for span in own)
    loose = rank(question, {f.name: _text(f) for f in cards})
    best = loose[0][1] or 1.0
    scores = {name: sum(1 / known[s] for s in found[name]) + score / best for name, score in loose}
    first, *others = sorted(scores, key=lambda name: (-round(scores[name], 6), name))
    root = registry.family(first).root
    kernels = standing(words, {f.name: list(_kernel_phrases(f)) for f in cards})
    if root in others and found[first] <= found[root] and kernels[first] <= kernels[root]:
        first, others = root, [first, *(n for n in others if n != root)]
    near = (n for n in others if scores[n] >= NEAR * scores[first] and found[n] - found[first])
    return [first, *itertools.islice(near, 1)] if scores[first] > 0 else []


def plain(text: str) -> list[str]:
    """Tokens of a phrase, hyphens and underscores read as spaces."""
    return tokens(text.replace("_", " ").replace("-", " "))


def spans(words: list[str], phrase: list[str]) -> list[tuple[int, int]]:
    """Where the phrase stands in the words, as start and end."""
    n = len(phrase)
    return [(i, i + n) for i in range(len(words) - n + 1) if words[i : i + n] == phrase] if n else []


def standing(words: list[str], phrases: Mapping[str, Iterable[str]]) -> dict[str, set[tuple[int, int]]]:
    """Where the phrases of each name stand in the words; what lies inside a longer phrase that stands there is not
    meant by itself (“hit rate” in “byte hit rate”)."""
    found = {name: {s for p in own for s in spans(words, plain(p))} for name, own in phrases.items()}
    every = {span for own in found.values() for span in own}

    def inside(span: tuple[int, int]) -> bool:
        return any(o != span and o[0] <= span[0] and span[1] <= o[1] for o in every)

    return {name: {s for s in own if not inside(s)} for name, own in found.items()}


def _kernel_phrases(family: Family) -> Iterable[str]:
    for kernel in registry.kernels(family.name):
        yield from (kernel.name, *kernel.tags)


def _phrases(family: Family) -> Iterable[str]:
    yield from _kernel_phrases(family)
    for metric in family.metrics:
        yield from (metric.name, *metric.aliases)
    for parameter in registry.parameters(family.name).values():
        yield from (parameter.name, *parameter.aliases)


def _text(family: Family) -> str:
    """All words of a family's cards."""
    kernels = registry.kernels(family.name)
    parameters = registry.parameters(family.name).values()
    parts = [family.name, family.purpose, *_phrases(family)]
    parts += [metric.purpose for metric in family.metrics] + [kernel.purpose for kernel in kernels]
    parts += [choice for parameter in parameters for choice in parameter.choices]
    return " ".join(parts).replace("_", " ")
