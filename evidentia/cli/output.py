"""What the terminal shows: consoles, colours of outcomes, JSON."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

STYLES = {
    "supported": "green",
    "refuted": "red",
    "null": "yellow",
    "inconclusive": "yellow",
    "crashed": "magenta",
    "running": "cyan",
    "open": "dim",
    "recorded": "cyan",
    "pruned": "dim",
    "mended": "green",
    "failed": "magenta",
    "survived": "green",
    "not survived": "red",
    "undecided": "yellow",
}
SIGNS = {
    "supported": "✓",
    "refuted": "✗",
    "null": "?",
    "crashed": "!",
    "running": "▸",
    "open": "·",
    "recorded": "●",
    "pruned": "✂",
}
WIDE = 200
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def console(*, error: bool = False) -> Console:
    """A console on standard output, or standard error; wide where no terminal bounds it."""
    from rich.console import Console

    terminal = (sys.stderr if error else sys.stdout).isatty()
    return Console(stderr=error, highlight=False, width=None if terminal else WIDE)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)
    sys.stdout.write("\n")


def plain(text: str) -> str:
    """Text from records without control characters, so that nothing recorded can drive the terminal."""
    return _CONTROL.sub("�", text)


def styled(text: str, status: str = "") -> Text:
    """Text in the colour of an outcome; never read as markup."""
    from rich.text import Text

    return Text(plain(text), style=STYLES.get(status, ""))
