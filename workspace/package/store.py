"""Packages on disk: written whole or not at all, versions added and never overwritten."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from evidentia.errors import BadInputError, IntegrityError
from evidentia.workspace.canonical import sha256
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.manifest import Manifest

MANIFEST = "manifest.json"


def write_package(
    workspace: Workspace, package: str, make: Callable[[int], tuple[Manifest, Mapping[str, bytes]]]
) -> tuple[int, Path]:
    """Write the next version of a package, or return the latest one if it already says the same.

    `make` gives manifest and files for a version number. The directory appears by one rename, after fsync.
    """
    home = workspace.packages / package
    versions = package_versions(home)
    if versions:
        manifest, _ = make(versions[-1])
        if (home / f"v{versions[-1]}" / MANIFEST).read_bytes() == manifest.to_bytes():
            return versions[-1], home / f"v{versions[-1]}"
    version = versions[-1] + 1 if versions else 1
    manifest, files = make(version)
    home.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".building-{manifest.run}-", dir=workspace.packages))
    try:
        for name, data in {**files, MANIFEST: manifest.to_bytes()}.items():
            target = building / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        for folder in {building, *(p for p in building.rglob("*") if p.is_dir())}:
            _sync(folder)
        os.chmod(building, 0o755)  # noqa: S103 - mkdtemp made it private; packages are read by others
        os.replace(building, home / f"v{version}")
        _sync(home)
    except OSError as error:
        shutil.rmtree(building, ignore_errors=True)
        raise BadInputError(f"cannot write the package {package}: {error.strerror}; make room and resume") from error
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return version, home / f"v{version}"


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def package_versions(home: Path) -> list[int]:
    """The version numbers of a package, oldest first."""
    if not home.is_dir():
        return []
    return sorted(int(p.name[1:]) for p in home.iterdir() if p.name[:1] == "v" and p.name[1:].isdigit())


def locate(workspace: Workspace | None, name: str) -> Path:
    """The directory of a package: a path, or the id (or its unique beginning) of one in the workspace.

    ``ID@v1`` names a version; without one it is the latest. Raises BadInputError naming what there is.
    """
    path = Path(name)
    if (path / MANIFEST).is_file():
        return path
    wanted, _, version = name.partition("@")
    plain = bool(wanted) and "/" not in wanted and not wanted.startswith(".")
    if workspace and plain and (workspace.packages / wanted).is_dir():
        names = [wanted]  # a whole id needs no look at all the others, of which there may be thousands
    else:
        names = workspace.package_names() if workspace else []
    found = [n for n in names if n == wanted] or [n for n in names if wanted and n.startswith(wanted)]
    if len(found) > 1:
        raise BadInputError(f"{wanted!r} begins several packages: {', '.join(found[:5])}; say more of the name")
    if not found or not workspace:
        hint = f"see `evidentia packages` for the {len(names)} there are" if names else "there are no packages yet"
        raise BadInputError(f"no package {name!r}; {hint}")
    home = workspace.packages / found[0]
    versions = package_versions(home)
    number = version.removeprefix("v") or (str(versions[-1]) if versions else "")
    if not number.isdigit() or int(number) not in versions:
        raise BadInputError(f"{found[0]} has no version {version!r}; it has {', '.join(f'v{v}' for v in versions)}")
    return home / f"v{number}"


def load_manifest(path: Path) -> Manifest:
    """The manifest of a package directory. Raises IntegrityError when it is missing or not a manifest."""
    try:
        return Manifest.model_validate(json.loads((path / MANIFEST).read_bytes()))
    except OSError as error:
        raise IntegrityError(f"{path / MANIFEST} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(p) for p in fault["loc"])
        raise IntegrityError(f"{path / MANIFEST} is not a package manifest: {where}: {fault['msg']}") from error
    except RecursionError:
        raise IntegrityError(f"{path / MANIFEST} is nested too deeply to be a package manifest") from None
    except ValueError as error:
        raise IntegrityError(f"{path / MANIFEST} is not JSON: {error}") from error


def hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of every file, by relative path."""
    return {name: sha256(data) for name, data in sorted(files.items())}
