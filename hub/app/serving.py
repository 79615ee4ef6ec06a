"""Serving the application on the loopback interface until Ctrl-C."""

from __future__ import annotations

import socket
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress

from evidentia.errors import BadInputError, EvidentiaError
from evidentia.hub.app.application import create_app
from evidentia.hub.app.session import token_of
from evidentia.hub.ranking import find_packages
from evidentia.workspace.home import Workspace

HOST = "127.0.0.1"
SECONDS_TO_CLOSE = 3
LOOK_COUNTS_FOR = 2.0
"""Seconds: how long a manifest that someone changed by hand may go unseen in lists. The ledger is read at once."""


def serve(workspace: Workspace, port: int, *, tell: Callable[[str, str], None], browse: bool) -> None:
    """Serve until interrupted; `tell` gets the address for reading and the one that lets write.

    `port` 0 takes a free one. Raises BadInputError when the port is taken.
    """
    import uvicorn

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        raise BadInputError(f"cannot serve at {HOST}:{port}: {error.strerror}; give another with --port") from error
    port = listener.getsockname()[1]
    token = token_of(workspace)
    listener.listen()
    address = f"http://{HOST}:{port}/"
    workspace.look_counts_for = LOOK_COUNTS_FOR
    app = create_app(workspace, token, port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_CLOSE,
        limit_concurrency=200,
    )
    threading.Thread(target=_warm, args=(workspace,), name="warm", daemon=True).start()
    tell(address, f"{address}?token={token}")
    if browse:
        with suppress(webbrowser.Error):
            webbrowser.open(f"{address}?token={token}")
    uvicorn.Server(config).run(sockets=[listener])


def _warm(workspace: Workspace) -> None:
    """Bring the index up to date before the first page asks for it: seconds, where thousands of packages are new."""
    with suppress(EvidentiaError, OSError):  # the pages tell of it
        find_packages(workspace, limit=1)
