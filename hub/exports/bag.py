"""BagIt (RFC 8493): the package as payload with SHA-256 manifests; the same bytes for the same package."""

from __future__ import annotations

from pathlib import Path

from evidentia.hub.exports.contents import read_contents
from evidentia.hub.exports.placing import fill, placed_folder


def export_bag(package: Path, out: Path) -> Path:
    """Write the bag; its date is that of the package, not of the day it is made."""
    import bagit

    contents = read_contents(package)
    manifest = contents.manifest
    about = {
        "Bagging-Date": manifest.created[:10],
        "Bag-Software-Agent": manifest.generator,
        "Contact-Name": f"Evidentia ({manifest.mind})",
        "External-Identifier": contents.name,
        "External-Description": " ".join(manifest.abstract.split()),
    }
    with placed_folder(out) as building:
        fill(building, contents.files)
        bagit.make_bag(str(building), bag_info=about, checksums=["sha256"])
    return out
