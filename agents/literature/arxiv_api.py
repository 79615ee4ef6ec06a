"""arXiv's query interface through the `arxiv` package, whose requests go through our own careful fetch.

The package builds the address and reads the Atom; politeness, patience, size, retries and the disk are `fetching`'s.
Format: https://info.arxiv.org/help/api/user-manual.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from evidentia.agents.literature.cache import Fetched
from evidentia.agents.literature.fetching import Fetcher, FetchError
from evidentia.agents.literature.identifiers import arxiv_id, doi, split_version
from evidentia.agents.literature.paper import (
    MOST_ABSTRACT,
    MOST_AUTHORS,
    MOST_NAME,
    MOST_TITLE,
    Paper,
    one_line,
)
from evidentia.agents.literature.rarity import telling

SERVICE = "arXiv"
MOST_WORDS = 12
_FEED = "http://www.w3.org/2005/Atom feed"
_NO_WORDS = frozenset({"and", "or", "not", "andnot", "to"})


def search(fetcher: Fetcher, question: str, limit: int) -> tuple[list[Paper], list[Fetched], list[str]]:
    """Papers near the question by arXiv's own relevance, the answers they came from, and what was left out.

    Raises FetchError when arXiv gave nothing that can be used.
    """
    words = [word for word in telling(question, MOST_WORDS) if word.isalnum() and word not in _NO_WORDS]
    if not words:
        return [], [], []
    return _results(fetcher, {"query": " OR ".join(f"all:{word}" for word in words)}, limit)


def fetch(fetcher: Fetcher, identifier: str) -> tuple[Paper, Fetched]:
    """The paper of an arXiv identifier, with or without a version, and the answer it was read from.

    Raises FetchError when arXiv has none, answers about another one, or gave nothing that can be used.
    """
    papers, (answer,), left_out = _results(fetcher, {"id_list": [identifier]}, 1)
    base, version = split_version(identifier)
    found = papers[0] if papers else None
    if found and found.arxiv == base and version in (0, found.version):
        return found, answer
    fetcher.forget(answer)  # a paper may be announced, or mended, tomorrow
    if found:
        raise FetchError(f"arXiv was asked for {identifier} and answered about {found.arxiv}v{found.version}")
    raise FetchError(f"arXiv has no paper {identifier}" + (f" ({left_out[0]})" if left_out else ""))


class _FirstPageReadError(Exception):
    """The client asks for a second page; one is enough."""


@dataclass
class _Session:
    """What the package's client asks of its session, answered by the fetcher; one page only."""

    fetcher: Fetcher
    answers: list[Fetched] = field(default_factory=list)

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        if self.answers:
            raise _FirstPageReadError
        delay = self.fetcher.settings.arxiv_delay_seconds
        self.answers.append(self.fetcher.get(SERVICE, url, fault, delay=delay))
        return _Response(200, self.answers[0].body)


@dataclass(frozen=True)
class _Response:
    status_code: int
    content: bytes


def _results(fetcher: Fetcher, asked: dict[str, Any], limit: int) -> tuple[list[Paper], list[Fetched], list[str]]:
    import arxiv  # type: ignore[import-untyped]

    client = arxiv.Client(page_size=limit, delay_seconds=0, num_retries=0)
    client.query_url_format = fetcher.settings.arxiv_url + "?{}"
    session = client._session = _Session(fetcher)
    papers: dict[str, Paper] = {}
    left_out: list[str] = []
    try:
        for result in client.results(arxiv.Search(**asked, max_results=limit)):
            read = _paper(result)
            if isinstance(read, Paper):
                papers.setdefault(read.key, read)
            else:
                left_out.append(read)
    except _FirstPageReadError:
        pass
    except (arxiv.ArxivError, ValueError, TypeError, OverflowError) as error:
        told = one_line(str(error), 100)
        raise FetchError(f"arXiv answered what cannot be used: {type(error).__name__}: {told}") from error
    return list(papers.values()), session.answers, left_out


def fault(body: bytes) -> str | None:
    """What is wrong with bytes that should be an Atom feed, or None.

    The package's parser mends broken XML, so that half an abstract would pass for a whole one; hence this check. A
    document type is refused: Atom has none, and entities could make a small answer large.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    root: list[str] = []

    def started(name: str, _: Mapping[str, str]) -> None:
        if not root:
            root.append(name)

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type, which Atom does not have")

    parser.StartElementHandler = started
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        return f"no well-formed XML (line {error.lineno}: {expat.ErrorString(error.code)})"
    except (ValueError, LookupError) as error:
        return one_line(str(error), 120)
    return None if root == [_FEED] else f"no Atom feed but <{one_line(root[0].rsplit(' ', 1)[-1], 40)}>"


def _paper(result: Any) -> Paper | str:
    """The result as a paper, or why it is left out."""
    title, abstract = one_line(result.title, MOST_TITLE), one_line(result.summary, MOST_ABSTRACT)
    identifier = arxiv_id(result.entry_id)
    if identifier is None:
        return f"arXiv: an entry whose identifier {one_line(result.entry_id, 60)!r} is none was left out"
    if not title or not abstract:
        return f"arXiv: {identifier} has no {'abstract' if title else 'title'} and was left out"
    base, version = split_version(identifier)
    names = [one_line(a.name, MOST_NAME) for a in result.authors[:MOST_AUTHORS]]
    if not 1991 <= result.published.year <= 2200:
        return f"arXiv: {identifier} is dated {result.published.year} and was left out"
    return Paper(
        key=f"arxiv:{base}",
        title=title,
        abstract=abstract,
        authors=tuple(name for name in names if name),
        year=result.published.year,
        published=result.published.date().isoformat(),
        arxiv=base,
        version=version,
        doi=doi(result.doi or "") or "",
        categories=tuple(c for c in (one_line(c, 20) for c in result.categories[:10]) if c),
        service=SERVICE,
    )
