"""The plain ARA directory: the four layers as the ARA layout has them, without what only this project adds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from evidentia.hub.exports.contents import read_contents
from evidentia.hub.exports.placing import fill, placed_folder

KEPT = ("PAPER.md", "LICENSE")
LAYERS = re.compile(
    r"logic/.+|trace/exploration_tree\.yaml|evidence/README\.md"
    r"|evidence/(?:tables|figures|results|logs)/.+|src/.+"
)
_NAMED = re.compile(r"`((?:evidence|src|logic|trace)/[\w./-]+)`")


def export_ara(package: Path, out: Path) -> Path:
    """Write the ARA directory: layers, licence, and every file that the layers name."""
    files = read_contents(package).files
    with placed_folder(out) as building:
        fill(building, plain_ara(files))
    return out


def plain_ara(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Of a package's files those of the plain layout, with all that their text names in backticks."""
    kept = {name: data for name, data in files.items() if name in KEPT or LAYERS.fullmatch(name)}
    waiting = list(kept)
    while waiting:
        name = waiting.pop()
        if not name.endswith(".md"):
            continue
        for found in _NAMED.findall(kept[name].decode("utf-8", "replace")):
            if found in files and found not in kept:
                kept[found] = files[found]
                waiting.append(found)
    return dict(sorted(kept.items()))
