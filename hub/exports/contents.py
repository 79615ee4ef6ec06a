"""What every export begins with: a package's manifest and files, checked against their hashes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evidentia.errors import IntegrityError
from evidentia.hub.verification.opened import open_package
from evidentia.workspace.canonical import sha256
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.package.store import MANIFEST


@dataclass(frozen=True)
class Contents:
    """A whole package in memory: `files` by relative path, the manifest among them."""

    manifest: Manifest
    files: dict[str, bytes]

    @property
    def name(self) -> str:
        """``ID-v1``: what an export is called."""
        return f"{self.manifest.id}-v{self.manifest.version}"


def read_contents(package: Path) -> Contents:
    """Read a package directory.

    Raises IntegrityError naming the first file that is missing, was added or was changed.
    """
    opened = open_package(package)
    listed = opened.manifest.files
    for name in sorted(opened.names() ^ listed.keys()):
        raise IntegrityError(f"{name} is {'missing' if name in listed else 'not in the manifest'}; verify the package")
    files = {}
    for name, digest in sorted(listed.items()):
        if (package / name).is_symlink() or sha256(data := opened.read(name)) != digest:
            raise IntegrityError(f"{name} is not what the manifest says: its content was changed; verify the package")
        files[name] = data
    return Contents(opened.manifest, {**files, MANIFEST: opened.read(MANIFEST)})
