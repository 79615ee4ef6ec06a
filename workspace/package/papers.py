"""Which packages are the records of papers: their names end with what the paper's identifier comes to."""

from __future__ import annotations

import os
from collections.abc import Collection

from evidentia.workspace.canonical import content_id
from evidentia.workspace.home import Workspace

PAPER_FORM = "a record of arXiv"
"""The form of such an import."""
DIGITS = 8


def paper_digits(arxiv: str) -> str:
    """What the id of the package of an arXiv paper ends with; `arxiv` is its identifier without a version."""
    return content_id([PAPER_FORM, arxiv], DIGITS)


def papers_held(workspace: Workspace, identifiers: Collection[str]) -> dict[str, str]:
    """Of arXiv identifiers those whose paper has been imported, each with its package."""
    wanted = {paper_digits(arxiv): arxiv for arxiv in identifiers}
    if not wanted or not workspace.packages.is_dir():
        return {}
    found = {wanted[name[-DIGITS:]]: name for name in os.listdir(workspace.packages) if name[-DIGITS:] in wanted}
    return dict(sorted(found.items()))
