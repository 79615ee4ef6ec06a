"""What every request passes: only this host, only our own pages, nothing huge; and the headers of every answer.

- ``Host`` must be a loopback name with our port: a foreign name that resolves to this machine (DNS rebinding) fails.
- ``Origin`` and ``Sec-Fetch-Site`` of another site fail, except where a link is followed.
- Bodies above `LARGEST` bytes and addresses above `LONGEST` characters fail before anything reads them.
- The Content-Security-Policy allows our own files only: no inline script, no inline style, no frame around us.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evidentia.hub.app.session import Session, same

LARGEST, LONGEST = 2_000_000, 8_000
SAFE = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with no-referrer, a form of our own would say Origin: null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class _TooLargeError(Exception):
    """A body without an honest length grew too large."""


class Guard:
    """Middleware around the whole application."""

    def __init__(self, app: ASGIApp, port: int, session: Session) -> None:
        self.app, self.session = app, session
        names = ("127.0.0.1", "localhost", "[::1]")
        self.hosts = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers) or self._sign_in(scope)
        if refusal:
            for name, value in HEADERS.items():
                refusal.headers.setdefault(name, value)
            await refusal(scope, receive, send)
            return
        taken, refused = 0, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST:
                raise _TooLargeError
            return message

        async def headed(message: Message) -> None:
            nonlocal refused
            if taken > LARGEST:  # whatever the application makes of its torn body, this is the answer
                if not refused:
                    refused = True
                    await _too_large()(scope, receive, send)
                return
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
                answer.setdefault("cache-control", "no-cache")
            await send(message)

        try:
            await self.app(scope, counted, headed)
        except _TooLargeError:
            if not refused:
                await _too_large()(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Why a request is not let in, if it is not."""
        host, origin, site = headers.get("host", ""), headers.get("origin"), headers.get("sec-fetch-site", "none")
        if host.lower() not in self.hosts:
            return PlainTextResponse("this server answers only as 127.0.0.1 or localhost with its port", 421)
        followed = scope["method"] in SAFE and headers.get("sec-fetch-mode") == "navigate"
        if origin is not None and origin.lower() not in self.origins and not followed:
            return PlainTextResponse("requests from other sites are not answered", 403)
        if site not in ("same-origin", "none") and not followed:
            return PlainTextResponse("requests from other sites are not answered", 403)
        if len(scope["path"]) + len(scope["query_string"]) > LONGEST:
            return PlainTextResponse(f"the address is longer than {LONGEST} characters", 414)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length[:12]) > LARGEST:
            return _too_large()
        return None

    def _sign_in(self, scope: Scope) -> Response | None:
        """Give the cookie to whoever brings the token in the address, and take the token out of the address."""
        if scope["method"] != "GET" or b"token=" not in scope["query_string"]:
            return None
        given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        token = dict(given).get("token", "")
        rest = urlencode([(name, value) for name, value in given if name != "token"])
        path = urlsplit(scope["path"]).path.lstrip("/")
        answer = RedirectResponse(f"/{path}{'?' if rest else ''}{rest}", 303)
        if same(token, self.session.token):
            cookie = self.session.cookie
            answer.set_cookie(cookie, self.session.signed_in, max_age=30 * 86_400, httponly=True, samesite="strict")
        return answer


def _too_large() -> Response:
    return PlainTextResponse(f"the body is larger than {LARGEST} bytes", 413, HEADERS)
