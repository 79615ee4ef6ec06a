"""Ranking packages by attention: integer milli-points that anyone can recompute from the ledger.

First form: attention is what verification has earned, ``1000 + 3000 · rung`` milli-points.
"""

from __future__ import annotations

from typing import Any

from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import Standing, standings


def attention(standing: Standing) -> int:
    """Milli-points of a package: 4,000 for an intact one, 10,000 for one whose numbers were re-run."""
    return 1000 + 3000 * max(0, standing.rung)


def list_packages(workspace: Workspace) -> list[dict[str, Any]]:
    """All packages in the shape of ``packages --json``, best first.

    Equal attention is ordered by decided claims, then the newest, then the id.
    """
    found = [
        {
            "id": s.package,
            "title": s.summary["title"],
            "outcome": s.summary["outcome"],
            "rung": s.rung,
            "attention": attention(s) / 1000,
            "claims": s.summary["claims"],
            "category": s.summary["category"],
            "tags": s.summary["tags"],
            "run": s.summary["run"],
            "created": s.summary["created"],
            "version": s.version,
        }
        for s in standings(workspace).values()
    ]
    found.sort(key=lambda p: p["id"])
    found.sort(key=lambda p: p["created"], reverse=True)
    found.sort(key=lambda p: (-p["attention"], -p["claims"]["decided"]))
    return found
