"""The moments of a run that one goes to: where something was decided, and where something failed."""

from __future__ import annotations

from evidentia.workspace.records import Event

DECISIONS = frozenset(
    {
        "decision.made",
        "stage.entered",
        "round.selected",
        "pivot.made",
        "approval.given",
        "branch.pruned",
        "node.pinned",
        "budget.changed",
    }
)
"""The kinds of event in which a mind, a policy or a person chose what to do next."""
NAMES = {
    "run.started": "The run started",
    "literature.found": "Literature was looked up",
    "lessons.offered": "Lessons of earlier runs were read",
    "ideation.done": "Ideation ended",
    "experiment.planned": "An experiment was planned",
    "experiment.finished": "An experiment ended",
    "claims.decided": "Claims were decided",
    "falsification.done": "The attacks on a claim ended",
    "review.done": "An agent's review came in",
    "mind.spent": "A mind's use was counted",
}
"""Sentences for the kinds of event that say nothing more."""


def failed(event: Event) -> bool:
    """Whether something went wrong: a script, an attack that a claim did not survive, a branch that ended dead, a
    worker that was lost."""
    payload = event.payload
    if event.kind == "experiment.finished":
        return bool(payload.get("failure"))
    if event.kind == "falsification.done":
        return any(attack.get("survived") is False for attack in payload["attacks"])
    if event.kind == "branch.concluded":
        return payload["dead_end"] is not None
    return event.kind in ("dead_end.noted", "worker.lost", "request.refused")
