"""The list of packages, best first."""

from __future__ import annotations

from typing import Any

from evidentia.hub.ranking.formula import FORMULA, merit, score
from evidentia.workspace.home import Workspace
from evidentia.workspace.index import Facets, Lesson, Listed, count, find, lessons
from evidentia.workspace.index_update import Formula, Rated
from evidentia.workspace.standing import Standing


def list_packages(workspace: Workspace) -> list[dict[str, Any]]:
    """All packages in the shape of ``packages --json``, best first.

    Equal attention is ordered by decided claims, then the newest, then the id.
    """
    return find_packages(workspace)[1]


def find_packages(
    workspace: Workspace,
    facets: Facets | None = None,
    limit: int | None = None,
    offset: int = 0,
    sort: str = "attention",
) -> tuple[int, list[dict[str, Any]]]:
    """How many packages there are within the facets, and `limit` of them from `offset` on, as `list_packages` gives
    them, ordered by one of `workspace.index.SORTS`."""
    total, found = find(workspace, FORMULA_OF_PACKAGES, facets, limit, offset, sort)
    return total, [_entry(item) for item in found]


def count_facets(workspace: Workspace, facets: Facets | None = None) -> dict[str, dict[str, int]]:
    """How many packages each value of each facet would leave, all the other facets as they are."""
    return count(workspace, FORMULA_OF_PACKAGES, facets)


def find_lessons(
    workspace: Workspace, facets: Facets | None = None, limit: int | None = None, offset: int = 0
) -> tuple[int, list[Lesson]]:
    """How many packages within the facets have a dead end, and the lessons of `limit` of them from `offset` on, the
    newest first."""
    return lessons(workspace, FORMULA_OF_PACKAGES, facets, limit, offset)


def rate(standing: Standing) -> Rated:
    """Attention and the mark of human oversight, as the index keeps them."""
    scored = score(standing)
    people = [review for review in standing.reviews if review["kind"] == "person"]
    merits = [m for review in people if (m := merit(review)) is not None]
    wrong = sum(any(c["verdict"] == "wrong" for c in review["claims"]) for review in people)
    human = {"reviews": len(people), "merit": sum(merits) // len(merits) if merits else None, "wrong": wrong}
    return Rated(scored.total, scored.use, scored.human, scored.changes, human)


FORMULA_OF_PACKAGES = Formula(FORMULA, rate)


def _entry(item: Listed) -> dict[str, Any]:
    return {
        "id": item.package,
        "title": item.summary["title"],
        "outcome": item.summary["outcome"],
        "rung": item.rung,
        "attention": item.attention / 1000,
        "claims": item.summary["claims"],
        "category": item.summary["category"],
        "tags": item.summary["tags"],
        "run": item.summary["run"],
        "created": item.summary["created"],
        "version": item.version,
        "freshness": item.freshness,
        "tension": item.tension,
        "human": item.human,
        "plus": item.plus,
        "use": item.used / 1000,
        "oversight": item.praised / 1000,
        "cpu_seconds": item.cpu_seconds,
    }
