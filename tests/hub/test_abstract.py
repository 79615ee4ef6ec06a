"""The claims of an abstract: of real ones those that a reader would mark, and of any text nothing that it lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.hub.imports.abstract import MOST_CLAIMS, attested, has_comparison, has_figure, sentences

CANNED = json.loads((Path(__file__).parents[1] / "agents/literature/abstracts.json").read_text())
"""Abstracts as arXiv has them (metadata, CC0 1.0), with the beginnings of the sentences that a reader marked."""


@pytest.mark.parametrize("entry", CANNED, ids=lambda e: e["title"][:20])
def test_of_a_real_abstract_the_sentences_a_reader_would_mark_are_claims(entry: dict[str, Any]) -> None:
    found = attested(entry["abstract"])
    assert len(found) == len(entry["claims"])
    assert all(claim.startswith(start) for claim, start in zip(found, entry["claims"], strict=True))
    assert all(claim in entry["abstract"] for claim in found)


@pytest.mark.parametrize(
    ("sentence", "figure", "comparison"),
    [
        ("It is 3x faster.", True, True),
        ("It needs $2.6\\times$ less memory.", True, True),
        ("Accuracy rises by 15\\% over the baseline.", True, True),
        ("It doubles the throughput.", True, True),
        ("Errors fall by two orders of magnitude.", True, True),
        ("GPT-2 is better than BERT.", False, True),
        ("An H100 is faster than an A100.", False, True),
        ("In 2023 it was better.", False, True),
        ("It is better than earlier work [12, 13].", False, True),
        ("The cost of $O(N^2)$ is higher.", False, True),
        ("We (1) prune and (2) quantize more.", False, True),
        ("It has 7 billion parameters.", True, False),
        ("It matches the state of the art.", False, True),
        ("", False, False),
    ],
)
def test_figures_and_comparisons_are_told_apart(sentence: str, figure: bool, comparison: bool) -> None:
    assert (has_figure(sentence), has_comparison(sentence)) == (figure, comparison)
    assert attested(sentence) == ([sentence] if figure and comparison else [])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two. Three.", 3),
        ("It works, e.g. For keys. Then more.", 2),
        ("Smith et al. Show it at 3.5 GB. Good!", 2),
        ("See Fig. 3 and Sec. 4. Is it so? Yes.", 3),
        ("It costs 0.5 s at v1.2 of the code", 1),
        ("By J. Doe. It works.", 2),
        ("", 0),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, count: int) -> None:
    assert len(sentences(text)) == count


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.text(alphabet="ab A.3!?$\\ x%“”(\n", max_size=80) | st.text(max_size=80))
def test_no_character_of_a_text_is_lost_or_added(text: str) -> None:
    assert " ".join(sentences(text)) == " ".join(text.split())
    assert set(attested(text)) <= set(sentences(text))


def test_claims_are_bounded() -> None:
    assert len(attested("It is 3x faster. " * 500)) == MOST_CLAIMS
