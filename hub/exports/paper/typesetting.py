"""Typst, run so that the same content gives the same bytes and nothing but the given files can be read."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

import typst

from evidentia.errors import IntegrityError


def typeset(
    template: str, given: Mapping[str, bytes], *, inputs: Mapping[str, str] | None = None, time: int | None
) -> bytes:
    """PDF of a template of this folder, which sees the `given` files by name and no others.

    `time` is the creation date in seconds since 1970; with one, the PDF follows PDF/A-2b, which wants it, unless a
    pile of marks has no shape that PDF/A accepts. Only the fonts inside Typst are used, and there is no package store,
    so the result depends on template, files and Typst's version alone. Raises IntegrityError when the content cannot
    be set.
    """
    source = files(__package__).joinpath(template).read_bytes()
    with tempfile.TemporaryDirectory(prefix="evidentia-paper-") as name:
        root, nothing = Path(name) / "root", Path(name) / "packages"
        root.mkdir()
        nothing.mkdir()
        for file, data in given.items():
            (root / file).write_bytes(data)
        main = root / template
        main.write_bytes(source)

        def made(*standards: typst.PDFStandard) -> bytes:
            return typst.compile(
                main,
                root=root,
                font_paths=_fonts(),
                ignore_system_fonts=True,
                sys_inputs=dict(inputs or {}),
                package_path=nothing,
                package_cache_path=nothing,
                pdf_standards=list(standards),
                timestamp=time or 0,
            )

        try:
            try:
                return made() if time is None else made("a-2b")
            except typst.TypstError as error:
                if "PDF/A" not in error.message:
                    raise
                return made()
        except typst.TypstError as error:
            raise IntegrityError(f"the paper cannot be set: {error.message}") from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # what Rust raises here is no Exception and has no import
                raise
            raise IntegrityError("the paper cannot be set: a text of the package breaks the typesetter") from error


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
