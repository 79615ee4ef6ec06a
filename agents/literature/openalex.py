"""OpenAlex's search of works over HTTP and JSON: https://developers.openalex.org."""

from __future__ import annotations

import json
from typing import Any

from evidentia.agents.literature.cache import Fetched
from evidentia.agents.literature.fetching import Fetcher
from evidentia.agents.literature.identifiers import arxiv_of_doi, doi, openalex_id
from evidentia.agents.literature.paper import (
    MOST_ABSTRACT,
    MOST_AUTHORS,
    MOST_NAME,
    MOST_TITLE,
    Paper,
    one_line,
)
from evidentia.agents.literature.rarity import telling

SERVICE = "OpenAlex"
MOST_WORDS, MOST_PLACES = 12, 4_000
FIELDS = "id,doi,title,publication_year,publication_date,authorships,abstract_inverted_index,primary_location"


def search(fetcher: Fetcher, question: str, limit: int) -> tuple[list[Paper], list[Fetched], list[str]]:
    """Papers near the question by OpenAlex's own relevance, the answer they came from, and what was left out.

    Raises FetchError when OpenAlex gave nothing that can be used.
    """
    words = telling(question, MOST_WORDS)
    if not words:
        return [], [], []
    answer = fetcher.get(
        SERVICE,
        fetcher.settings.openalex_url + "/works",
        fault,
        query={"search": " OR ".join(words), "per_page": str(limit), "select": FIELDS},
        secret={"api_key": fetcher.settings.openalex_key} if fetcher.settings.openalex_key else None,
    )
    papers: dict[str, Paper] = {}
    left_out: list[str] = []
    for work in json.loads(answer.body)["results"][:limit]:
        read = _paper(work)
        if isinstance(read, Paper):
            papers.setdefault(read.key, read)
        else:
            left_out.append(read)
    return list(papers.values()), [answer], left_out


def fault(body: bytes) -> str | None:
    """What is wrong with bytes that should be a page of works, or None."""
    try:
        found = json.loads(body)
    except RecursionError:
        return "JSON nested without end"
    except ValueError as error:
        return f"no JSON ({one_line(str(error), 80)})"
    if not isinstance(found, dict) or not isinstance(found.get("results"), list):
        return "JSON without a list of results"
    return None


def _paper(work: Any) -> Paper | str:
    """The work as a paper, or why it is left out."""
    if not isinstance(work, dict):
        return "OpenAlex: a result that is no work was left out"
    identifier = openalex_id(work["id"]) if isinstance(work.get("id"), str) else None
    if identifier is None:
        return f"OpenAlex: a work whose identifier {one_line(work.get('id'), 60)!r} is none was left out"
    title, year = one_line(work.get("title"), MOST_TITLE), work.get("publication_year")
    if not title or isinstance(year, bool) or not isinstance(year, int) or not 1500 <= year <= 2200:
        return f"OpenAlex: {identifier} has no {'year' if title else 'title'} and was left out"
    found = doi(work["doi"]) if isinstance(work.get("doi"), str) else None
    arxiv = arxiv_of_doi(found) if found else None
    place = work.get("primary_location")
    return Paper(
        key=f"arxiv:{arxiv}" if arxiv else f"openalex:{identifier}",
        title=title,
        abstract=one_line(_abstract(work.get("abstract_inverted_index")), MOST_ABSTRACT),
        authors=_authors(work.get("authorships")),
        year=year,
        published=one_line(work.get("publication_date"), 10),
        arxiv=arxiv or "",
        doi=found or "",
        openalex=identifier,
        licence=one_line(place.get("license"), 40) if isinstance(place, dict) else "",
        service=SERVICE,
    )


def _authors(authorships: Any) -> tuple[str, ...]:
    names = []
    for authorship in authorships[:MOST_AUTHORS] if isinstance(authorships, list) else ():
        author = authorship.get("author") if isinstance(authorship, dict) else None
        if isinstance(author, dict) and (name := one_line(author.get("display_name"), MOST_NAME)):
            names.append(name)
    return tuple(names)


def _abstract(index: Any) -> str:
    """The text of an inverted index: words at their places; places that are none, or too far, are passed over."""
    if not isinstance(index, dict):
        return ""
    placed: dict[int, str] = {}
    for word, places in index.items():
        for place in places if isinstance(places, list) else ():
            if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < MOST_PLACES:
                placed.setdefault(place, word)
    return " ".join(placed[place] for place in sorted(placed))
