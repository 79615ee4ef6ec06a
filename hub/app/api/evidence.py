"""Evidence and files of a package: rows and output by lines, every file as bytes, exports."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from pathlib import Path as Folder
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from fastapi.responses import Response
from pydantic import BaseModel

from evidentia.errors import IntegrityError
from evidentia.hub.app.api.answers import router
from evidentia.hub.app.api.package import Located
from evidentia.hub.reading.evidence import MOST_LINES, Lines, Stream, find_entry, read_lines
from evidentia.hub.reading.located import read_file, read_manifest
from evidentia.workspace.package.manifest import EntryPoint
from evidentia.workspace.records import Evidence

routes = router("Evidence", "/packages/{package}")
Name = Annotated[str, Path(max_length=64, description="An entry point (`E01`) or the SHA-256 of its evidence.")]
Format = Literal["zip", "ara", "ro-crate", "discovery", "citation", "bagit", "pdf", "latex"]
TEXTS = (".md", ".py", ".txt", ".json", ".jsonl", ".yaml", ".cff", ".csv", ".toml")
BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes, as an attachment.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("text/plain; charset=utf-8", "application/octet-stream")
        },
    }
}


class Measured(BaseModel):
    """One experiment of a package: its script and what the host saw of the run."""

    id: str
    role: str
    script: str
    digest: str
    evidence: Evidence


class File(BaseModel):
    """A file of a package. `size` is null where the file is missing."""

    path: str
    sha256: str
    size: int | None


@routes.get("/evidence")
def every(path: Located) -> list[Measured]:
    """Every experiment of the package with what the host saw: times, memory, exit status, digests of all output."""
    manifest = read_manifest(path)
    return [
        _measured(entry, run.evidence) for entry, run in zip(manifest.entry_points, manifest.branch.runs, strict=False)
    ]


@routes.get("/evidence/{evidence}")
def one(path: Located, evidence: Name) -> Measured:
    """One experiment."""
    manifest = read_manifest(path)
    entry = find_entry(manifest, evidence)
    for known, run in zip(manifest.entry_points, manifest.branch.runs, strict=False):
        if known is entry:
            return _measured(entry, run.evidence)
    raise IntegrityError(f"{path.parent.name} names {entry.id} and holds no run of it; verify the package")


@routes.get("/evidence/{evidence}/{stream}")
def lines(
    path: Located,
    evidence: Name,
    stream: Stream,
    first: Annotated[int, Query(ge=1, le=100_000_000, description="The first line, from 1.")] = 1,
    count: Annotated[int, Query(ge=1, le=MOST_LINES, description="How many lines.")] = 100,
) -> Lines:
    """Lines of the recorded rows (one JSON object each), of what the script printed, or of the script."""
    return read_lines(path, read_manifest(path), evidence, stream, first, count)


@routes.get("/files")
def files(path: Located) -> list[File]:
    """Every file that the manifest names, with its SHA-256."""
    found = read_manifest(path).files
    return [File(path=name, sha256=digest, size=_size(path / name)) for name, digest in sorted(found.items())]


@routes.get("/files/{file:path}", response_class=Response, responses=BYTES)
def file(path: Located, file: Annotated[str, Path(max_length=400)]) -> Response:
    """The bytes of one file, checked against its SHA-256."""
    data = read_file(path, read_manifest(path), file)
    leaf = file.rsplit("/", 1)[-1]
    text = leaf.endswith(TEXTS) or leaf == "LICENSE"
    return _attached(data, leaf, "text/plain; charset=utf-8" if text else "application/octet-stream")


@routes.get("/export/{form}", response_class=Response, responses=BYTES)
def export(path: Located, form: Format) -> Response:
    """The package in another format; one that is a folder comes as a zip of it. The same package gives the same
    bytes."""
    from evidentia.hub.exports import EXPORTS, SUFFIXES

    stem = f"{path.parent.name}-{path.name}"
    with tempfile.TemporaryDirectory(prefix="evidentia-export-") as folder:
        made = EXPORTS[form](path, Folder(folder) / f"{stem}{SUFFIXES.get(form, f'-{form}')}")
        name = f"{made.name}.zip" if made.is_dir() else made.name
        return _attached(_zipped(made) if made.is_dir() else made.read_bytes(), name, "application/octet-stream")


def _zipped(folder: Folder) -> bytes:
    """A folder as a zip, its files sorted, their times fixed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(f"{folder.name}/{file.relative_to(folder).as_posix()}")
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _attached(data: bytes, name: str, kind: str) -> Response:
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return Response(data, media_type=kind, headers={"content-disposition": f'attachment; filename="{plain}"'})


def _measured(entry: EntryPoint, evidence: Evidence) -> Measured:
    return Measured(id=entry.id, role=entry.role, script=entry.script, digest=entry.evidence, evidence=evidence)


def _size(path: Folder) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
