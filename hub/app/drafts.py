"""Drafts of reviews: saved as one types, so that neither a closed page nor a killed server loses an answer."""

from __future__ import annotations

import json
import os
from pathlib import Path

from evidentia.errors import BadInputError
from evidentia.workspace.home import Workspace

FOLDER = "drafts"
Draft = dict[str, str]


def draft_path(home: Workspace, package: str, version: int) -> Path:
    """Where the draft of a package's version lies; `package` is the id of one that exists."""
    return home.root / FOLDER / f"{package}@v{version}.json"


def save(home: Workspace, package: str, version: int, draft: Draft) -> None:
    """Write the draft whole or not at all. Raises BadInputError when there is no room."""
    path = draft_path(home, package, version)
    try:
        path.parent.mkdir(exist_ok=True)
        new = path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as out:
            json.dump(draft, out)
            out.flush()
            os.fsync(out.fileno())
        os.replace(new, path)
    except OSError as error:
        raise BadInputError(f"cannot save the draft to {path}: {error.strerror}; make room and go on") from error


def load(home: Workspace, package: str, version: int) -> Draft:
    """The draft, empty where there is none or it cannot be read."""
    try:
        found = json.loads(draft_path(home, package, version).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def discard(home: Workspace, package: str, version: int) -> None:
    """Remove the draft: its review was submitted."""
    draft_path(home, package, version).unlink(missing_ok=True)
