"""A collection: a zip of nothing but package zips, each taken in as if it had come alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evidentia.errors import EvidentiaError
from evidentia.hub.imports.archive import names_in, unpack
from evidentia.hub.imports.receipt import INTACT, Receipt
from evidentia.hub.imports.zipped import import_zip
from evidentia.workspace.home import Workspace


@dataclass(frozen=True)
class Refused:
    """A package of a collection that was not taken in, and why."""

    name: str
    why: str


def is_collection(path: Path) -> bool:
    """Whether a zip holds package zips at its top and nothing else. Raises BadInputError for what is no whole zip."""
    names = names_in(path)
    return bool(names) and all(name.endswith(".zip") and "/" not in name for name in names)


def import_collection(
    workspace: Workspace, path: Path, *, rung: int = INTACT, allow_weak_sandbox: bool = False
) -> Iterator[Receipt | Refused]:
    """Take in the packages of a collection one by one, in the order of their names; one that is refused stops no other.

    Raises BadInputError when the collection itself is not a whole zip.
    """
    with tempfile.TemporaryDirectory(prefix="evidentia-collection-") as folder:
        for name in sorted(unpack(path, Path(folder))):
            try:
                inner = Path(folder) / name
                yield import_zip(workspace, inner, rung=rung, allow_weak_sandbox=allow_weak_sandbox)
            except EvidentiaError as error:
                yield Refused(name, str(error).replace(folder, str(path)))
