"""Identifiers of papers: read strictly, normalised, never completed or guessed.

arXiv: the schemes of https://info.arxiv.org/help/arxiv_identifier.html, which are ``YYMM.NNNN`` from April 2007,
``YYMM.NNNNN`` from January 2015, and ``archive/YYMMNNN`` before; DOI: ISO 26324; OpenAlex: ``W`` and digits.
"""

from __future__ import annotations

import re

NEW = r"[0-9]{4}\.[0-9]{4,5}"
OLD = r"[a-z]+(?:-[a-z]+)?(?:\.[A-Z]{2})?/[0-9]{7}"
ARXIV = rf"(?:{NEW}|{OLD})(?:v[1-9][0-9]{{0,2}})?"
DOI = r"10\.[0-9]{4,9}/[^\s\"'<>{}\[\]|\\^`]{1,200}"
_ARXIV = re.compile(rf"(?i:arxiv:\s*|https?://(?:www\.|export\.)?arxiv\.org/(?:abs|pdf)/)?({ARXIV})(?:\.pdf)?")
_DOI = re.compile(rf"(?i:doi:\s*|https?://(?:dx\.)?doi\.org/)?({DOI})")
_OPENALEX = re.compile(r"(?i:openalex:|https?://(?:api\.)?openalex\.org/(?:works/)?)?(W[1-9][0-9]{3,14})")
_ARXIV_DOI = "10.48550/arxiv."
_FIRST_NEW, _FIRST_LONG, _FIRST_OLD = 704, 1501, 9107


def arxiv_id(text: str) -> str | None:
    """The arXiv identifier, with its version where one is stated, if `text` is one or its address, else None."""
    match = _ARXIV.fullmatch(text.strip())
    if not match:
        return None
    found = match[1]
    base, _ = split_version(found)
    return found if _dated(base) else None


def _dated(base: str) -> bool:
    """Whether the scheme was in use in the month that the identifier names."""
    archive, _, number = base.rpartition("/")
    year_month = int(number[:4])
    if not 1 <= year_month % 100 <= 12:
        return False
    if archive:
        return year_month >= _FIRST_OLD or year_month < _FIRST_NEW
    return year_month >= _FIRST_LONG if len(number) == 10 else _FIRST_NEW <= year_month < _FIRST_LONG


def split_version(identifier: str) -> tuple[str, int]:
    """The arXiv identifier without its version, and the version (0 where none is stated)."""
    match = re.fullmatch(r"(.*?)v([0-9]+)", identifier)
    return (match[1], int(match[2])) if match else (identifier, 0)


def doi(text: str) -> str | None:
    """The DOI in lower case if `text` is one or its address, else None."""
    match = _DOI.fullmatch(text.strip())
    return match[1].lower().rstrip(".,;)") if match else None


def openalex_id(text: str) -> str | None:
    """OpenAlex's identifier of a work if `text` is one or its address, else None."""
    match = _OPENALEX.fullmatch(text.strip())
    return match[1].upper() if match else None


def arxiv_of_doi(found: str) -> str | None:
    """The arXiv identifier without version that arXiv's own DOI holds, else None."""
    if not found.lower().startswith(_ARXIV_DOI):
        return None
    identifier = arxiv_id(found[len(_ARXIV_DOI) :])
    return split_version(identifier)[0] if identifier else None
