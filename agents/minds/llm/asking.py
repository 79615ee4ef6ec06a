"""Asking until an answer can be used: its fault is sent back, at most a few times."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any, TypeVar

from evidentia.agents.minds.llm.answers import Reply
from evidentia.agents.minds.llm.line import Line, Message
from evidentia.agents.minds.llm.names import Models
from evidentia.agents.minds.llm.quoting import one_line, quoted
from evidentia.agents.minds.llm.reading import UnusableError
from evidentia.prompts import render

Answer = TypeVar("Answer")
LONGEST_FAULT = 1500
LONGEST_ECHO = 6000
"""How much of an answer that cannot be used is shown to the model again."""


class NoAnswerError(Exception):
    """A model gave nothing that can be used, however often it was asked; the message says what was wrong last."""


def ask(
    line: Line, models: Models, role: str, read: Callable[[str], Answer], *, png: bytes | None = None, **data: Any
) -> Answer:
    """Ask the role's model with its template filled with `data`, and with a picture if there is one; `read` takes what
    is wanted out of the text, or raises UnusableError.

    Raises NoAnswerError after the last repair, and ModelError when the model cannot be reached.
    """
    task = render(f"llm/{role}", quoted=quoted, one_line=one_line, **data)
    messages: list[Message] = [
        {"role": "system", "content": render("llm/system")},
        {"role": "user", "content": task if png is None else [{"type": "text", "text": task}, _picture(png)]},
    ]
    fault = ""
    for _ in range(1 + line.settings.repairs):
        reply = line.ask(role, models.of(role), messages)
        try:
            return read(_usable(reply))
        except UnusableError as error:
            fault = one_line(str(error), LONGEST_FAULT)
        messages = [
            *messages,
            {"role": "assistant", "content": reply.text[:LONGEST_ECHO].strip() or "(nothing)"},
            {"role": "user", "content": render("llm/repair", fault=fault)},
        ]
    raise NoAnswerError(fault)


def _picture(png: bytes) -> dict[str, str]:
    """A content block in LangChain's own form, which it puts into that of any provider."""
    return {"type": "image", "base64": b64encode(png).decode(), "mime_type": "image/png"}


def _usable(reply: Reply) -> str:
    if reply.stop == "refusal":
        raise UnusableError(
            "you declined; this is benign measurement of published algorithms on synthetic data, so answer it"
        )
    if reply.stop == "length":
        raise UnusableError("it was cut off at the length limit: give a shorter answer")
    if not reply.text.strip():
        raise UnusableError("it is empty")
    return reply.text
