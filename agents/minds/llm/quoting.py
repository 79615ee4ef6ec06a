"""Text from outside in a prompt: quoted line by line, so that nothing in it can end its own quotation."""

from __future__ import annotations

import re
import unicodedata

MARK = "| "
"""Begins every quoted line, whatever the line holds."""
LONGEST = 4000
_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_TEMPLATE = re.compile(
    r"<(?=\||｜|/?s>|/?(?:start|end)_of_turn|<SYS|/?(?:im_|think|tool_))|\[(?=/?(?:INST|SYS|TOOL))", re.I
)
"""Where the markers of local models' chat templates begin (``<|im_start|>``, ``</s>``, ``[INST]``)."""
_BROAD = {"<": "‹", "[": "⟦"}
SPACES = "\t "


def quoted(text: str, kind: str, *, name: str = "", longest: int = LONGEST) -> str:
    """A block of quoted data under a heading that says what `kind` it is of, in the template's own words.

    Each line begins with ``| ``, that of the `name` the text came under as well; all characters that any reader takes
    for the end of a line are made line feeds first; what is invisible is left out; the markers of chat templates are
    taken apart; what is longer than `longest` characters loses its middle.
    """
    lines = [f"name: {one_line(name)}"] if name else []
    lines += _BREAKS.split(_shortened(_visible(text), longest))
    body = "\n".join(MARK + _TEMPLATE.sub(lambda m: _BROAD[m[0]], line) for line in lines)
    return f"[data: {kind}]\n{body}\n[end of data]"


def one_line(text: str, longest: int = 300) -> str:
    """Text from outside on one line, for a heading or a list: it can begin no line of its own."""
    plain = " ".join(_BREAKS.sub(" ", _visible(text)).split())
    plain = _TEMPLATE.sub(lambda m: _BROAD[m[0]], plain)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def _visible(text: str) -> str:
    """Without control and format characters: direction marks, zero widths, tags that hide letters."""
    return "".join(
        c for c in text if c in SPACES or _BREAKS.match(c) or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs")
    )


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
