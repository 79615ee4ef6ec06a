"""Where experiments are executed: one small interface, several executors, each one file and one line here.

`local` runs experiments in sandboxes on this machine; `ray` on the machines of a Ray cluster. Whichever it is, one
process owns the log: an executor answers with what one run of a job left, and nothing else is ever counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

from evidentia.errors import BadInputError
from evidentia.sandbox import Job, Outcome

Notice = Callable[[str, dict[str, Any]], None]
Unlike = Literal["refuse", "mark"]


class Executor(Protocol):
    """Runs jobs. `run` blocks its thread until the job has ended; several threads may call it."""

    level: str

    def run(self, job: Job, *, exclusive: bool = False) -> Outcome:
        """Run one job; `exclusive` runs it with no other job beside it, for timing. Raises SandboxClosedError after
        `close`, SandboxFailedError when the executor itself could not do its work."""

    def close(self) -> None:
        """Kill what runs and refuse more. May be called more than once, and from a signal's handler."""


def _unheard(kind: str, facts: dict[str, Any]) -> None:
    pass


@dataclass(frozen=True)
class Opening:
    """What an executor is opened with.

    `scratch` is the folder for the sandboxes of this machine, `compiled` the one for compiled code that
    `registry.compile_cache` names; `workers` jobs run at once, with the `devices` passed in. `minimum` is the weakest
    sandbox level in which the jobs may run (empty: any), `unlike` what becomes of a worker that has other versions,
    other library sources or a weaker sandbox: it is refused, or used and marked in the evidence. `notice` is told
    of workers that join, are refused or are lost: a kind of event and its payload.
    """

    scratch: Path
    compiled: Path
    workers: int = 2
    devices: tuple[str, ...] = ()
    minimum: str = ""
    unlike: Unlike = "refuse"
    notice: Notice = _unheard


EXECUTORS: Mapping[str, str] = {"local": "local", "ray": "ray_cluster.executor"}
"""The executors by name, each with its module here, which has ``open_executor(opening) -> Executor``."""


def open_executor(name: str, opening: Opening) -> Executor:
    """Open the executor of this name. Raises BadInputError for an unknown one, and for one that cannot be had here
    with what is missing and how to get it."""
    if name not in EXECUTORS:
        raise BadInputError(f"--executor: no executor {name!r}; there are {', '.join(EXECUTORS)}")
    module = import_module(f"evidentia.graph.executors.{EXECUTORS[name]}")
    opened: Executor = module.open_executor(opening)
    return opened
