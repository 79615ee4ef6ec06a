"""Citations: what resolves is kept, what does not is dropped with its reason, and nothing invented ever passes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.agents.literature.citations import MARK, Dropped, Library, cited_in, sift, sift_text
from evidentia.agents.literature.identifiers import split_version
from evidentia.agents.literature.paper import Paper
from evidentia.agents.literature.search import bibliography
from evidentia.workspace.records import Citation

BUDGET = settings(deadline=None, derandomize=True, max_examples=100)
DEJA_VU = "liu2023-deja-vu-contextual"
FETCHED = Paper(
    key="arxiv:2511.00001",
    title="Rounding weights at three bits",
    abstract="See arXiv:2401.00001.",
    authors=("Ada Lovelace", "Charles Babbage"),
    year=2025,
    arxiv="2511.00001",
    doi="10.1145/3600006.3613165",
    openalex="W4391591234",
    service="arXiv",
)
LIBRARY = Library([FETCHED])
KEYS = frozenset(bibliography()) | {FETCHED.key}


@pytest.mark.parametrize(
    ("cited", "key"),
    [
        (DEJA_VU, DEJA_VU),
        (f"@{DEJA_VU}", DEJA_VU),
        (f"[@{DEJA_VU}]", DEJA_VU),
        ("arXiv:2310.17157", DEJA_VU),
        ("2310.17157v3", DEJA_VU),
        ("https://arxiv.org/abs/2310.17157v1", DEJA_VU),
        ("Liu et al., 2023", DEJA_VU),
        ("Lovelace and Babbage (2025)", FETCHED.key),
        ("doi:10.1145/3600006.3613165", FETCHED.key),
        ("https://doi.org/10.1145/3600006.3613165", FETCHED.key),
        ("https://openalex.org/W4391591234", FETCHED.key),
        ("arxiv:2511.00001v2", FETCHED.key),
    ],
)
def test_every_form_of_a_paper_at_hand_is_kept(cited: str, key: str) -> None:
    assert [c.key for c in sift([cited], LIBRARY).kept] == [key]


@pytest.mark.parametrize(
    ("cited", "reason"),
    [
        ("arXiv:2401.00001", "no paper at hand has this arXiv identifier"),
        ("arXiv:9999.99999", "no arXiv identifier"),
        ("doi:10.1145/9999999", "no paper at hand has this DOI"),
        ("openalex:W1234567", "no paper at hand has this OpenAlex identifier"),
        ("@smith2031-everything", "neither a key at hand nor an identifier"),
        ("Smith et al., 2031", "no paper at hand has this first author and year"),
        ("Liu et al., 2031", "no paper at hand has this first author and year"),
        ("", "neither a key at hand nor an identifier"),
        ("\x00\u202e", "neither a key at hand nor an identifier"),
    ],
)
def test_what_is_not_at_hand_is_dropped_with_its_reason(cited: str, reason: str) -> None:
    (dropped,) = sift([cited], LIBRARY).dropped
    assert reason in dropped.reason


def test_a_name_and_year_that_could_be_several_papers_is_not_decided() -> None:
    (dropped,) = sift(["Dao, 2022"], LIBRARY).dropped
    could_be = [
        k for k, e in bibliography().items() if e["year"] == 2022 and (e["authors"] or "").startswith("Tri Dao")
    ]
    assert len(could_be) > 1
    assert all(key in dropped.reason for key in could_be)


def test_a_text_keeps_what_resolves_and_marks_what_does_not() -> None:
    text = (
        f"Sparsity helps [@{DEJA_VU}; @made2030-up], as Liu et al. (2023) and Smith and Jones (2031) say "
        "(arXiv:2310.17157v2; arXiv:2401.99999). In March, 2020 and Section 2024 nothing; mail me@x.org. "
        "See https://arxiv.org/abs/2310.17157, [@gone], doi:10.1000/xyz."
    )
    cleaned, sifted = sift_text(text, LIBRARY)
    assert cleaned == (
        f"Sparsity helps [@{DEJA_VU}; {MARK}], as Liu et al. (2023) and {MARK} say "
        f"(arXiv:2310.17157v2; {MARK}). In March, 2020 and Section 2024 nothing; mail me@x.org. "
        f"See https://arxiv.org/abs/2310.17157, {MARK}, {MARK}."
    )
    assert [c.key for c in sifted.kept] == [DEJA_VU]
    assert [d.cited for d in sifted.dropped] == [
        "@made2030-up",
        "Smith and Jones (2031)",
        "arXiv:2401.99999",
        "@gone",
        "doi:10.1000/xyz",
    ]
    assert sifted.told().startswith("5 citations were dropped because nothing at hand is meant by them: '@made2030-up'")


def test_an_identifier_that_a_papers_own_text_names_does_not_resolve() -> None:
    assert sift(["arXiv:2401.00001"], LIBRARY).kept == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The hit rate is 0.42 at 128 blocks, 2.5 times that of LRU.",
        "We ran Python 3.11 in 2024, CUDA 2023 and NeurIPS 2023; version 10.4 of it.",
        "a@b.org and me@host.example wrote",
        "In 2020, and since 2021 (2022), x_{2023} was 10.5.",
    ],
)
def test_a_text_without_citations_stays_as_it_is(text: str) -> None:
    cleaned, sifted = sift_text(text, LIBRARY)
    assert cleaned == text
    assert (sifted.kept, sifted.dropped, sifted.told()) == ((), (), "")


mentions = st.one_of(
    st.sampled_from(sorted(KEYS)).map(lambda key: f"[@{key}]"),
    st.sampled_from([f"arXiv:{e['arxiv']}" for e in bibliography().values() if e["arxiv"]]),
    st.from_regex(r"arXiv:[0-9]{4}\.[0-9]{4,5}(v[0-9])?", fullmatch=True).filter(lambda t: t.isascii()),
    st.from_regex(r"doi:10\.[0-9]{4}/[a-z0-9.]{1,12}", fullmatch=True).filter(lambda t: t.isascii()),
    st.from_regex(r"\[@[a-z]{3,9}20[0-9]{2}-[a-z-]{1,15}\]", fullmatch=True).filter(lambda t: t.isascii()),
    st.from_regex(r"[A-Z][a-z]{2,8} et al\. \(20[0-9]{2}\)", fullmatch=True).filter(lambda t: t.isascii()),
    st.from_regex(r"https://openalex\.org/W[1-9][0-9]{4,9}", fullmatch=True).filter(lambda t: t.isascii()),
)
prose = st.sampled_from(["as shown by", "which", "; see", "is 0.4 of", "\n\n", "(e.g.", "—"])
texts = st.lists(mentions | prose | st.text(max_size=12), max_size=10).map(" ".join)


@BUDGET
@given(st.lists(mentions | st.text(max_size=30), max_size=10))
def test_every_citation_of_a_mind_is_kept_or_dropped_and_kept_ones_are_at_hand(cited: list[str]) -> None:
    sifted = sift(cited, LIBRARY)
    assert {c.key for c in sifted.kept} <= KEYS
    assert len({c.key for c in sifted.kept}) == len(sifted.kept)
    for each in cited:
        found = LIBRARY.find(each)
        assert found in (sifted.kept if isinstance(found, Citation) else sifted.dropped)
    assert all(d.reason for d in sifted.dropped)


@BUDGET
@given(texts)
def test_after_sifting_a_text_all_that_it_cites_is_at_hand(text: str) -> None:
    cleaned, sifted = sift_text(text, LIBRARY)
    for cited in cited_in(cleaned):
        assert not isinstance(LIBRARY.find(cited), Dropped)
    again, twice = sift_text(cleaned, LIBRARY)
    assert again == cleaned
    assert twice.dropped == ()
    assert {c.key for c in twice.kept} == {c.key for c in sifted.kept}


@BUDGET
@given(texts)
def test_sifting_takes_out_citations_only(text: str) -> None:
    cleaned, sifted = sift_text(text, LIBRARY)
    if not sifted.dropped:
        assert cleaned == text
    position = 0
    for piece in cleaned.split(MARK):
        found = text.find(piece, position)
        assert found >= 0
        position = found + len(piece)


@BUDGET
@given(st.integers(0, 99), st.integers(1, 12), st.integers(0, 99_999), st.integers(0, 9))
def test_an_arxiv_number_resolves_exactly_if_a_paper_at_hand_has_it(year: int, month: int, n: int, v: int) -> None:
    identifier = f"{year:02d}{month:02d}.{n:05d}" + (f"v{v}" if v else "")
    held = {e["arxiv"] for e in bibliography().values()} | {FETCHED.arxiv}
    found = LIBRARY.find(f"arXiv:{identifier}")
    assert isinstance(found, Citation) == (split_version(identifier)[0] in held)


@BUDGET
@given(st.text(max_size=200))
def test_any_text_can_be_sifted(text: str) -> None:
    sift_text(text, LIBRARY)
