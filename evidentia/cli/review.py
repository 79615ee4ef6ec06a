"""The review form: a person's verdict per claim and per dimension, ending in an event of the ledger."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from evidentia.cli.output import console, plain
from evidentia.errors import BadInputError
from evidentia.hub.reviewing import ANCHORS, LONGEST, OVERALL, VERDICTS, submit
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Claim, ClaimReview, Review


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
        summary=summary[:LONGEST],
        would_change_my_mind=mind[:LONGEST],
    )
    done = submit(home, path, review)
    out.print(f"Submitted as event {done.event.seq} of the ledger, signed in {done.path}.", soft_wrap=True)
    for machine in done.machine:
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
    return ClaimReview(claim=claim.id, verdict=verdict, reason=reason[:LONGEST])


def _choose(question: str, answers: Sequence[str]) -> str:
    listed = ", ".join(f"{i} {a}" for i, a in enumerate(answers, start=1))
    return answers[_number(f"{question} ({listed})", 1, len(answers)) - 1]


def _score(dimension: str, anchors: Sequence[str]) -> int:
    listed = ", ".join(f"{i} {a}" for i, a in enumerate(anchors, start=1))
    return _number(f"{dimension.capitalize()} ({listed})", 1, len(anchors))
