"""A zip of ours: unpacked aside, its form, hashes and evidence checked, and only then a package of the workspace."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from evidentia.errors import BadInputError, IntegrityError
from evidentia.hub.imports.archive import unpack
from evidentia.hub.imports.guard import MOST_TOLD, guarded
from evidentia.hub.imports.nesting import expanded
from evidentia.hub.imports.outside import plain
from evidentia.hub.imports.receipt import INTACT, Known, Receipt, changes_since, known_of, take_in
from evidentia.hub.imports.said import attesters, keep, weigh
from evidentia.hub.verification import verify
from evidentia.hub.verification.attested import FOLDER as ATTESTATIONS
from evidentia.hub.verification.ladder import FOREIGN, RUNNING
from evidentia.sandbox import strength, strongest_level
from evidentia.workspace.canonical import sha256
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.package.reviews import FOLDER as REVIEWS
from evidentia.workspace.package.store import MANIFEST, load_manifest
from evidentia.workspace.signing import trusted_keys

FORM = "zip"
IDENTITY = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
VERSION = re.compile(r"v([1-9][0-9]{0,5})")
MOST_MANIFEST_BYTES = 64 * 1024**2


def import_zip(workspace: Workspace, archive: Path, *, rung: int = INTACT, allow_weak_sandbox: bool = False) -> Receipt:
    """Take in a package from a zip that `evidentia export --format zip` made, here or elsewhere, and verify it here
    up to `rung`.

    Raises BadInputError in one sentence, with the workspace as it was, when the zip or the package in it is not
    what it should be, when the version is here with other bytes, or when none of the keys this workspace knows the
    package by has signed it.
    """
    if rung >= RUNNING and not allow_weak_sandbox:
        _check_sandbox()
    workspace.packages.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".importing-", dir=workspace.packages))
    try:
        names = unpack(archive, staging)
        folder = _sorted_out(archive, names, staging)
        manifest = _whole(archive, folder, names)
        digest = sha256((folder / MANIFEST).read_bytes())
        beside = [p for kind in (ATTESTATIONS, REVIEWS) for p in sorted((folder.parent / kind).glob("*.json"))]
        said = weigh(beside, digest, trusted_keys(workspace))
        keys = attesters(said)
        target = workspace.packages / manifest.id / folder.name
        here = _here(archive, manifest, target, digest)
        _check_keys(archive, manifest, known_of(workspace, manifest.id), keys, here)
        for path, found in zip(beside, said, strict=True):
            if not found.kept:
                path.unlink()
        if not here:
            _check_evidence(archive, folder, manifest)
            _move(folder, target)
        added = keep(beside, said, target.parent)
        order = tuple(sorted(keys))
        earned, failed = take_in(
            workspace,
            manifest.id,
            manifest.version,
            form=FORM,
            keys=order,
            rung=rung,
            allow_weak_sandbox=allow_weak_sandbox,
        )
        new = not here or added > 0
        changed = changes_since(workspace, manifest.id, manifest.version) if not here else ()
        return Receipt(manifest.id, manifest.version, target, FORM, new, earned, failed, tuple(said), (), changed)
    except OSError as error:
        raise BadInputError(f"{archive} cannot be taken in: {error.strerror or error}; make room and retry") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_sandbox() -> None:
    """Code from outside runs in a strong sandbox or not at all."""
    here = strongest_level()
    if strength(here) < strength(FOREIGN):
        raise BadInputError(
            f"levels {RUNNING} and higher run the package's code, which needs the sandbox level {FOREIGN} or a "
            f"stronger one; this machine has {here}: leave --rung out, or add --allow-weak-sandbox"
        )


def _sorted_out(archive: Path, names: list[str], staging: Path) -> Path:
    """The one version directory: every file belongs to it or is said of it."""
    manifests = [name for name in names if name.split("/")[2:] == [MANIFEST]]
    if len(manifests) != 1:
        told = "no manifest" if not manifests else f"{len(manifests)} manifests"
        raise BadInputError(f"{archive} holds {told}; a package has one, as ID/v1/{MANIFEST}")
    identity, version, _ = manifests[0].split("/")
    if not IDENTITY.fullmatch(identity) or not VERSION.fullmatch(version):
        raise BadInputError(f"{archive}: {manifests[0]!r} is not the place of a manifest; it must be ID/v1/{MANIFEST}")
    for name in names:
        inside = name.startswith(f"{identity}/{version}/")
        said = re.fullmatch(rf"{re.escape(identity)}/(?:{ATTESTATIONS}|{REVIEWS})/{version}-[\w.-]+\.json", name)
        if not inside and not said:
            raise BadInputError(f"{archive}: {name[:120]!r} is neither of {identity}/{version} nor said of it")
    return staging / identity / version


def _whole(archive: Path, folder: Path, names: list[str]) -> Manifest:
    """The manifest, once it is one, is of this place, and names every file with its hash."""
    if (folder / MANIFEST).stat().st_size > MOST_MANIFEST_BYTES:
        raise BadInputError(f"{archive}: the manifest is larger than {MOST_MANIFEST_BYTES:,} bytes")
    try:
        manifest = load_manifest(folder)
    except (IntegrityError, RecursionError) as error:
        told = str(error).replace(f"{folder}/", "") if isinstance(error, IntegrityError) else "it is nested too deep"
        raise BadInputError(f"{archive}: {plain(told, MOST_TOLD)}") from error
    identity, version = folder.parent.name, folder.name
    if (manifest.id, f"v{manifest.version}") != (identity, version):
        told = f"{plain(manifest.id, 100)} v{manifest.version}"
        raise BadInputError(f"{archive}: the manifest is of {told}, the files are of {identity} {version}")
    start = f"{identity}/{version}/"
    held = {name.removeprefix(start) for name in names if name.startswith(start)} - {MANIFEST}
    for name in sorted(held ^ manifest.files.keys()):
        told = "is not in the manifest" if name in held else "is in the manifest and not in the zip"
        raise BadInputError(f"{archive}: {name[:120]!r} {told}")
    for name, expected in manifest.files.items():
        if sha256((folder / name).read_bytes()) != expected:
            raise BadInputError(f"{archive}: {name!r} was changed: its SHA-256 is not the manifest's")
    return manifest


def _here(archive: Path, manifest: Manifest, target: Path, digest: str) -> bool:
    """Whether this very version is in the workspace. Raises BadInputError when it is there with other bytes."""
    if not target.exists():
        return False
    if (target / MANIFEST).is_file() and sha256((target / MANIFEST).read_bytes()) == digest:
        return True
    raise BadInputError(
        f"{archive}: {manifest.id} v{manifest.version} is in this workspace with other bytes; a version never "
        "changes: ask for one with a new version"
    )


def _check_keys(archive: Path, manifest: Manifest, known: Known, keys: set[str], here: bool) -> None:
    """A package known by its keys must come with a signature of one of them."""
    if not known.keys or keys & known.keys or (here and not keys):
        return
    by = f"signed by {', '.join(f'{k[:16]}…' for k in sorted(keys))}" if keys else "not signed"
    raise BadInputError(
        f"{archive}: {manifest.id} v{manifest.version} is {by}; this workspace knows the package by the key "
        f"{', '.join(f'{k[:16]}…' for k in sorted(known.keys))}: it may come from someone else"
    )


def _check_evidence(archive: Path, folder: Path, manifest: Manifest) -> None:
    """A package that says it has evidence must be intact: all of levels 0 and 1 hold before it is let in."""
    tree = folder / "trace/exploration_tree.yaml"
    if tree.is_file():
        guarded(archive, lambda: expanded(tree.read_text(encoding="utf-8", errors="replace")))
    report = guarded(archive, lambda: verify(folder, None, INTACT))
    failed = next((c for c in report["checks"] if not c["passed"]), None)
    if failed and manifest.branch.runs:
        told = plain(f"{failed['name']}: {failed['detail']}", MOST_TOLD)
        raise BadInputError(f"{archive}: {manifest.id} is not intact: {told}")


def _move(folder: Path, target: Path) -> None:
    """Make the files durable and the version appear by one rename."""
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)
    target.parent.mkdir(exist_ok=True)
    os.rename(folder, target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
