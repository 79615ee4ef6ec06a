"""The review form: a person's verdict per claim and per dimension, ending in an event of the ledger."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from evidentia.cli.output import console, plain
from evidentia.errors import BadInputError
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import record_review
from evidentia.workspace.package.reviews import store_review
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Claim, ClaimReview, Review

VERDICTS = ("supported", "overstated", "wrong", "cannot tell")
OVERALL = ("accept", "revise", "reject")
ANCHORS = {
    "soundness": ("wrong", "doubtful", "right with reservations", "right"),
    "evidence": ("missing", "thin", "enough", "more than enough"),
    "significance": ("none", "minor", "useful", "changes what one does"),
    "reproducibility": ("cannot be repeated", "with guesswork", "with effort", "by one command"),
}


def fill(home: Workspace, path: Path, reviewer: str) -> None:
    """Ask the questions of the form and submit the answers. Ctrl-C leaves nothing behind."""
    if path.resolve().parent.parent != home.packages.resolve():
        raise BadInputError(f"{path} is not a package of the workspace {home.root}; import it first")
    manifest = load_manifest(path)
    out = console()
    out.print(f"Review of {plain(manifest.id)} v{manifest.version}", style="bold")
    out.print(plain(manifest.branch.hypothesis.statement), markup=False)
    out.print(f"Evidence: {path / 'evidence'}", style="dim", soft_wrap=True)
    name = reviewer or typer.prompt("Your name", default=_login())
    if not name.strip():
        raise BadInputError("a review needs a name; give one with --as")
    claims = tuple(_claim(path, claim) for claim in manifest.branch.claims)
    scores = {dimension: _score(dimension, anchors) for dimension, anchors in ANCHORS.items()}
    overall: Any = _choose("Overall", OVERALL)
    confidence = _number("Your confidence, 1 (guess) to 5 (certain)", 1, 5)
    summary = typer.prompt("In one sentence", default="", show_default=False)
    mind = typer.prompt("What would change your mind", default="", show_default=False)
    review = Review(
        reviewer=name.strip()[:100],
        kind="person",
        claims=claims,
        scores=scores,
        overall=overall,
        confidence=confidence,
        summary=summary[:2000],
        would_change_my_mind=mind[:2000],
    )
    signed, _ = store_review(home, path, review)
    event = record_review(home, manifest.id, manifest.version, review)
    out.print(f"Submitted as event {event.seq} of the ledger, signed in {signed}.", soft_wrap=True)
    for machine in manifest.branch.reviews:
        told = ", ".join(f"{k} {v}" for k, v in machine.scores.items())
        out.print(f"The reviewing agent ({machine.reviewer}) said {machine.overall}: {told}", markup=False)


def _number(question: str, low: int, high: int) -> int:
    """A whole number within bounds, asked again until it is one."""
    while True:
        given: int = typer.prompt(question, type=int)
        if low <= given <= high:
            return given
        typer.echo(f"  a number from {low} to {high}, please")


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _claim(path: Path, claim: Claim) -> ClaimReview:
    out = console()
    out.print(f"\n{claim.id}: {plain(claim.statement)}", markup=False)
    out.print(f"  {plain(quantity(claim))}; the package says {claim.status}", markup=False)
    verdict: Any = _choose("  Does the evidence support it", VERDICTS)
    reason = typer.prompt("  The line or number that decided it", default="", show_default=False)
    return ClaimReview(claim=claim.id, verdict=verdict, reason=reason[:2000])


def _choose(question: str, answers: Sequence[str]) -> str:
    listed = ", ".join(f"{i} {a}" for i, a in enumerate(answers, start=1))
    return answers[_number(f"{question} ({listed})", 1, len(answers)) - 1]


def _score(dimension: str, anchors: Sequence[str]) -> int:
    listed = ", ".join(f"{i} {a}" for i, a in enumerate(anchors, start=1))
    return _number(f"{dimension.capitalize()} ({listed})", 1, len(anchors))
