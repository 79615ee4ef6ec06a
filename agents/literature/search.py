"""BM25 search over the bundled bibliography, and over any other set of short documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from evidentia.agents.literature.tokens import tokens
from evidentia.workspace.records import Citation

LEAST_SHARE = 0.25
"""Results that score below this share of the best one are left out."""


def rank(query: str, documents: Mapping[str, str]) -> list[tuple[str, float]]:
    """The documents by BM25 score, best first, ties by name; those without a common word score 0."""
    wanted = sorted(set(tokens(query)))
    texts = {name: tokens(text) for name, text in documents.items()}
    vocabulary = {token for text in texts.values() for token in text}
    wanted = [token for token in wanted if token in vocabulary]
    if not wanted:
        return [(name, 0.0) for name in sorted(documents)]
    import bm25s

    index = bm25s.BM25()
    index.index(list(texts.values()), show_progress=False)
    scores = index.get_scores(wanted)
    found = [(name, float(score)) for name, score in zip(texts, scores, strict=True)]
    return sorted(found, key=lambda pair: (-round(pair[1], 6), pair[0]))


@cache
def bibliography() -> dict[str, dict[str, Any]]:
    """All entries by key."""
    text = files("evidentia.agents.literature").joinpath("bibliography.jsonl").read_text(encoding="utf-8")
    entries = [json.loads(line) for line in text.splitlines() if line]
    return {entry["key"]: entry for entry in entries}


def search(query: str, limit: int = 8) -> list[Citation]:
    """The entries nearest to the query by title, note, tags and authors, best first."""
    documents = {
        key: " ".join((e["title"], e["title"], e["note"], " ".join(e["tags"]), e["authors"] or ""))
        for key, e in bibliography().items()
    }
    ranked = rank(query, documents)
    least = max(1e-9, LEAST_SHARE * ranked[0][1])
    return [_citation(key, score) for key, score in ranked[:limit] if score >= least]


def resolve(key: str) -> Citation | None:
    """The entry of this key, or None: a citation that does not resolve is dropped."""
    return _citation(key, 0.0) if key in bibliography() else None


def _citation(key: str, score: float) -> Citation:
    entry = bibliography()[key]
    return Citation(
        key=key,
        title=entry["title"],
        authors=entry["authors"] or "",
        year=entry["year"],
        arxiv=entry["arxiv"] or "",
        note=entry["note"],
        score=round(score, 4),
    )
