"""Journals of runs for those who look at them again and again: built once for a log as it lies, with what is asked of
them most: a summary, and the hypotheses that nobody has tested."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from evidentia.workspace.home import Workspace
from evidentia.workspace.index_sources import fingerprint

if TYPE_CHECKING:
    from evidentia.graph.journal import Journal

JOURNALS, SUMMARIES = 4, 2000
"""How many are kept: a journal of ten thousand nodes is large, a summary is not."""


class OpenHypothesis(BaseModel):
    """A hypothesis that nobody has tested yet: the node it stands at, its kind of work, its stage, and the most
    experiments it may cost. One that was put off waits with its first data."""

    hypothesis: str
    node: str
    statement: str
    family: str
    work: str
    stage: str
    priority: float
    cost: int
    put_off: bool


def journal(workspace: Workspace, run: str) -> Journal:
    """The journal of a run, to be read only. Raises BadInputError when there is no such run, IntegrityError when its
    log is not what was written."""
    return _journal(workspace.root, run, fingerprint(workspace.log_path(run)))


def summary(workspace: Workspace, run: str) -> dict[str, Any]:
    """A run in a few numbers: question, status, mind, nodes, experiments, CPU seconds, branches, concluded ones."""
    return dict(_summary(workspace.root, run, fingerprint(workspace.log_path(run))))


def open_hypotheses(journal: Journal) -> list[dict[str, Any]]:
    """The frontier: what is registered and not tested, by falling priority, with the node it stands at, its kind of
    work, its stage and the experiments it may cost at most; `put_off` says that it waits with its first data."""
    undecided = (c for c in journal.frontier.open.values() if journal.branches[c.id].outcome is None)
    waiting = sorted(undecided, key=lambda c: (-c.priority, c.id))
    return [
        {
            "hypothesis": candidate.id,
            "node": journal.tree.node_of.get(candidate.id, ""),
            "statement": journal.branches[candidate.id].hypothesis.statement,
            "family": candidate.family,
            "work": candidate.work,
            "stage": candidate.stage,
            "priority": candidate.priority,
            "cost": candidate.cost,
            "put_off": candidate.outlook is not None,
        }
        for candidate in waiting
    ]


@lru_cache(maxsize=JOURNALS)
def _journal(root: Path, run: str, lies: str) -> Journal:
    """`lies` is how the log lay: written to, it is read again."""
    from evidentia.graph.replay import journal_of

    return journal_of(Workspace(root), run)


@lru_cache(maxsize=SUMMARIES)
def _summary(root: Path, run: str, lies: str) -> dict[str, Any]:
    found = _journal(root, run, lies)
    return {
        "run": run,
        "question": found.brief.question if found.brief else "",
        "status": found.stopped or "unfinished",
        "mind": found.mind,
        "created": str(found.created),
        "nodes": found.tree.graph.number_of_nodes(),
        "experiments": found.experiments,
        "cpu_seconds": found.cpu_seconds,
        "branches": len(found.branches),
        "concluded": len(found.concluded),
    }
