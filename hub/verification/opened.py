"""A package as a verifier sees it: its manifest, the bytes of its files, the recorded rows of each run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from evidentia.errors import IntegrityError
from evidentia.sandbox import Outcome, strict_json_lines
from evidentia.workspace.package.manifest import EntryPoint, Manifest
from evidentia.workspace.package.store import MANIFEST, load_manifest
from evidentia.workspace.records import Branch, Row, Run

ROWS = "rows.jsonl"


@dataclass(frozen=True)
class Result:
    """One check of one level: whether it passed, and what was found."""

    rung: int
    name: str
    passed: bool
    detail: str


@dataclass
class Opened:
    """A package directory opened for verification. `outcomes` are the re-runs, filled in by level 2."""

    path: Path
    manifest: Manifest
    outcomes: list[Outcome | None] = field(default_factory=list)

    @property
    def branch(self) -> Branch:
        """What the package was compiled from."""
        return self.manifest.branch

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
    def rows(self) -> list[list[Row]]:
        """The recorded rows of each run, in order; none for a run that did not end well."""
        found: list[list[Row]] = []
        for entry, run in self.entries:
            if not run.evidence.ok:
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


def open_package(path: Path) -> Opened:
    """Open a package directory. Raises IntegrityError when its manifest is missing or not one."""
    return Opened(path, load_manifest(path))
