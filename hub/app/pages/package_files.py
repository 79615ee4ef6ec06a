"""Files of a package as text or pictures, and its exports as downloads. Nothing is served with a type that runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from evidentia.errors import BadInputError
from evidentia.hub.app.packages import shown
from evidentia.hub.app.pages.package import Name
from evidentia.hub.app.session import Home

router = APIRouter(prefix="/packages/{name}")
PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = (".md", ".py", ".txt", ".json", ".jsonl", ".yaml", ".cff", ".csv", ".toml")
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@router.get("/files/{file:path}")
def file(home: Home, name: Name, file: str) -> Response:
    """A file that the manifest names: text as plain text, PNG as a picture, all else as a download."""
    package = shown(home, name)
    data = package.file(file)
    leaf = file.rsplit("/", 1)[-1]
    if leaf.endswith(".png") and data.startswith(PNG):
        return Response(data, media_type="image/png", headers={"content-security-policy": PICTURE_POLICY})
    if leaf.endswith(TEXTS) or leaf == "LICENSE":
        return Response(data, media_type="text/plain; charset=utf-8")
    return _download(data, leaf)


@router.get("/figures/{figure}")
def figure(home: Home, name: Name, figure: str) -> Response:
    """A figure: drawn (SVG) where nothing in it could run or reach out, else painted (PNG)."""
    from evidentia.hub.exports.paper.reading import unsafe_drawing

    package = shown(home, name)
    drawn, painted = f"evidence/figures/{figure}.svg", f"evidence/figures/{figure}.png"
    headers = {"content-security-policy": PICTURE_POLICY}
    if drawn in package.manifest.files and not unsafe_drawing(data := package.file(drawn)):
        return Response(data, media_type="image/svg+xml", headers=headers)
    data = package.file(painted)
    if not data.startswith(PNG):
        raise BadInputError(f"no picture {figure!r} in {name}")
    return Response(data, media_type="image/png", headers=headers)


@router.get("/export/{form}")
def export(home: Home, name: Name, form: str) -> Response:
    """The package in another format; a format that is a folder comes as a zip of it."""
    import shutil

    from evidentia.hub.exports import EXPORTS, SUFFIXES

    if form not in EXPORTS:
        raise BadInputError(f"no format {form!r}; there are {', '.join(EXPORTS)}")
    package = shown(home, name)
    stem = f"{package.manifest.id}-v{package.manifest.version}"
    with tempfile.TemporaryDirectory() as folder:
        made = EXPORTS[form](package.path, Path(folder) / f"{stem}{SUFFIXES.get(form, f'-{form}')}")
        if made.is_dir():
            made = Path(shutil.make_archive(str(made), "zip", folder, made.name))
        return _download(made.read_bytes(), made.name)


def _download(data: bytes, leaf: str) -> Response:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in leaf)
    headers = {"content-disposition": f'attachment; filename="{plain}"'}
    return Response(data, media_type="application/octet-stream", headers=headers)
