"""Identifiers: what is one is read whole, what is none is refused, nothing is completed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.agents.literature.identifiers import arxiv_id, arxiv_of_doi, doi, openalex_id, split_version
from evidentia.agents.literature.search import bibliography

BUDGET = settings(deadline=None, derandomize=True, max_examples=100)


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("2205.14135", "2205.14135"),
        ("arXiv:2205.14135v2", "2205.14135v2"),
        ("arxiv:0704.0001", "0704.0001"),
        ("http://arxiv.org/abs/1706.03762v7", "1706.03762v7"),
        ("https://export.arxiv.org/abs/1706.03762", "1706.03762"),
        ("https://arxiv.org/pdf/1706.03762v7.pdf", "1706.03762v7"),
        ("arxiv:cs/0112017", "cs/0112017"),
        ("math.GT/0309136v1", "math.GT/0309136v1"),
        ("quant-ph/9508027", "quant-ph/9508027"),
    ],
)
def test_identifiers_of_every_scheme_are_read(text: str, identifier: str) -> None:
    assert arxiv_id(text) == identifier


@pytest.mark.parametrize(
    "text",
    [
        "",
        "arxiv:",
        "2205",
        "2213.00001",  # no thirteenth month
        "2200.00001",
        "0703.0001",  # the scheme began a month later
        "1412.00001",  # five digits came with 2015
        "1501.0001",
        "9999.99999",
        "2205.14135v0",
        "2205.14135 v2",
        "2205.141350",
        "arxiv:2205.14135/../../etc/passwd",
        "https://arxiv.org.example.com/abs/2205.14135",
        "http://arxiv.org/api/errors#incorrect_id_format_for_xyz",
        "cs/0713001",
        "cs/0801001",  # the old scheme had ended
        "٢٢٠٥.١٤١٣٥",
        "2205.14135\n2205.14136",
    ],
)
def test_what_is_no_identifier_is_refused(text: str) -> None:
    assert arxiv_id(text) is None


def test_every_identifier_of_the_bibliography_is_one() -> None:
    held = [e["arxiv"] for e in bibliography().values() if e["arxiv"]]
    assert held
    assert all(arxiv_id(i) == i for i in held)


def test_other_identifiers() -> None:
    assert doi("https://doi.org/10.1145/3600006.3613165") == "10.1145/3600006.3613165"
    assert doi("doi:10.48550/arXiv.2205.14135") == "10.48550/arxiv.2205.14135"
    assert doi("10.1/x") is None
    assert doi("11.1145/3600006") is None
    assert openalex_id("https://openalex.org/W2741809807") == "W2741809807"
    assert openalex_id("W0") is None
    assert openalex_id("A5023888391") is None
    assert arxiv_of_doi("10.48550/arxiv.2205.14135") == "2205.14135"
    assert arxiv_of_doi("10.1145/2205.14135") is None
    assert split_version("2205.14135v12") == ("2205.14135", 12)
    assert split_version("cs/0112017") == ("cs/0112017", 0)


@BUDGET
@given(st.text(max_size=40))
def test_nothing_is_added_to_what_stands_there(text: str) -> None:
    for read in (arxiv_id, openalex_id):
        found = read(text)
        assert found is None or found in text.upper() or found in text
    found = doi(text)
    assert found is None or found in text.lower()
