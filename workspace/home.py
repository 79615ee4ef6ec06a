"""The workspace folder: where runs, blobs, packages and the ledger lie, and which schema they follow.

::

    workspace.json                     schema version of this folder
    blobs/ab/cdef…                     content-addressed bytes
    runs/RUN/events.jsonl              the log, the truth
    runs/RUN/checkpoints.sqlite        LangGraph's order of steps
    packages/PACKAGE/v1/               one directory per branch and version
    packages/PACKAGE/attestations/     signed verifications, beside the versions
    packages/PACKAGE/reviews/          signed reviews
    keys/                              the workspace's signing key (0600); trusted/ holds other people's public ones
    ledger.jsonl                       publication, verification and review events over all packages
    index.sqlite, index.lock           for lists and search, made from the two above; may be deleted
    briefs/HASH.toml                   what a person typed into the hub to start a run
    jobs/ID.json, jobs/ID.log          commands that the hub started for a person, how they ended, their output
    cache/                             compile caches; may be deleted
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from evidentia.errors import BadInputError
from evidentia.workspace.blobs import BlobStore
from evidentia.workspace.eventlog import EventLog

SCHEMA = 1


class Workspace:
    """An opened workspace folder; `writer` is the run that it is opened for, if it is for one."""

    def __init__(self, root: Path, writer: str = "") -> None:
        self.root = root
        self.look_counts_for = 0.0
        """Seconds for which one look at all packages' manifests counts, when lists are made: a server sets some."""
        self.blobs = BlobStore(root / "blobs", writer)

    @property
    def runs(self) -> Path:
        """The folder of the runs."""
        return self.root / "runs"

    @property
    def packages(self) -> Path:
        """The folder of the packages."""
        return self.root / "packages"

    @property
    def cache(self) -> Path:
        """What may be deleted at any time."""
        return self.root / "cache"

    @property
    def ledger_path(self) -> Path:
        """The log of publications, verifications and reviews."""
        return self.root / "ledger.jsonl"

    def run_names(self) -> list[str]:
        """All runs, oldest first by name."""
        if not self.runs.is_dir():
            return []
        return sorted(p.name for p in self.runs.iterdir() if (p / "events.jsonl").is_file())

    def log_path(self, run: str) -> Path:
        """The run's log. Raises BadInputError when there is no such run, naming those there are."""
        path = self.runs / run / "events.jsonl"
        if not run or "/" in run or run.startswith(".") or not path.is_file():
            names = self.run_names()
            hint = f"there are {', '.join(names[-5:])}" if names else "it has no runs yet"
            raise BadInputError(f"no run {run!r} in {self.root}; {hint}")
        return path

    def open_log(self, run: str) -> EventLog:
        """The log of an existing run, for writing. Raises BadInputError while another process writes it."""
        return EventLog(self.log_path(run), run)

    def create_log(self, run: str) -> EventLog:
        """The log of a new run."""
        return EventLog(self.runs / run / "events.jsonl", run)

    def find_run(self, prefix: str) -> str:
        """The one run whose name is, or begins with, `prefix`. Raises BadInputError if none or several."""
        names = self.run_names()
        if prefix in names:
            return prefix
        found = [n for n in names if prefix and n.startswith(prefix)]
        if len(found) > 1:
            raise BadInputError(f"{prefix!r} begins several runs: {', '.join(found)}; say more of the name")
        return found[0] if found else self.log_path(prefix).parent.name

    def package_names(self) -> list[str]:
        """All packages by name."""
        if not self.packages.is_dir():
            return []
        return sorted(p.name for p in self.packages.iterdir() if p.is_dir() and not p.name.startswith("."))


def open_workspace(root: Path, *, create: bool = False) -> Workspace:
    """Open the folder, making it if `create`.

    Raises BadInputError when it does not exist, is not a workspace, cannot be written or is of a newer schema.
    """
    marker = root / "workspace.json"
    if not marker.exists():
        if not create:
            raise BadInputError(f"no workspace at {root}; `evidentia run` makes one, or name another with --workspace")
        _create(root, marker)
    try:
        found = json.loads(marker.read_text())["schema"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInputError(
            f"{marker} is not readable as a workspace description; restore it or move it away"
        ) from None
    if not isinstance(found, int) or found > SCHEMA:
        raise BadInputError(
            f"{root} was written by a newer Evidentia (workspace schema {found}, this one knows {SCHEMA}); upgrade"
        )
    return Workspace(root)


def _create(root: Path, marker: Path) -> None:
    try:
        temporary = marker.with_suffix(".new")
        if root.is_dir() and any(path != temporary for path in root.iterdir()):
            raise BadInputError(f"{root} is not empty and not a workspace; choose another folder with --workspace")
        root.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"schema": SCHEMA}) + "\n")
        os.replace(temporary, marker)
    except OSError as error:
        raise BadInputError(
            f"cannot write the workspace {root}: {error.strerror}; choose another with --workspace"
        ) from error
