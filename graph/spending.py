"""What a mind has used since the log was last told, where a mind counts it."""

from __future__ import annotations

from typing import Any

from evidentia.agents.minds.protocol import Mind, Spending


class Meter:
    """Reads a mind's `spent()`. A mind begins anew with every process, the log goes on: only growth is told."""

    def __init__(self, mind: Mind) -> None:
        self._read = getattr(mind, "spent", None)
        self._last: Spending = self._read() if self._read else Spending()

    def growth(self) -> dict[str, Any] | None:
        """Calls, tokens and money since the last time, or None when there were none."""
        if self._read is None:
            return None
        now: Spending = self._read()
        last, self._last = self._last, now
        if now == last:
            return None
        return {
            "calls": now.calls - last.calls,
            "input_tokens": now.input_tokens - last.input_tokens,
            "output_tokens": now.output_tokens - last.output_tokens,
            "usd": now.usd - last.usd,
        }
