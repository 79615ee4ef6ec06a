"""What agents, papers and people wrote, made harmless: Markdown becomes a small set of HTML without links that do
anything, scripts, styles, images or forms."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mistune import Markdown

LONGEST = 400_000
TAGS = {
    *("p", "br", "hr", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "a", "sup", "sub"),
}
ATTRIBUTES = {"a": {"href"}, "th": {"align"}, "td": {"align"}}
SCHEMES = {"https", "http", "mailto"}


@cache
def _parser() -> Markdown:
    import mistune

    return mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])


def markdown(text: str) -> str:
    """HTML of Markdown: raw HTML in it is shown as text, and only `TAGS` and `ATTRIBUTES` leave. A text above
    `LONGEST` characters is cut there, and says so."""
    import nh3

    cut = f"{text[:LONGEST]}\n\n… cut after {LONGEST} characters" if len(text) > LONGEST else text
    made = str(_parser()(cut))
    return nh3.clean(
        made, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer nofollow"
    )
