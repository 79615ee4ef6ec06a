"""The paper of a package as LaTeX source: ``paper.tex`` and its figures, for journals that want source."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from evidentia.hub.exports.paper import __name__ as folder
from evidentia.hub.exports.paper.characters import breakable
from evidentia.hub.exports.paper.content import paper
from evidentia.hub.exports.paper.document import Paper, Span, Table
from evidentia.hub.exports.paper.reading import Picture, read_source
from evidentia.hub.exports.paper.tex import tex
from evidentia.hub.exports.paper.typesetting import typeset
from evidentia.hub.exports.placing import fill, placed_folder

_IN_TABLES, _IN_TEXT = 14, 24
_CHARACTERS = 100.0
"""How many characters of a table's size stand on a line: what the columns that wrap share after the others."""


class Source(str):
    """LaTeX source, which is not escaped again."""


def export_latex(package_dir: Path, out: Path) -> Path:
    """Write a folder with ``paper.tex`` and ``figures/`` to `out` and return it.

    Raises BadInputError when the package is too large for a paper or `out` cannot be written, and IntegrityError
    when a file is damaged.
    """
    source = read_source(package_dir)
    made = {"paper.tex": latex(paper(source)).encode()}
    for picture in source.pictures:
        made[f"figures/{_picture(picture.file)}"] = _printable(picture)
    with placed_folder(out) as building:
        fill(building, made)
    return out


def latex(content: Paper) -> str:
    """The LaTeX source of a paper; everything that is not the template's own is escaped."""
    environment = Environment(
        block_start_string="((*",
        block_end_string="*))",
        variable_start_string="(((",
        variable_end_string=")))",
        comment_start_string="((#",
        comment_end_string="#))",
        trim_blocks=True,
        undefined=StrictUndefined,
        finalize=_escaped,
        autoescape=False,  # noqa: S701 - not HTML: `finalize` escapes every value for LaTeX
    )
    environment.filters |= {"inline": _inline, "narrow": _narrow, "columns": _columns, "picture": _name}
    template = files(folder).joinpath("paper.tex.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(paper=content)


def _escaped(value: Any) -> Any:
    if isinstance(value, Source):
        return value
    return tex(breakable(value, _IN_TEXT)) if isinstance(value, str) else value


def _inline(spans: Sequence[Span], longest: int = _IN_TEXT) -> Source:
    """Spans as LaTeX, each in its style."""
    styles = {"strong": r"\textbf", "emphasis": r"\emph", "mono": r"\texttt", "hidden": r"\phantom"}
    found = []
    for span in spans:
        text = tex(breakable(span.text, longest))
        found.append(f"{styles[span.style]}{{{text}}}" if span.style in styles else text)
    return Source("".join(found))


def _narrow(spans: Sequence[Span]) -> Source:
    return _inline(spans, _IN_TABLES)


def _columns(table: Table) -> Source:
    """The column specification: wrapping columns share what the figures leave of the line."""
    taken = sum(_widest(table, i) + 2 for i, c in enumerate(table.columns) if not c.share)
    shares = sum(c.share for c in table.columns)
    left = max(0.2, (_CHARACTERS - taken) / _CHARACTERS - 0.02 * len(table.columns))
    wrapping = [
        rf">{{\raggedright\arraybackslash}}p{{{left * c.share / shares:.3f}\linewidth}}" if c.share else ""
        for c in table.columns
    ]
    spec = (w or {"left": "l", "right": "r"}[c.align] for w, c in zip(wrapping, table.columns, strict=True))
    return Source("@{}" + "".join(spec) + "@{}")


def _widest(table: Table, column: int) -> int:
    cells = (sum(len(s.text) for s in row[column]) for row in table.rows)
    return max([len(table.columns[column].head), *cells])


def _name(file: str) -> Source:
    return Source(_picture(file))


def _picture(file: str) -> str:
    return file.removesuffix(".svg") + ".pdf" if file.endswith(".svg") else file


def _printable(picture: Picture) -> bytes:
    """The figure as LaTeX takes it: a drawing as PDF, a painting as it is."""
    if not picture.file.endswith(".svg"):
        return picture.data
    return typeset("figure.typ", {picture.file: picture.data}, inputs={"file": picture.file}, time=None)
