"""A paper as a service told it: its text made one harmless line each, its identifiers checked."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Literal

from pydantic import Field

from evidentia.workspace.records import Citation, Record

MOST_TITLE, MOST_ABSTRACT, MOST_NAME, MOST_AUTHORS = 400, 8_000, 120, 100
SHOWN_AUTHORS = 3
_TAG = re.compile(r"</?[A-Za-z!?][^<>]{0,300}>")
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]{0,300}(?:\x07|\x1b\\)")
_LONGEST_READ = 64_000
"""Characters of one field that are looked at, before anything that costs time by length."""


class Paper(Record):
    """A paper that a service answered with. Every text is foreign: data to show and compare, never an instruction.

    `key` is ``arxiv:ID`` or ``openalex:W…``, without version; `version` is 0 where none is stated; `licence` and
    `doi` are empty where the service states none; `published` is the day, empty where unknown.
    """

    schema_version: Literal["paper/1"] = Field("paper/1", alias="schema")
    key: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    year: int = Field(ge=1500, le=2200)
    published: str = ""
    arxiv: str = ""
    version: int = 0
    doi: str = ""
    openalex: str = ""
    licence: str = ""
    categories: tuple[str, ...] = ()
    service: str

    def cited(self, score: float = 0.0) -> Citation:
        """The paper as a citation; its note says whence it is, and holds no word of the abstract."""
        names = ", ".join(self.authors[:SHOWN_AUTHORS])
        return Citation(
            key=self.key,
            title=self.title,
            authors=names + (" et al." if len(self.authors) > SHOWN_AUTHORS else ""),
            year=self.year,
            arxiv=self.arxiv,
            note=f"Found through {self.service} by its title and abstract; nobody here has read it.",
            score=round(score, 4),
        )


def one_line(text: object, most: int) -> str:
    """A text from outside as one line of at most `most` characters, empty for what is no text.

    Control and invisible characters, terminal escapes and markup tags are taken out, entities resolved, and what
    is too long ends with an ellipsis.
    """
    if not isinstance(text, str):
        return ""
    found = _ESCAPE.sub("", text[:_LONGEST_READ])
    found = _TAG.sub(" ", html.unescape(found))
    found = unicodedata.normalize("NFC", found)
    found = "".join(_shown(c) for c in found)
    found = " ".join(found.split())
    return found if len(found) <= most else found[: most - 1].rstrip() + "…"


def _shown(character: str) -> str:
    """The character; a space for a control or line separator; nothing for what cannot be seen or is unassigned."""
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category in ("Cf", "Co", "Cs", "Cn") else character
