"""CITATION.cff 1.2.0: how to cite a package, with abstract, keywords, licences and what it builds on.

Fields and their rules: https://github.com/citation-file-format/citation-file-format, schema guide 1.2.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from evidentia.hub.exports.contents import Contents, read_contents
from evidentia.hub.exports.placing import place_file
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.records import Citation

LICENCES = ("Apache-2.0", "CC-BY-4.0")


def export_citation(package: Path, out: Path) -> Path:
    """Write the citation file."""
    contents = read_contents(package)
    return place_file(out, citation(contents.manifest, authors(contents)))


def authors(contents: Contents) -> list[dict[str, Any]]:
    """The authors that the package's own short CITATION.cff names; Evidentia with its mind where it names none."""
    try:
        held = yaml.safe_load(contents.files.get("CITATION.cff", b""))
    except yaml.YAMLError:
        held = None
    named = held.get("authors") if isinstance(held, dict) else None
    if isinstance(named, list) and named and all(isinstance(a, dict) and a.get("name") for a in named):
        return [{"name": str(a["name"])} for a in named]
    return [{"name": f"Evidentia ({contents.manifest.mind})"}]


def citation(manifest: Manifest, authors: list[dict[str, Any]]) -> bytes:
    """The text of ``CITATION.cff``."""
    licences = [name for name in LICENCES if name in manifest.licence]
    data: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use this package, please cite it.",
        "type": "dataset",
        "title": manifest.title,
        "abstract": manifest.abstract,
        "authors": authors,
        "version": str(manifest.version),
        "date-released": manifest.created[:10],
        "identifiers": [{"type": "other", "value": manifest.id, "description": "The package's id."}],
        "keywords": list(dict.fromkeys(manifest.tags)),
        "license": licences if len(licences) > 1 else "".join(licences),
        "references": [_reference(found) for found in manifest.branch.citations],
    }
    text: str = yaml.safe_dump({k: v for k, v in data.items() if v}, sort_keys=False, allow_unicode=True, width=100)
    return text.encode()


def _reference(found: Citation) -> dict[str, Any]:
    named = found.authors.replace(" et al.", ", others")
    authors = [{"name": name.strip()} for name in named.split(",") if name.strip()]
    about: dict[str, Any] = {"type": "article", "title": found.title, "authors": authors or [{"name": "anonymous"}]}
    if found.year:
        about["year"] = found.year
    if found.arxiv:
        about["identifiers"] = [{"type": "other", "value": f"arXiv:{found.arxiv}", "description": "arXiv"}]
        about["url"] = f"https://arxiv.org/abs/{found.arxiv}"
    return about
