"""From a provider's message to a plain answer: its text, why it stopped, what it used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evidentia.agents.minds.llm.answers import Reply, Stop

_LENGTH = ("length", "max_tokens", "max_output_tokens", "model_context_window_exceeded", "MAX_TOKENS")
_REFUSAL = ("refusal", "content_filter", "safety", "SAFETY")


def reply_of(message: Any, mask: Callable[[str], str]) -> Reply:
    """The answer in a LangChain message. Calls of tools are ignored: none was offered."""
    details = dict(message.response_metadata or {})
    why = [str(details.get(k)) for k in ("finish_reason", "stop_reason", "status") if details.get(k)]
    incomplete = details.get("incomplete_details")
    if isinstance(incomplete, dict):
        why.append(str(incomplete.get("reason")))
    refusal = message.additional_kwargs.get("refusal") or _refused(message.content)
    stop: Stop = "end"
    if refusal or any(w in _REFUSAL for w in why):
        stop = "refusal"
    elif any(w in _LENGTH for w in why):
        stop = "length"
    return Reply(mask(str(refusal) if refusal else _text(message.content)), stop, _tokens(message.usage_metadata))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "".join(
        block if isinstance(block, str) else str(block.get("text", ""))
        for block in blocks
        if isinstance(block, str) or (isinstance(block, dict) and block.get("type") in ("text", "output_text"))
    )


def _refused(content: Any) -> str:
    blocks = content if isinstance(content, list) else []
    return " ".join(str(b.get("refusal", "")) for b in blocks if isinstance(b, dict) and b.get("type") == "refusal")


def _tokens(usage: Any) -> tuple[int, int] | None:
    if not usage:
        return None
    given, made = usage.get("input_tokens"), usage.get("output_tokens")
    if not isinstance(given, int) or not isinstance(made, int) or given + made == 0:
        return None
    return given, made
