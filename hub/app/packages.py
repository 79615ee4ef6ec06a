"""What the pages of a package show: the package opened, and for a claim the chain from its number to the run that
printed it: claim, cells, run, lines of code, lines of standard output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidentia.errors import BadInputError, IntegrityError
from evidentia.hub.app.pages.discoveries import bars
from evidentia.hub.ranking import find_packages
from evidentia.workspace.home import Workspace
from evidentia.workspace.index import Facets
from evidentia.workspace.package.manifest import EntryPoint, Manifest
from evidentia.workspace.package.store import load_manifest, locate, package_versions
from evidentia.workspace.records import Check, Claim, Row, Run

LARGEST_FILE = 8_000_000
LINES_SHOWN = 2_000
Line = tuple[int, str, bool]
"""A line of a file: its number from 1, its text, and whether it is marked."""


@dataclass(frozen=True)
class Shown:
    """A package as its pages show it. `listed` is what the index says of it, None where it is not published."""

    path: Path
    manifest: Manifest
    versions: list[int]
    listed: dict[str, Any] | None

    @property
    def address(self) -> str:
        """The address of its pages; an older version is named in it."""
        name = self.manifest.id
        return f"/packages/{name}" if self.latest else f"/packages/{name}@v{self.manifest.version}"

    @property
    def latest(self) -> bool:
        """Whether no later version is there."""
        return self.manifest.version == self.versions[-1]

    @property
    def entries(self) -> list[tuple[EntryPoint, Run]]:
        """Every entry point with the run that it repeats."""
        return list(zip(self.manifest.entry_points, self.manifest.branch.runs, strict=False))

    def claim(self, name: str) -> Claim:
        """A claim by its id. Raises BadInputError naming those there are."""
        for claim in self.manifest.branch.claims:
            if claim.id == name:
                return claim
        known = ", ".join(c.id for c in self.manifest.branch.claims) or "none"
        raise BadInputError(f"no claim {name!r} in {self.manifest.id}; its claims are {known}")

    def file(self, name: str) -> bytes:
        """The bytes of a file that the manifest names. Raises BadInputError for any other name, a link or one too
        large, IntegrityError when it cannot be read."""
        path = self.path / name
        if name not in self.manifest.files or path.is_symlink() or not path.resolve().is_relative_to(self.path):
            raise BadInputError(f"no file {name!r} in {self.manifest.id}")
        try:
            if path.stat().st_size > LARGEST_FILE:
                raise BadInputError(f"{name} is larger than {LARGEST_FILE} bytes; download the package to read it")
            return path.read_bytes()
        except OSError as error:
            raise IntegrityError(f"{name} cannot be read: {error.strerror}") from error

    def lines(self, name: str, marked: re.Pattern[str] | None = None) -> list[Line]:
        """The first `LINES_SHOWN` lines of a text file, those marked that hold the pattern; none where it is not
        there."""
        if name not in self.manifest.files:
            return []
        text = self.file(name).decode("utf-8", "replace").splitlines()[:LINES_SHOWN]
        return [(n, line, bool(marked and marked.search(line))) for n, line in enumerate(text, start=1)]


def shown(home: Workspace, name: str) -> Shown:
    """A package of the workspace by id, or ``ID@v1``. Raises BadInputError when there is none, IntegrityError when
    its manifest cannot be read."""
    if "/" in name or name.startswith("."):
        raise BadInputError(f"no package {name!r}")
    path = locate(home, name)
    if not path.resolve().is_relative_to(home.packages.resolve()):
        raise BadInputError(f"no package {name!r}")
    manifest = load_manifest(path)
    _, found = find_packages(home, Facets(package=path.parent.name), 1)
    listed = {**found[0], "bars": bars(found[0])} if found else None
    return Shown(path.resolve(), manifest, package_versions(path.parent), listed)


@dataclass(frozen=True)
class Cell:
    """The recorded values of one system under one set of conditions: by seed, with the line of the rows' file."""

    system: str
    conditions: str
    values: tuple[tuple[int, float, int], ...]


@dataclass(frozen=True)
class Source:
    """One run behind a claim: its cells, its script with the lines that name them, what it printed."""

    entry: EntryPoint
    run: Run
    cells: tuple[Cell, ...]
    code: tuple[Line, ...]
    stdout: tuple[Line, ...]


def chain(package: Shown, claim: Claim) -> Iterator[Source]:
    """The runs that a claim rests on, each with what of it the claim used."""
    names = [re.escape(name) for name in (claim.check.system, claim.check.versus, claim.metric) if name]
    pattern = re.compile("|".join(rf"['\"]?\b{name}\b['\"]?" for name in names)) if names else None
    for entry, run in package.entries:
        if run.evidence.id in claim.evidence:
            rows = list(numbered_rows(package, entry.id))
            cells = tuple(_cells(claim.check, rows))
            code = tuple(package.lines(entry.script, pattern))
            stdout = tuple(package.lines(f"evidence/logs/{entry.id}.stdout.txt", pattern))
            yield Source(entry, run, cells, code, stdout)


def numbered_rows(package: Shown, entry: str) -> Iterator[tuple[int, Row]]:
    """The recorded rows of an entry point with their line numbers; none where there is no file of them."""
    name = f"evidence/rows/{entry}.jsonl"
    if name not in package.manifest.files:
        return
    for number, line in enumerate(package.file(name).splitlines(), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise IntegrityError(f"{name}:{number} is not JSON: {error}") from error
        if isinstance(row, dict):
            yield number, row


def _cells(check: Check, rows: list[tuple[int, Row]]) -> Iterator[Cell]:
    """The rows that a check may look at, by system and conditions."""
    found: dict[tuple[str, str], list[tuple[int, float, int]]] = {}
    systems = {check.system, check.versus} - {""}
    for number, row in rows:
        fits = all(row.get(k, v) == v for k, v in check.where.items())
        value, system = row.get(check.metric), str(row.get("system", ""))
        if fits and system in systems and isinstance(value, int | float):
            told = {k: v for k, v in row.items() if k not in ("system", "seed", check.metric)}
            varied = ", ".join(f"{k} {v}" for k, v in told.items() if check.where.get(k) != v)
            key = system, varied or "the claim's conditions"
            found.setdefault(key, []).append((int(row.get("seed", 0)), float(value), number))
    for (system, conditions), values in found.items():
        yield Cell(system, conditions, tuple(sorted(values)))
