"""The runs that the pages watch: one reader of their logs for the whole server; pausing the process at work."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from fastapi import Request

from evidentia.errors import BadInputError
from evidentia.graph.watching import Runs, Summary, summary
from evidentia.workspace.home import Workspace
from evidentia.workspace.writers import writer_of


def runs_of(request: Request) -> Runs:
    """The server's reader of runs."""
    state = request.app.state
    if not hasattr(state, "runs"):
        state.runs = Runs(state.workspace)
    found: Runs = state.runs
    return found


def state_of(runs: Runs, run: str) -> Summary:
    """One run as it is now, read from where it was read before. Raises as `Runs.watch`."""
    watched = runs.watch(run)
    with watched.lock:
        found = summary(watched.progress, run)
    return runs.now(found)


def pause(workspace: Workspace, run: str) -> None:
    """Ask the process that works on a run to stop between two steps (SIGINT), so that it can be gone on with.

    Raises BadInputError when no process of this machine works on it.
    """
    pid = writer_of(workspace.log_path(run))
    if pid is None or pid == os.getpid():
        raise BadInputError(f"there is nothing to pause: no process works on {run} on this machine")
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGINT)
