"""Novelty of words: 0 for what is written already, 1 for what shares nothing, and never raised by one more paper."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.agents.literature.novelty import LIMIT, judge, overlap, usual
from evidentia.agents.literature.paper import Paper
from evidentia.agents.literature.rarity import stems, weight
from evidentia.agents.literature.search import bibliography

BUDGET = settings(deadline=None, derandomize=True, max_examples=100)
WORDS = "attention cache eviction softmax zipf quantization bees flowers prefix tokens of the 128 sparse blocks"
statements = st.lists(st.sampled_from(WORDS.split()), max_size=8).map(" ".join)


def paper(number: int, text: str) -> Paper:
    return Paper(
        key=f"arxiv:2511.{number:05d}", title=text or "untitled", abstract="", authors=(), year=2025, service="arXiv"
    )


def test_a_title_of_the_bibliography_is_not_new_and_names_its_paper() -> None:
    for key, entry in bibliography().items():
        found = judge(entry["title"])
        assert found.novelty == 0.0
        assert found.nearest[0].overlap == 1.0
        assert key in {n.key for n in found.nearest}


def test_words_that_nobody_used_are_new() -> None:
    found = judge("Qwertz zxcvb ytrewq")
    assert (found.novelty, found.nearest) == (1.0, ())
    assert found.told.endswith(LIMIT)


def test_a_fetched_paper_can_be_the_nearest() -> None:
    found = judge("Bees prefer blue flowers", [paper(1, "Why bees prefer blue flowers")])
    assert (found.novelty, found.nearest[0].key) == (0.0, "arxiv:2511.00001")
    assert set(found.nearest[0].shared) == stems("bees prefer blue flowers")
    assert "“Why bees prefer blue flowers” (arxiv:2511.00001)" in found.told


@pytest.mark.parametrize("statement", ["", "the of and", "128 is 7.5", "☃"])
def test_a_statement_without_telling_words_cannot_be_compared(statement: str) -> None:
    found = judge(statement)
    assert (found.novelty, found.nearest) == (0.0, ())
    assert "no word that could be compared" in found.told


def test_figures_do_not_make_an_idea_new() -> None:
    assert judge("paged attention at 16 blocks").novelty == judge("paged attention at 1024 blocks").novelty


def test_the_limit_is_always_told() -> None:
    for statement in ("", "attention sinks", "Qwertz"):
        assert LIMIT in judge(statement).told


def test_the_usual_novelty_is_that_of_the_bundled_titles_by_hand() -> None:
    texts = {k: stems(f"{e['title']} {e['note']} {' '.join(e['tags'])}") for k, e in bibliography().items()}
    found = []
    for key, entry in bibliography().items():
        wanted = stems(entry["title"])
        total = sum(map(weight, wanted))
        found.append(1 - max(sum(map(weight, wanted & held)) / total for k, held in texts.items() if k != key))
    assert usual() == pytest.approx(sorted(found)[len(found) // 2], abs=1e-4)
    assert 0.3 < usual() < 0.95


@BUDGET
@given(statements, st.lists(statements, max_size=4), statements)
def test_one_more_paper_never_makes_an_idea_newer(statement: str, held: list[str], more: str) -> None:
    papers = [paper(i, text) for i, text in enumerate(held)]
    before = judge(statement, papers)
    after = judge(statement, [*papers, paper(99, more)])
    assert after.novelty <= before.novelty
    assert after.looked_at == before.looked_at + 1
    assert 0.0 <= after.novelty <= 1.0


@BUDGET
@given(statements, statements)
def test_overlap_is_whole_for_itself_and_grows_with_what_is_held(a: str, b: str) -> None:
    wanted, held = stems(a), stems(b)
    assert 0.0 <= overlap(wanted, held) <= overlap(wanted, held | wanted) <= 1.0
    if wanted:
        assert overlap(wanted, wanted) == pytest.approx(1.0)
    assert overlap(wanted, frozenset()) == 0.0


@BUDGET
@given(statements, st.randoms(use_true_random=False))
def test_the_order_of_words_does_not_matter(statement: str, random: object) -> None:
    shuffled = statement.split()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(" ".join(shuffled)).novelty == judge(statement).novelty
