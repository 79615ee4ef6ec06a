"""The bundled bibliography: whole, honest about identifiers, and found by the words of the field."""

from __future__ import annotations

import re

import pytest

from evidentia.agents.literature.search import bibliography, rank, resolve, search
from evidentia.agents.literature.tokens import tokens


def test_every_entry_is_whole() -> None:
    entries = list(bibliography().values())
    assert sum(e["origin"] == "seeds" for e in entries) == 122
    assert len({e["title"] for e in entries}) == len(entries)
    for entry in entries:
        assert entry["note"].endswith(".")
        assert entry["note"].count(". ") == 0
        assert entry["tags"]
        assert 1900 < entry["year"] < 2030
        assert entry["arxiv"] is None or re.fullmatch(r"\d{4}\.\d{5}|\d{4}\.\d{4}", entry["arxiv"])


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("online softmax tiling attention memory", "FlashAttention: Fast"),
        ("does speculative decoding keep the distribution", "Fast Inference from Transformers"),
        ("two bit KV cache quantization per channel keys", "KIVI"),
        ("heavy hitters eviction of cached tokens", "H2O"),
        ("attention sinks streaming", "Efficient Streaming"),
        ("paged KV cache blocks waste", "PagedAttention"),
        ("frequency against recency eviction under zipf popularity", "Web caching"),
        ("autonomous agentic tree search of experiments", "AI Scientist-v2"),
        ("weight quantization second order column by column", "GPTQ"),
        ("prefix caching for hybrid models", "Marconi"),
    ],
)
def test_the_paper_one_would_think_of_is_among_the_first(question: str, title: str) -> None:
    assert any(title in c.title for c in search(question, 4))


@pytest.mark.parametrize("query", ["", "the of and", "☃ ☃", "zzzzqqq"])
def test_a_query_without_content_finds_nothing(query: str) -> None:
    assert search(query) == []


def test_a_very_long_query_is_answered_in_a_fixed_order() -> None:
    query = "attention cache quantization " * 2000
    assert search(query) == search(query)
    assert len(search(query, 3)) == 3


def test_a_key_resolves_or_does_not() -> None:
    key = next(iter(bibliography()))
    found = resolve(key)
    assert found is not None
    assert found.key == key
    assert resolve("invented2031paper") is None


def test_words_meet_in_their_stems() -> None:
    assert tokens("Frequency-based evictions") == tokens("frequency based eviction")
    assert tokens("caching caches cached")[0] == tokens("caching")[0]
    assert rank("eviction", {"a": "evictions of items", "b": "nothing here"})[0][0] == "a"
