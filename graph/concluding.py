"""How a branch ends: its outcome, what came out in a line, and the dead end where it did not hold."""

from __future__ import annotations

from typing import Any

from evidentia.agents import analysis
from evidentia.agents.minds.protocol import Mind
from evidentia.graph.branch import Branch
from evidentia.graph.journal import Journal
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import DeadEnd, Outcome


def conclusion(journal: Journal, mind: Mind, branch: Branch) -> dict[str, Any]:
    """What the event of a concluded branch says."""
    failure = next(reversed(branch.failures.values()), None)
    pruned = journal.pruned(branch.id)
    outcome = analysis.outcome(branch.claims) if branch.claims else _undecided(branch, pruned)
    dead_end = branch.dead_end or _given_up(branch, pruned)
    dead_end = dead_end or mind.conclude(branch.hypothesis, outcome, branch.claims, failure)
    headline = "; ".join(quantity(c) for c in branch.claims if c.headline)
    payload: dict[str, Any] = {
        "hypothesis": branch.id,
        "outcome": outcome,
        "claims": [{"id": c.id, "status": c.status} for c in branch.claims],
        "result": headline or (failure.mode if failure else _result(journal, branch)),
        "evidence": [r.evidence.id for r in branch.runs()],
        "dead_end": dead_end.to_json() if dead_end else None,
    }
    return {**payload, "pruned": pruned} if pruned else payload


def _undecided(branch: Branch, pruned: str | None) -> Outcome:
    """A branch without claims crashed, unless nothing was claimed and nothing failed."""
    return "crashed" if branch.failures or (branch.hypothesis.claims and pruned is None) else "null"


def _given_up(branch: Branch, pruned: str | None) -> DeadEnd | None:
    """The dead end of a branch that a person pruned before anything was decided."""
    if pruned is None or branch.claims:
        return None
    statement = branch.hypothesis.statement
    lesson = "Nothing was learned of the hypothesis itself: a person gave the branch up before it was measured."
    return DeadEnd(hypothesis=statement, failure_mode=f"pruned by {pruned}", lesson=lesson)


def _result(journal: Journal, branch: Branch) -> str:
    """What the tree already says came out."""
    return str(journal.tree.node(journal.tree.node_of[branch.id]).fields.get("result", ""))
