"""The paper of a package as a PDF, set by Typst: the same bytes for the same package, in well under a second."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evidentia.hub.exports.paper.characters import breakable
from evidentia.hub.exports.paper.content import paper
from evidentia.hub.exports.paper.reading import read_source
from evidentia.hub.exports.paper.typesetting import typeset
from evidentia.hub.exports.placing import place_file

_IN_TABLES, _IN_COMMANDS, _IN_TEXT = 14, 72, 24
"""Characters of a word from which on it may be broken: in a table's column, a command, running text."""


def export_pdf(package_dir: Path, out: Path) -> Path:
    """Write the paper to `out` and return it; nothing is written unless all of it is.

    Raises BadInputError when the package is too large for a paper or `out` cannot be written, and IntegrityError
    when a file is damaged.
    """
    return place_file(out, pdf(package_dir))


def pdf(package_dir: Path) -> bytes:
    """The bytes of the paper. Raises as `export_pdf` does, but for writing."""
    source = read_source(package_dir)
    content = paper(source).to_json()
    created = _time(source.manifest.created)
    laid = _breaking(content)
    laid["title_plain"] = content["title"]
    laid["authors"], laid["keywords"] = content["authors"], content["keywords"]
    laid["date"] = {"year": created.year, "month": created.month, "day": created.day} if created else None
    given = {p.file: p.data for p in source.pictures}
    given["paper.json"] = json.dumps(laid, ensure_ascii=False, sort_keys=True).encode()
    return typeset("paper.typ", given, time=int(created.timestamp()) if created else None)


def _time(created: str) -> datetime | None:
    """When the package was made; None where its manifest does not say it as a time."""
    try:
        time = datetime.fromisoformat(created)
    except ValueError:
        return None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return time if time.year >= 1970 else None


def _breaking(content: dict[str, Any]) -> dict[str, Any]:
    """The content with places to break inside words too long for where they stand."""

    def walk(value: Any, longest: int) -> Any:
        if isinstance(value, str):
            return breakable(value, longest)
        if isinstance(value, list):
            return [walk(v, longest) for v in value]
        if isinstance(value, dict):
            kind = value.get("kind")
            longest = {"table": _IN_TABLES, "code": _IN_COMMANDS}.get(str(kind), longest)
            return {k: v if k in _NAMES else walk(v, longest) for k, v in value.items()}
        return value

    walked: dict[str, Any] = walk(content, _IN_TEXT)
    return walked


_NAMES = frozenset({"kind", "file", "style", "align"})
