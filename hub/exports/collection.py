"""A collection of packages as one file: a zip of the zips that each package exports as."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from evidentia.hub.exports.placing import place_file
from evidentia.hub.exports.zipped import export_zip

_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX, _FILE_MODE = 3, 0o100644
_HARDEST = 9


def export_collection(packages: Iterable[Path], out: Path) -> Path:
    """Write the packages, each a version's directory, into one file. Raises IntegrityError for one that is not what
    its manifest says, and BadInputError when the file cannot be written.

    What is packed depends on this Python's zlib; what is unpacked does not.
    """
    made = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in sorted(packages):
            name = f"{package.parent.name}-{package.name}.zip"
            data = export_zip(package, Path(folder) / name).read_bytes()
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _FILE_MODE << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, _HARDEST)
    return place_file(out, made.getvalue())
