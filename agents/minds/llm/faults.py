"""What went wrong with a request: whether it passes, how long the server asks to wait, in words for a person."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

PASSING = (408, 409, 425, 429)
SPENT = ("insufficient_quota", "billing_hard_limit_reached", "credit balance is too low")
"""What providers say when money, not patience, is missing."""
LONGEST = 300
_CUT = ("ConnectionError", "ConnectError", "ProtocolError", "ReadError", "WriteError", "APIConnectionError")


@dataclass(frozen=True)
class Fault:
    """A failed request. `wait` is the server's Retry-After in seconds, None if it gave none."""

    words: str
    passing: bool
    timeout: bool = False
    wait: float | None = None


def fault_of(error: Exception) -> Fault:
    """The fault of what an SDK raised; whichever provider's it is."""
    names = {c.__name__ for c in type(error).__mro__}
    if isinstance(error, TimeoutError) or any("Timeout" in name for name in names):
        return Fault("no answer in time; allow more with --model-timeout", passing=True, timeout=True)
    status = getattr(error, "status_code", None)
    said = _said(error)
    if isinstance(status, int):
        spent = any(sign in str(error) or sign == getattr(error, "code", None) for sign in SPENT)
        passing = not spent and (status in PASSING or status >= 500)
        return Fault(f"status {status}: {said}", passing, wait=_retry_after(error) if passing else None)
    if any(cut in name for name in names for cut in _CUT):
        return Fault(f"the connection failed or was cut: {said}", passing=True)
    if isinstance(error, ValueError | KeyError | TypeError | AttributeError | IndexError):
        # The SDKs raise these for a body that is not what their wire format says.
        return Fault(f"the answer is not in the provider's format ({type(error).__name__}: {said})", passing=True)
    return Fault(f"{type(error).__name__}: {said}", passing=False)


def _said(error: Exception) -> str:
    """The provider's own message in one line."""
    body: Any = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    message = inner.get("message") if isinstance(inner, dict) else None
    text = " ".join(str(message or error).split())
    deeper: BaseException | None = error
    while text.rstrip(".") == "Connection error" and deeper is not None:
        deeper = deeper.__cause__ or deeper.__context__
        text = " ".join(str(deeper or "").split()) or text
    text = text.rstrip(".")
    return text[:LONGEST] or type(error).__name__


def _retry_after(error: Exception) -> float | None:
    """Seconds from ``retry-after-ms``, or from ``Retry-After`` as a number or a date (RFC 9110, 10.2.3)."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    if headers is None:
        return None
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    given = headers.get("retry-after")
    if given is None or (seconds := _number(given)) is not None:
        return None if given is None else seconds
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < float("inf") else None
