"""A package as a verifier sees it: its manifest, the bytes of its files, the recorded rows of each run."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from evidentia.errors import IntegrityError
from evidentia.sandbox import Outcome, strict_json_lines
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.manifest import EntryPoint, Manifest
from evidentia.workspace.package.store import MANIFEST, load_manifest
from evidentia.workspace.records import Branch, Event, Row, Run

ROWS = "rows.jsonl"
LOG = "trace/events.jsonl"
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError)
"""What reading a hostile record as if it were a well-formed one may raise."""


@dataclass(frozen=True)
class Result:
    """One check of one level: whether it passed, and what was found."""

    rung: int
    name: str
    passed: bool
    detail: str


@dataclass
class Opened:
    """A package directory opened for verification. `outcomes` are the re-runs, filled in by level 2; `workspace` is
    that of the verifier, whose keys and logs count, if there is one."""

    path: Path
    manifest: Manifest
    workspace: Workspace | None = None
    outcomes: list[Outcome | None] = field(default_factory=list)

    @property
    def branch(self) -> Branch:
        """What the package was compiled from."""
        return self.manifest.branch

    @property
    def run_log(self) -> Path | None:
        """The log of the run this package came from, if that is in the verifier's workspace."""
        name = self.manifest.run
        if self.workspace is None or not name or "/" in name or name.startswith("."):
            return None
        path = self.workspace.runs / name / "events.jsonl"
        return path if path.is_file() else None

    @property
    def native(self) -> bool:
        """Whether the run was made in the verifier's workspace."""
        return self.run_log is not None

    @property
    def entries(self) -> list[tuple[EntryPoint, Run]]:
        """Every entry point with the run it repeats."""
        return list(zip(self.manifest.entry_points, self.branch.runs, strict=True))

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises IntegrityError when it cannot be read."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise IntegrityError(f"{name} cannot be read: {error.strerror}") from error

    def text(self, name: str) -> str:
        """A file's text. Raises IntegrityError when it is not UTF-8."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise IntegrityError(f"{name} is not UTF-8 text (byte {error.start})") from error

    def names(self) -> set[str]:
        """All files but the manifest, links among them, as relative paths."""
        found = (p for p in self.path.rglob("*") if p.is_symlink() or not p.is_dir())
        return {p.relative_to(self.path).as_posix() for p in found} - {MANIFEST}

    @cached_property
    def events(self) -> list[Event]:
        """The slice of the run's log. Raises IntegrityError naming the first line that is not an event."""
        found: list[Event] = []
        for number, line in enumerate(self.read(LOG).splitlines(), start=1):
            try:
                found.append(Event.model_validate(json.loads(line)))
            except (ValueError, RecursionError) as error:
                raise IntegrityError(f"{LOG}:{number} is not an event") from error
        return found

    @cached_property
    def rows(self) -> list[list[Row]]:
        """The recorded rows of each run, in order; none for a run that did not end well or left none."""
        found: list[list[Row]] = []
        for entry, run in self.entries:
            if not run.evidence.ok or ROWS not in run.evidence.outputs:
                found.append([])
                continue
            try:
                found.append([*strict_json_lines(self.read(f"evidence/rows/{entry.id}.jsonl"))])
            except ValueError as error:
                raise IntegrityError(f"evidence/rows/{entry.id}.jsonl: {error}") from error
        return found

    def rows_of(self, evidence: Collection[str]) -> list[Row]:
        """The recorded rows of the named pieces of evidence, in the order they were measured."""
        pairs = zip(self.branch.runs, self.rows, strict=True)
        return [row for run, rows in pairs if run.evidence.id in evidence for row in rows]


def open_package(path: Path, workspace: Workspace | None = None) -> Opened:
    """Open a package directory. Raises IntegrityError when its manifest is missing or not one."""
    return Opened(path, load_manifest(path), workspace)
