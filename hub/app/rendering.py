"""Pages from templates: everything is escaped; what agents wrote is sanitised before it is more than text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from evidentia.hub.app.sanitising import markdown
from evidentia.hub.app.session import Session
from evidentia.workspace.quantities import figure, quantity

HERE = Path(__file__).parent
STATIC, TEMPLATES = HERE / "static", HERE / "templates"
SIGNS = {"supported": "✓", "refuted": "✗", "null": "○", "crashed": "!", "inconclusive": "○"}
PLACES = (
    ("/", "Discoveries"),
    ("/runs", "Runs"),
    ("/tensions", "Tensions"),
    ("/review", "Review"),
    ("/arena", "Arena"),
    ("/lessons", "Lessons"),
    ("/ledger", "Ledger"),
)


@cache
def environment() -> jinja2.Environment:
    """The templates' environment: undefined names are errors, everything is escaped."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    env = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters.update(
        markdown=lambda text: Markup(markdown(text)),  # noqa: S704 - sanitised
        figure=_figure,
        quantity=quantity,
        day=lambda time: str(time)[:10],
        minute=lambda time: str(time)[:16].replace("T", " "),
        duration=duration,
        size=size,
    )
    env.globals.update(SIGNS=SIGNS, PLACES=PLACES)
    return env


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page. Templates see `values`, `request`, `signed_in`, `csrf` (empty for readers) and `here`, the path."""
    session: Session = request.app.state.session
    may_write = session.knows(request)
    text = (
        environment()
        .get_template(template)
        .render(
            request=request,
            here=request.url.path,
            status=status,
            signed_in=may_write,
            csrf=session.csrf if may_write else "",
            workspace=str(request.app.state.workspace.root),
            **values,
        )
    )
    # Rows and logs are JSON, which can hold half of a character: that is shown as a question mark.
    return HTMLResponse(text.encode("utf-8", "replace"), status)


def _figure(value: float | None) -> str:
    return "–" if value is None else figure(value)


def duration(seconds: float | None) -> str:
    """Seconds as a person says them."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """Bytes as a person says them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("GB is the last unit")
