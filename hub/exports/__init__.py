"""Exports: one file per format; each is a function from a package directory to a new file or folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evidentia.hub.exports.ara import export_ara
from evidentia.hub.exports.bag import export_bag
from evidentia.hub.exports.citation import export_citation
from evidentia.hub.exports.discovery import export_discovery
from evidentia.hub.exports.paper_latex import export_latex
from evidentia.hub.exports.paper_pdf import export_pdf
from evidentia.hub.exports.ro_crate import export_ro_crate
from evidentia.hub.exports.zipped import export_zip

EXPORTS: dict[str, Callable[[Path, Path], Path]] = {
    "zip": export_zip,
    "ara": export_ara,
    "ro-crate": export_ro_crate,
    "discovery": export_discovery,
    "citation": export_citation,
    "bagit": export_bag,
    "pdf": export_pdf,
    "latex": export_latex,
}
"""By name of the format: ``export(package_dir, out)`` writes `out` and returns it.

Each raises IntegrityError when the package is not what its manifest says, and BadInputError when `out` cannot be
written or holds something else.
"""

SUFFIXES = {"zip": ".zip", "citation": ".cff", "pdf": ".pdf"}
"""What the name of an export ends with where it is one file; a folder's name ends with ``-FORMAT``."""

__all__ = ["EXPORTS", "SUFFIXES"]
