"""Imports: what comes from outside, checked before it is trusted, as a package at the rung it earns here."""

from __future__ import annotations

from pathlib import Path

from evidentia.errors import BadInputError
from evidentia.hub.imports.ara import PAPER, import_ara
from evidentia.hub.imports.archive import ZIP
from evidentia.hub.imports.collection import Refused, import_collection, is_collection
from evidentia.hub.imports.discovery import FILE, import_discovery
from evidentia.hub.imports.receipt import INTACT, Receipt
from evidentia.hub.imports.zipped import import_zip
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.store import MANIFEST


def import_path(workspace: Workspace, path: Path, *, rung: int = INTACT, allow_weak_sandbox: bool = False) -> Receipt:
    """Take in a package zip, an ARA directory, or a ``discovery.json`` (alone or in its folder).

    A package zip is verified here up to `rung`; a description holds nothing to run.

    Raises BadInputError in one sentence, with nothing written, when it is none of these or not what it should be.
    """
    try:
        if path.is_dir():
            if (path / FILE).is_file() and not (path / PAPER).is_file():
                return import_discovery(workspace, path)
            if (path / PAPER).is_file() or (path / MANIFEST).is_file():
                return import_ara(workspace, path)
            raise BadInputError(f"{path} holds neither {PAPER} (ARA) nor {FILE}; name a package zip or one of these")
        if not path.is_file():
            raise BadInputError(f"{path} is not there, or is no plain file; name a package zip, a folder or a {FILE}")
        with path.open("rb") as handle:
            start = handle.read(4)
        if start in ZIP or path.suffix == ".zip":
            return import_zip(workspace, path, rung=rung, allow_weak_sandbox=allow_weak_sandbox)
        return import_discovery(workspace, path)
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror or error}") from error


def holds_many(path: Path) -> bool:
    """Whether a path is a collection of packages. Raises BadInputError for a zip that is not whole."""
    try:
        with path.open("rb") as handle:
            return handle.read(4) in ZIP and is_collection(path)
    except OSError:
        return False


__all__ = ["Receipt", "Refused", "holds_many", "import_collection", "import_path"]
