"""One careful request: bounded in time and size, polite, retried with back-off, kept on disk, told in one sentence.

Retry-After is honoured (RFC 9110, section 10.2.3: seconds or a date) as long as the look-up's patience allows it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from evidentia.agents.literature.cache import Cache, Fetched
from evidentia.agents.literature.politeness import turn
from evidentia.agents.literature.settings import Settings
from evidentia.errors import EvidentiaError

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

MOST_BYTES = 8 * 1024**2
FIRST_WAIT_SECONDS = 1.0
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
Check = Callable[[bytes], str | None]


class FetchError(EvidentiaError):
    """A service gave nothing that can be used; the sentence says what happened."""


class _PassingError(FetchError):
    """A failure that may pass; `after` is how long the service asks to wait, in seconds."""

    def __init__(self, told: str, after: float = 0.0) -> None:
        super().__init__(told)
        self.after = after


class Fetcher:
    """Asks services under `settings`; answers are kept below `folder`, or nowhere if it is None."""

    def __init__(
        self, settings: Settings, folder: Path | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.settings, self._sleep = settings, sleep
        self._cache = Cache(folder, settings.lookup_cache_days) if folder else None

    def get(
        self,
        service: str,
        url: str,
        check: Check,
        *,
        query: Mapping[str, str] | None = None,
        secret: Mapping[str, str] | None = None,
        delay: float = 0.0,
    ) -> Fetched:
        """The answer of `service` at `url` with `query`, from the disk or the network.

        `check` says what is wrong with the bytes, or None; what it finds fault with is never kept. `secret` is sent
        and neither kept nor told. `delay` is the least time in seconds between two requests to the service.
        Raises FetchError in one sentence when nothing usable came in time.
        """
        address = f"{url}?{urlencode(query)}" if query else url
        held = self._cache.get(address) if self._cache else None
        if held is not None and check(held.body) is None:
            return held
        from tenacity import Retrying, retry_if_exception_type

        deadline = time.monotonic() + self.settings.lookup_patience_seconds
        retrying = Retrying(
            retry=retry_if_exception_type(_PassingError),
            stop=lambda state: (
                state.attempt_number >= self.settings.lookup_tries or time.monotonic() + _wait(state) > deadline
            ),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            answer = retrying(self._once, service, address, check, secret or {}, delay, deadline)
        except _PassingError as error:
            raise FetchError(self._told(error, retrying.statistics["attempt_number"], deadline)) from error
        if self._cache:
            self._cache.put(answer)
        return answer

    def forget(self, answer: Fetched) -> None:
        """Ask anew the next time: the answer was whole, but not to the question."""
        if self._cache:
            self._cache.forget(answer.url)

    def _told(self, error: _PassingError, tries: int, deadline: float) -> str:
        patience = f"longer than the {self.settings.lookup_patience_seconds:g} s that a look-up may take"
        if error.after and time.monotonic() + error.after > deadline:
            return f"{error} and asks to wait {error.after:,.0f} s, {patience}"
        return f"{error} ({tries} tries)" if tries > 1 else str(error)

    def _once(
        self, service: str, address: str, check: Check, secret: Mapping[str, str], delay: float, deadline: float
    ) -> Fetched:
        if not self._cache or not delay:
            return self._asked(service, address, check, secret, deadline)
        with turn(self._cache.asked(service), delay, deadline, self._sleep) as ours:
            if not ours:
                raise FetchError(f"{service} is asked by other processes of this machine, one at a time, all the while")
            return self._asked(service, address, check, secret, deadline)

    def _asked(self, service: str, address: str, check: Check, secret: Mapping[str, str], deadline: float) -> Fetched:
        import httpx

        limit = self.settings.lookup_timeout_seconds
        end = min(deadline, time.monotonic() + limit)
        retrieved = datetime.now(UTC).isoformat(timespec="milliseconds")
        headers = {"User-Agent": f"evidentia/{metadata.version('evidentia')}", "Accept-Encoding": "identity"}
        sent = httpx.URL(address).copy_merge_params(secret) if secret else address
        try:
            with httpx.stream("GET", sent, headers=headers, timeout=max(0.01, end - time.monotonic())) as response:
                _check_status(service, response)
                body = _body(service, response, end, limit)
        except httpx.TimeoutException:
            raise _PassingError(f"{service} did not answer within {limit:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            told = " ".join(str(error).split())[:120] or type(error).__name__
            raise _PassingError(f"{service} cannot be reached ({told})") from None
        if fault := check(body):
            raise _PassingError(f"{service} answered what cannot be used: {fault}")
        return Fetched(address, retrieved, body)


def _wait(state: RetryCallState) -> float:
    """Doubling from one second, or what the service asks for, whichever is longer."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, _PassingError) else 0.0
    return max(asked, FIRST_WAIT_SECONDS * 2.0 ** (state.attempt_number - 1))


def _check_status(service: str, response: httpx.Response) -> None:
    status = response.status_code
    if status == 200:
        encoding = response.headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise FetchError(f"{service} answered in the encoding {encoding[:20]!r}, which was not asked for")
        return
    if status in AGAIN:
        raise _PassingError(f"{service} answered HTTP {status}", _after(response.headers.get("retry-after", "")))
    moved = ": it has moved; set its address anew" if 300 <= status < 400 else ""
    raise FetchError(f"{service} answered HTTP {status}{moved}")


def _after(header: str) -> float:
    """Seconds that a Retry-After header asks for; 0 for none or one that cannot be read."""
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except (ValueError, TypeError):
        return 0.0
    return max(0.0, (at - datetime.now(at.tzinfo)).total_seconds())


def _body(service: str, response: httpx.Response, end: float, limit: float) -> bytes:
    """The whole body, refused once it is too large or too slow, however little comes at a time."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_raw():
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise FetchError(f"{service} answered more than {MOST_BYTES:,} bytes")
        if time.monotonic() > end:
            raise _PassingError(f"{service} did not answer whole within {limit:g} s")
    return b"".join(parts)
