"""One sandbox for a server's whole life, opened when the first experiment needs it."""

from __future__ import annotations

from contextlib import ExitStack
from threading import Lock

from evidentia.hub.verification.ladder import sandboxed
from evidentia.sandbox import Sandbox
from evidentia.workspace.home import Workspace


class SharedSandbox:
    """The strongest sandbox of this machine, with the workspace's compile cache, shared by all threads."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._lock, self._stack = Lock(), ExitStack()
        self._sandbox: Sandbox | None = None

    def get(self) -> Sandbox:
        """The sandbox, opened at the first call."""
        with self._lock:
            if self._sandbox is None:
                self._sandbox = self._stack.enter_context(sandboxed(None, self.workspace, needed=True))
            assert self._sandbox is not None
            return self._sandbox

    def close(self) -> None:
        """Kill whatever runs and clear its folder away."""
        with self._lock:
            self._sandbox = None
            self._stack.close()
