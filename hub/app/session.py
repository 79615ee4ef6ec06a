"""Who may write: whoever has the token that the server printed at its start.

A browser gets it once, in the address that was opened, and keeps a cookie; its writes also bring a word that only our
own pages hold (CSRF). A program sends the token as ``Authorization: Bearer``.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from evidentia.errors import BadInputError
from evidentia.workspace.home import Workspace

CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"


class Session:
    """The token and what is derived from it. Ports of 127.0.0.1 share their cookies, so the name holds the port."""

    def __init__(self, token: str, port: int) -> None:
        self.token = token
        self.cookie = f"evidentia_{port}"
        self.signed_in = _derived(token, "cookie")
        self.csrf = _derived(token, "csrf")

    def sign(self, text: str) -> str:
        """A word that only this server can have written for a text: what comes back with it was offered by us."""
        return _derived(self.token, f"signed {text}")

    def knows(self, request: Request) -> bool:
        """Whether the request comes from someone with the token."""
        given = request.headers.get("authorization", "")
        if given.lower().startswith("bearer ") and same(given[7:].strip(), self.token):
            return True
        return same(request.cookies.get(self.cookie, ""), self.signed_in)


def same(given: str, wanted: str) -> bool:
    """Compare in a time that tells nothing."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def _derived(token: str, what: str) -> str:
    return hmac.new(token.encode(), what.encode(), hashlib.sha256).hexdigest()


def token_of(workspace: Workspace) -> str:
    """The workspace's token for writing, made at its first use: a restarted server knows its browsers again.

    Raises BadInputError when it can neither be read nor written.
    """
    path = workspace.root / "keys" / "hub.token"
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as out:
                out.write(secrets.token_urlsafe(24))
        token = path.read_text().strip()
    except OSError as error:
        raise BadInputError(f"cannot keep the hub's token in {path}: {error.strerror}") from error
    if len(token) < 16:
        raise BadInputError(f"{path} does not hold a token; remove it, and the hub makes a new one")
    return token


def signed_in(request: Request) -> bool:
    """Whether whoever asks may write."""
    session: Session = request.app.state.session
    return session.knows(request)


async def may_write(request: Request) -> None:
    """Let only those pass who have the token and, from a browser, the word of our own pages.

    Raises HTTPException 401 without the token, 403 without the word.
    """
    session: Session = request.app.state.session
    if not session.knows(request):
        raise HTTPException(401, "to write, open the address that `evidentia hub` printed, or send its token")
    if "authorization" in request.headers:
        return
    given = request.headers.get(CSRF_HEADER, "")
    if not given:
        form = await request.form()
        given = str(form.get(CSRF_FIELD, ""))
    if not same(given, session.csrf):
        raise HTTPException(403, "this request did not come from a page of this server; reload the page and repeat it")


Writer = Depends(may_write)
"""For the routes that change something: ``dependencies=[Writer]``."""


def workspace_of(request: Request) -> Workspace:
    """The workspace that the application serves."""
    found: Workspace = request.app.state.workspace
    return found


Home = Annotated[Workspace, Depends(workspace_of)]
