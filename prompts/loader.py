"""Rendering a template: Jinja with undefined names refused; the version is the SHA-256 of the file."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

_HOME = Path(__file__).parent


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_HOME),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - the output is Markdown, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def names(folder: str = "") -> list[str]:
    """All templates below a folder, as ``compilation/readme``."""
    return sorted(str(p.relative_to(_HOME).with_suffix("")) for p in (_HOME / folder).rglob("*.md"))


def render(name: str, **data: Any) -> str:
    """The template filled in. Raises LookupError for an unknown name, jinja2.UndefinedError for missing data."""
    _path(name)
    text: str = _environment().get_template(f"{name}.md").render(**data)
    return text


@cache
def version(name: str) -> str:
    """SHA-256 of the template's text."""
    return hashlib.sha256(_path(name).read_bytes()).hexdigest()


def _path(name: str) -> Path:
    path = _HOME / f"{name}.md"
    if not path.is_file():
        raise LookupError(f"no template {name!r}; there are {', '.join(names())}")
    return path
