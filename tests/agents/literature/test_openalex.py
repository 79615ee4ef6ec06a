"""OpenAlex's JSON: abstracts come out of their index, identifiers are checked, nonsense is passed over and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.agents.literature.fetching import Fetcher, FetchError
from evidentia.agents.literature.openalex import _paper, fault, search
from evidentia.agents.literature.paper import Paper
from tests.agents.literature.loopback import CANNED, Answer, Loopback, work, works

Fetchers = Callable[..., Fetcher]
KIVI = {**CANNED["2402.02750v2"], "openalex": "https://openalex.org/W4391591234", "year": 2024}


def test_works_are_found_by_the_telling_words(loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.openalex(Answer(works([KIVI])))
    (paper,), (answer,), left_out = search(fetcher(), "How many bits does a key cache need?", 10)
    assert (paper.key, paper.openalex, paper.year) == ("openalex:W4391591234", "W4391591234", 2024)
    assert paper.abstract == " ".join(KIVI["abstract"].split())
    assert (paper.licence, paper.service, left_out) == ("cc-by", "OpenAlex", [])
    (asked,) = loopback.queries("/works")
    assert {"bits", "key"} <= set(asked["search"].split())
    assert "api_key" not in asked
    assert answer.url.startswith(f"{loopback.url}/works?")


def test_the_key_is_sent_when_there_is_one(loopback: Loopback, fetcher: Fetchers) -> None:
    search(fetcher(openalex_key="free-key"), "cache", 10)
    assert loopback.queries("/works")[0]["api_key"] == "free-key"


def test_arxivs_own_doi_gives_the_arxiv_identifier(loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.openalex(Answer(works([{**KIVI, "doi": "https://doi.org/10.48550/arXiv.2402.02750"}])))
    (paper,), _, _ = search(fetcher(), "cache", 10)
    assert (paper.key, paper.arxiv, paper.doi) == ("arxiv:2402.02750", "2402.02750", "10.48550/arxiv.2402.02750")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"<html>", b"[]", b'{"results": 3}', b'{"error": "Rate limit exceeded"}', b"[" * 10**5, b"\xff\xfe{"],
)
def test_broken_json_is_refused_in_one_sentence(body: bytes, loopback: Loopback, fetcher: Fetchers) -> None:
    assert fault(body)
    loopback.openalex(Answer(body))
    with pytest.raises(FetchError, match=r"^OpenAlex answered what cannot be used: .+ \(3 tries\)$"):
        search(fetcher(), "cache", 10)


def test_no_works_are_no_failure(loopback: Loopback, fetcher: Fetchers) -> None:
    papers, answers, left_out = search(fetcher(), "cache", 10)
    assert (papers, len(answers), left_out) == ([], 1, [])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"id": "https://openalex.org/A5023888391"}, "identifier"),
        ({"id": 17}, "identifier"),
        ({"id": None}, "identifier"),
        ({"title": None}, "title"),
        ({"title": "\u200b"}, "title"),
        ({"publication_year": "2022"}, "year"),
        ({"publication_year": True}, "year"),
        ({"publication_year": 10**9}, "year"),
    ],
)
def test_a_work_that_cannot_be_cited_is_left_out_and_told(
    changed: dict[str, Any], told: str, loopback: Loopback, fetcher: Fetchers
) -> None:
    body = json.dumps({"results": [{**work(KIVI), **changed}, work(KIVI), None, 3, []]}).encode()
    loopback.openalex(Answer(body))
    papers, _, left_out = search(fetcher(), "cache", 10)
    assert len(papers) == 1
    assert len(left_out) == 4
    assert told in left_out[0]


def test_an_index_with_impossible_places_gives_what_is_possible() -> None:
    index = {"good": [0], "text": [1], "far": [10**18], "before": [-1], "half": [0.5], "yes": [True], "none": None}
    found = _paper({**work(KIVI), "abstract_inverted_index": index})
    assert isinstance(found, Paper)
    assert found.abstract == "good text"


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(work(KIVI), json_values)) | json_values)
def test_any_json_is_a_paper_or_a_reason(value: Any) -> None:
    merged = {**work(KIVI), **value} if isinstance(value, dict) else value
    found = _paper(merged)
    assert isinstance(found, Paper | str)
    if isinstance(found, Paper):
        assert Paper.model_validate(found.to_json()) == found
