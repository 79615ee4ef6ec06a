"""The package as a zip, the same bytes wherever it is made: one version with what was signed and said of it.

::

    ID/v1/…                      the version directory
    ID/attestations/v1-*.json    signed attestations of this version
    ID/reviews/v1-*.json         reviews of this version
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from evidentia.hub.exports.contents import read_contents
from evidentia.hub.exports.placing import place_file

BESIDE = ("attestations", "reviews")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX, _FILE_MODE = 3, 0o100644


def export_zip(package: Path, out: Path) -> Path:
    """Write the zip: names sorted, times and modes fixed, entries stored.

    Nothing is compressed, since what a compressor writes differs between its builds and versions.
    """
    contents = read_contents(package)
    identity, version = contents.manifest.id, contents.manifest.version
    files = {f"{identity}/v{version}/{name}": data for name, data in contents.files.items()}
    for folder in BESIDE:
        for path in sorted((package.resolve().parent / folder).glob(f"v{version}-*.json")):
            files[f"{identity}/{folder}/{path.name}"] = path.read_bytes()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _FILE_MODE << 16
            archive.writestr(entry, data)
    return place_file(out, made.getvalue())
