"""A paper as data: sections of paragraphs, lists, tables, figures and commands. Templates add only style."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from evidentia.hub.exports.paper.characters import shown
from evidentia.workspace.records import Record

Shown = Annotated[str, AfterValidator(shown)]
Style = Literal["plain", "strong", "emphasis", "mono", "hidden"]
_MINUS = re.compile(r"(?<![\w.)\]])-(?=\d)")


class Span(Record):
    """A stretch of text in one style. `hidden` takes its room and is not seen: it aligns figures in columns."""

    text: Shown
    style: Style = "plain"


Line = tuple[Span, ...]
WIDEST, LONGEST_HEAD = 32, 60
"""Characters of a column that does not wrap, and of a column's head."""


class Paragraph(Record):
    """Running text."""

    kind: Literal["paragraph"] = "paragraph"
    line: Line


class Items(Record):
    """A list of points."""

    kind: Literal["items"] = "items"
    items: tuple[Line, ...]


class Facts(Record):
    """Names with what they stand for."""

    kind: Literal["facts"] = "facts"
    facts: tuple[tuple[Shown, Line], ...]


class Column(Record):
    """A column: its head, whether its text wraps (with a share of the width) or is as wide as its figures."""

    head: Shown
    align: Literal["left", "right"] = "left"
    share: float = Field(0.0, ge=0)


class Table(Record):
    """A table with its caption and notes; it may run over several pages."""

    kind: Literal["table"] = "table"
    caption: Line
    columns: tuple[Column, ...]
    rows: tuple[tuple[Line, ...], ...]
    notes: tuple[Line, ...] = ()


def table(
    caption: Line, columns: Sequence[Column], rows: Sequence[tuple[Line, ...]], notes: Sequence[Line] = ()
) -> Table:
    """A table whose columns without a share are as wide as their text, unless that is too wide for a page."""
    fitted = []
    for place, column in enumerate(columns):
        widest = max([len(column.head), *(sum(len(s.text) for s in row[place]) for row in rows)])
        head = column.head if len(column.head) <= LONGEST_HEAD else column.head[:LONGEST_HEAD] + "…"
        share = column.share or (1.0 if widest > WIDEST else 0.0)
        fitted.append(column.model_copy(update={"share": share, "head": head}))
    return Table(caption=caption, columns=tuple(fitted), rows=tuple(rows), notes=tuple(notes))


class Figure(Record):
    """A picture by the name of its file, with caption and the text that stands in for it."""

    kind: Literal["figure"] = "figure"
    file: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}\.(svg|png)$")
    caption: Line
    instead: Shown


class Code(Record):
    """Commands to type, one a line."""

    kind: Literal["code"] = "code"
    lines: tuple[Shown, ...]


class References(Record):
    """The numbered list of what is cited."""

    kind: Literal["references"] = "references"
    items: tuple[Line, ...]


Block = Annotated[Paragraph | Items | Facts | Table | Figure | Code | References, Field(discriminator="kind")]


class Section(Record):
    """A numbered section."""

    title: Shown
    blocks: tuple[Block, ...]


class Paper(Record):
    """A whole paper. `date` is the package's ISO date, `foot` stands at the foot of every page."""

    title: Shown
    authors: tuple[Shown, ...]
    keywords: tuple[Shown, ...]
    date: str
    kicker: Line
    byline: Line
    abstract: tuple[tuple[Shown, Line], ...]
    sections: tuple[Section, ...]
    foot: Shown


def line(*parts: str | Span) -> Line:
    """Spans in a row; plain texts become plain spans with a true minus sign."""
    return tuple(part if isinstance(part, Span) else prose(part) for part in parts)


def prose(text: str) -> Span:
    """Running text, with a true minus before a negative number."""
    return Span(text=_MINUS.sub("−", text))


def mono(text: str) -> Span:
    """A name, path or hash, in a typewriter face."""
    return Span(text=text, style="mono")


def strong(text: str) -> Span:
    """A word that must be found."""
    return prose(text).model_copy(update={"style": "strong"})


def joined(lines: Iterable[Line], between: str = ", ") -> Line:
    """Several lines as one, with `between` them."""
    found: list[Span] = []
    for part in lines:
        if found:
            found.append(prose(between))
        found.extend(part)
    return tuple(found)
