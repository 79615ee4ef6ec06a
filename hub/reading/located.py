"""A package by its id as an address or a tool names it, and its files, each checked against the manifest."""

from __future__ import annotations

import re
from pathlib import Path

from evidentia.errors import BadInputError, IntegrityError
from evidentia.workspace.canonical import sha256
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.package.store import MANIFEST, load_manifest, package_versions

LARGEST = 64_000_000
"""Bytes of a file that is read into memory; whoever wants a larger one exports the package."""
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,199})(?:@v([0-9]{1,6}))?")


def package_dir(workspace: Workspace, name: str, version: int | None = None) -> Path:
    """The directory of a package by its whole id, or ``ID@v1``; without a version the latest.

    Never leads out of the workspace. Raises BadInputError when there is no such package or version.
    """
    match = _NAME.fullmatch(name)
    home = workspace.packages / match[1] if match else None
    versions = package_versions(home) if home is not None else []
    if match is None or home is None or not versions:
        raise BadInputError(f"no package {name[:200]!r} in this workspace; list or search the packages for their ids")
    wanted = version if version is not None else int(match[2]) if match[2] else versions[-1]
    if wanted not in versions:
        raise BadInputError(f"no version {wanted} of {match[1]}; it has {', '.join(f'v{v}' for v in versions)}")
    return home / f"v{wanted}"


def read_manifest(path: Path) -> Manifest:
    """The manifest of a package directory. Raises IntegrityError when it cannot be read as one."""
    try:
        return load_manifest(path)
    except RecursionError:
        raise IntegrityError(f"{MANIFEST} of {path.parent.name} is nested too deeply") from None


def read_file(path: Path, manifest: Manifest, name: str) -> bytes:
    """The bytes of a file that the manifest names.

    Raises BadInputError for any other name and for a file above `LARGEST`, IntegrityError when the file is missing
    or is not what the manifest says.
    """
    digest = manifest.files.get(name)
    if digest is None or ".." in name.split("/") or name.startswith("/"):
        raise BadInputError(f"no file {name[:200]!r} in {manifest.id}; its list of files names those there are")
    file = path / name
    try:
        if file.is_symlink() or not file.resolve().is_relative_to(path.resolve()):
            raise IntegrityError(f"{name} of {manifest.id} is a link, which a package cannot hold")
        if file.stat().st_size > LARGEST:
            raise BadInputError(f"{name} is larger than {LARGEST} bytes; export the package to read it")
        data = file.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{name} of {manifest.id} cannot be read: {error.strerror}") from error
    if sha256(data) != digest:
        raise IntegrityError(f"{name} of {manifest.id} was changed after the package was made; verify the package")
    return data
