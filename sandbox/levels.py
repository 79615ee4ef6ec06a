"""The levels of isolation, strongest first; a new level is one file and one line here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evidentia.sandbox.descendants import HAS_PROC
from evidentia.sandbox.job import Sandbox
from evidentia.sandbox.process import ProcessSandbox


@dataclass(frozen=True)
class Level:
    """A level with how to open it and what this machine says of it: (available, why or how to get it)."""

    name: str
    open: Callable[[Path, Path | None], Sandbox]
    probe: Callable[[], tuple[bool, str]]


def _probe_process() -> tuple[bool, str]:
    if sys.platform == "win32":
        return False, "needs a POSIX system; use Linux, macOS or WSL"
    if not HAS_PROC:
        return True, "weak: without /proc, memory and processes are bounded by rlimits only"
    return True, "weak: own process, scratch, limits and environment; files of the same user and network stay open"


LEVELS = (Level("process", ProcessSandbox, _probe_process),)


def available_levels() -> list[tuple[str, bool, str]]:
    """(name, available, why or how to get it) of every level, strongest first."""
    return [(level.name, *level.probe()) for level in LEVELS]


def open_sandbox(scratch_root: Path, *, level: str | None = None, compile_cache: Path | None = None) -> Sandbox:
    """The strongest available level, or the one named.

    `compile_cache` is a folder of Numba's compiled code that is copied into each job's scratch and never back.
    Raises ValueError for an unknown level or one this machine does not have.
    """
    names = ", ".join(item.name for item in LEVELS)
    for item in LEVELS:
        available, why = item.probe()
        if level in (None, item.name) and available:
            return item.open(scratch_root, compile_cache)
        if level == item.name:
            raise ValueError(f"the sandbox level {level} is not available here: {why}")
    raise ValueError(f"unknown sandbox level {level!r}; there are {names}")
