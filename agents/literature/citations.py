"""Citations that a text or a mind makes: each resolves to a paper at hand, or is dropped and the drop reported.

At hand are the bundled bibliography and what a look-up fetched. Nothing is looked up, completed or guessed here, so
an identifier that was invented cannot pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evidentia.agents.literature.identifiers import DOI, arxiv_id, doi, openalex_id, split_version
from evidentia.agents.literature.paper import Paper, one_line
from evidentia.agents.literature.search import bibliography, resolve
from evidentia.workspace.records import Citation

MARK = "[citation dropped]"
MOST_SHOWN = 120
_NAME = r"(?:(?:van|von|de|di|da|del|la|le|Van|Von|De)\s){0,3}(?:Mc|Mac|O['’])?[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ'’-]{1,40}(?!\w)"
_YEAR = r"(?:1[5-9]|20|21)[0-9]{2}"
_MENTIONS = re.compile(
    "|".join(
        (
            r"@\{?(?P<key>[A-Za-z0-9][\w:./-]{0,119})\}?",
            r"(?i:arxiv:\s?|https?://(?:www\.|export\.)?arxiv\.org/(?:abs|pdf)/)(?P<arxiv>[\w./-]{1,40})",
            rf"(?i:doi:\s?|https?://(?:dx\.)?doi\.org/)?(?P<doi>{DOI})",
            r"(?i:openalex:|https?://(?:api\.)?openalex\.org/(?:works/)?)(?P<openalex>\w{1,20})",
            rf"(?<!\w)(?P<name>{_NAME})(?:\s(?:et\sal\.?|(?:and|&)\s{_NAME}),?\s\(?|,\s|\s\()(?P<year>{_YEAR})[a-z]?\)?",
        )
    )
)
_OTHER_WORDS = (
    "In Since Until By From After Before During Of On At As The This That These Those And Or But For With To Between "
    "Around About Over Under Figure Fig Table Section Equation Eq Chapter Appendix Algorithm Seed Seeds Version Step "
    "January February March April May June July August September October November December"
)
_NO_NAMES = frozenset(_OTHER_WORDS.split())
"""Capitalised words that stand before a year and are nobody's name."""


@dataclass(frozen=True)
class Dropped:
    """A citation that did not resolve: as it was made, and why it was dropped."""

    cited: str
    reason: str


@dataclass(frozen=True)
class Sifted:
    """Citations sorted out: those kept, in order and once each, and those dropped."""

    kept: tuple[Citation, ...]
    dropped: tuple[Dropped, ...]

    def told(self) -> str:
        """The drops in one sentence; empty when there are none."""
        if not self.dropped:
            return ""
        named = "; ".join(f"{d.cited!r} ({d.reason})" for d in self.dropped)
        return f"{len(self.dropped)} citations were dropped because nothing at hand is meant by them: {named}."


class Library:
    """The papers at hand: the bundled bibliography, and those that a look-up fetched."""

    def __init__(self, papers: Iterable[Paper] = ()) -> None:
        self._found: dict[str, Citation] = {}
        self._by_year: dict[tuple[str, int], dict[str, Citation]] = {}
        for key in bibliography():
            citation = resolve(key)
            assert citation is not None
            self._add(citation, key, citation.arxiv)
        for paper in papers:
            self._add(paper.cited(), paper.key, paper.arxiv, paper.doi, paper.openalex)

    def _add(self, citation: Citation, *names: str) -> None:
        for name in names:
            if name:
                self._found.setdefault(name, citation)
        if family := _family(citation.authors):
            self._by_year.setdefault((family, citation.year), {})[citation.key] = citation

    def find(self, cited: str) -> Citation | Dropped:
        """The paper that a key, an arXiv, DOI or OpenAlex identifier, or "Name et al., 2023" means, or why none is.

        A version of an arXiv paper means the paper.
        """
        shown = one_line(cited, MOST_SHOWN)
        wanted = cited.strip().removeprefix("[").removesuffix("]").lstrip("@").removeprefix("{").removesuffix("}")
        if wanted in self._found:
            return self._found[wanted]
        if identifier := arxiv_id(wanted):
            found = self._found.get(split_version(identifier)[0])
            return found or Dropped(shown, "no paper at hand has this arXiv identifier")
        if identifier := doi(wanted):
            return self._found.get(identifier) or Dropped(shown, "no paper at hand has this DOI")
        if identifier := openalex_id(wanted):
            return self._found.get(identifier) or Dropped(shown, "no paper at hand has this OpenAlex identifier")
        match = _MENTIONS.fullmatch(wanted)
        if match and match["name"]:
            return self._of_year(shown, match["name"], int(match["year"]))
        if re.match(r"(?i:arxiv:|https?://arxiv\.org)", wanted):
            return Dropped(shown, "it is no arXiv identifier")
        return Dropped(shown, "it is neither a key at hand nor an identifier")

    def _of_year(self, shown: str, name: str, year: int) -> Citation | Dropped:
        found = self._by_year.get((_plain(name.split()[-1]), year), {})
        if len(found) == 1:
            return next(iter(found.values()))
        if not found:
            return Dropped(shown, "no paper at hand has this first author and year")
        return Dropped(shown, f"it could be any of {', '.join(sorted(found))}; cite one by its key")


def sift(cited: Iterable[str], library: Library) -> Sifted:
    """What of a mind's citations resolves. Every one is kept, dropped, or the same as one kept."""
    kept: dict[str, Citation] = {}
    dropped: dict[str, Dropped] = {}
    for each in cited:
        found = library.find(each)
        if isinstance(found, Citation):
            kept.setdefault(found.key, found)
        else:
            dropped.setdefault(found.cited, found)
    return Sifted(tuple(kept.values()), tuple(dropped.values()))


def cited_in(text: str) -> list[str]:
    """Every citation a text makes, as it stands there, in order.

    Found are ``[@key]``, arXiv, DOI and OpenAlex identifiers and addresses, and "Name et al. (2023)".
    """
    return [found for found, _, _ in _mentions(text)]


def sift_text(text: str, library: Library) -> tuple[str, Sifted]:
    """The text with every citation that does not resolve replaced by a mark, and what was kept and dropped."""
    parts: list[str] = []
    at = 0
    for found, start, end in _mentions(text):
        if isinstance(library.find(found), Dropped):
            if text[start - 1 : start] == "[" and text[end : end + 1] == "]":
                start, end = start - 1, end + 1
            parts += [text[at:start], MARK]
            at = end
    return "".join((*parts, text[at:])), sift(cited_in(text), library)


def _mentions(text: str) -> Sequence[tuple[str, int, int]]:
    found = []
    for match in _MENTIONS.finditer(text):
        if match["name"] and (match["name"] in _NO_NAMES or match["name"].split()[-1] in _NO_NAMES):
            continue
        if match["key"] and match.start() and (text[match.start() - 1].isalnum() or text[match.start() - 1] in "._-"):
            continue  # an address of mail
        raw = match[0]
        kept = raw.rstrip(".,;:/-") if not match["name"] else raw
        if kept.endswith(")") and kept.count("(") < kept.count(")"):
            kept = kept[:-1]
        found.append((kept, match.start(), match.start() + len(kept)))
    return found


def _family(authors: str) -> str:
    """The plain family name of the first of "Given Family, Given Family et al."; empty where unknown."""
    first = authors.split(",")[0].removesuffix(" et al.").strip()
    return _plain(first.split()[-1]) if first else ""


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
