"""The levels of isolation, strongest first; a new level is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from evidentia.sandbox.job import Sandbox

Opener = Callable[[Path, Path | None, tuple[str, ...]], Sandbox]


@dataclass(frozen=True)
class Level:
    """A level with the module that has it: ``open_level(scratch_root, compile_cache, devices)`` opens it and
    ``probe()`` says what this machine has: (available, why, or what is missing and how to get it)."""

    name: str
    module: str

    def _in_module(self, name: str) -> Any:
        return getattr(import_module(f"evidentia.sandbox.{self.module}"), name)

    @property
    def open(self) -> Opener:
        """Opens a sandbox of this level."""
        opener: Opener = self._in_module("open_level")
        return opener

    def probe(self) -> tuple[bool, str]:
        """Whether this machine has the level, found out by trying."""
        found: tuple[bool, str] = self._in_module("probe")()
        return found


LEVELS = (
    Level("namespaces+landlock+seccomp", "zygote.host"),
    Level("bubblewrap", "bubblewrap"),
    Level("landlock+seccomp", "landlocked"),
    Level("process", "process"),
)
NAMES = tuple(level.name for level in LEVELS)


def strength(name: str) -> int:
    """How strong a level is: 0 for the weakest. Raises ValueError for an unknown one."""
    if name not in NAMES:
        raise ValueError(f"unknown sandbox level {name!r}; there are {', '.join(NAMES)}")
    return len(NAMES) - 1 - NAMES.index(name)


def available_levels() -> list[tuple[str, bool, str]]:
    """(name, available, why or how to get it) of every level, strongest first."""
    return [(level.name, *level.probe()) for level in LEVELS]


def strongest_level() -> str:
    """The name of the level that `open_sandbox` opens. Raises ValueError if this machine has none."""
    for item in LEVELS:
        if item.probe()[0]:
            return item.name
    raise ValueError(f"no sandbox level is available on this machine; {LEVELS[-1].probe()[1]}")


def open_sandbox(
    scratch_root: Path,
    *,
    level: str | None = None,
    compile_cache: Path | None = None,
    devices: tuple[str, ...] = (),
) -> Sandbox:
    """The strongest available level, or the one named.

    `compile_cache` is a folder for Numba's compiled code, which the library's own warming fills and no job can
    change. `devices` are device files that jobs may use. Raises ValueError for an unknown level or one this machine
    does not have.
    """
    name = strongest_level() if level is None else level
    strength(name)
    item = next(i for i in LEVELS if i.name == name)
    available, why = item.probe()
    if not available:
        raise ValueError(f"the sandbox level {name} is not available here: {why}")
    return item.open(scratch_root, compile_cache, devices)
