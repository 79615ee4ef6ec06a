"""Lessons of earlier runs: the dead ends of the packages that this workspace has published."""

from __future__ import annotations

from evidentia.agents.minds.protocol import Lesson
from evidentia.errors import EvidentiaError
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import standings
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.records import PERSON

MOST = 200
"""The newest that are offered: what is older is mostly superseded, and a mind reads only so much."""


def earlier_lessons(workspace: Workspace, run: str) -> list[Lesson]:
    """The dead ends of other runs of the built-in or a language model's mind, newest first, retracted ones left out.

    A package that cannot be read teaches nothing; `evidentia verify` tells what is wrong with it.
    """
    found: list[Lesson] = []
    known = [s for s in standings(workspace).values() if s.run != run and s.retracted is None]
    for standing in sorted(known, key=lambda s: -s.published.seq):
        if standing.summary.get("outcome") == "supported":
            continue
        try:
            branch = load_manifest(workspace.packages / standing.package / f"v{standing.version}").branch
        except EvidentiaError:
            continue
        if branch.dead_end is None or branch.mind == PERSON:
            continue
        found.append(
            Lesson(
                package=standing.package,
                version=standing.version,
                family=branch.hypothesis.family,
                statement=branch.hypothesis.statement,
                failure_mode=branch.dead_end.failure_mode,
                lesson=branch.dead_end.lesson,
                hypothesis=branch.hypothesis.id,
            )
        )
        if len(found) == MOST:
            break
    return found
