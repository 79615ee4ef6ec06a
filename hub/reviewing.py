"""Submitting a review: the one way in, whether from the terminal, a page, a program or an agent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from evidentia.errors import BadInputError
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import record_review
from evidentia.workspace.package.reviews import store_review
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.records import ClaimReview, Event, Review

VERDICTS = ("supported", "overstated", "wrong", "cannot tell")
OVERALL = ("accept", "revise", "reject")
ANCHORS = {
    "soundness": ("wrong", "doubtful", "right with reservations", "right"),
    "evidence": ("missing", "thin", "enough", "more than enough"),
    "significance": ("none", "minor", "useful", "changes what one does"),
    "reproducibility": ("cannot be repeated", "with guesswork", "with effort", "by one command"),
}
"""What 1, 2, 3 and 4 mean in each dimension of the form."""
LONGEST = 2000
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(max_length=LONGEST)]
Score = Annotated[int, Field(ge=1, le=4)]


class Verdict(BaseModel):
    """A reviewer's word on one claim, with the line or number that decided it."""

    model_config = ConfigDict(extra="forbid")
    claim: Annotated[str, StringConstraints(max_length=40)]
    verdict: Literal["supported", "overstated", "wrong", "cannot tell"]
    reason: Words = ""


class Scores(BaseModel):
    """Four dimensions, each 1 to 4 (`ANCHORS` says what the numbers mean)."""

    model_config = ConfigDict(extra="forbid")
    soundness: Score
    evidence: Score
    significance: Score
    reproducibility: Score


class Form(BaseModel):
    """The review form. `kind` says who judged: reviews by agents are shown and never counted as a person's."""

    model_config = ConfigDict(extra="forbid")
    reviewer: Name
    kind: Literal["person", "agent"]
    claims: Annotated[tuple[Verdict, ...], Field(max_length=500)]
    scores: Scores
    overall: Literal["accept", "revise", "reject"]
    confidence: Annotated[int, Field(ge=1, le=5)]
    summary: Words = ""
    would_change_my_mind: Words = ""

    def review(self) -> Review:
        """The record of it."""
        return Review(
            reviewer=self.reviewer,
            kind=self.kind,
            claims=tuple(ClaimReview(claim=c.claim, verdict=c.verdict, reason=c.reason) for c in self.claims),
            scores=self.scores.model_dump(),
            overall=self.overall,
            confidence=self.confidence,
            summary=self.summary,
            would_change_my_mind=self.would_change_my_mind,
        )


@dataclass(frozen=True)
class Submitted:
    """A review that is in the ledger: its event, the signed file beside the package, and what the reviewing agents
    of the package's own run had said, which nobody sees before."""

    event: Event
    path: Path
    machine: tuple[Review, ...]


def submit(workspace: Workspace, package: Path, review: Review) -> Submitted:
    """Sign a review of a version's directory, place it beside the versions and write its event.

    A second review of the same person is a new event; the later one counts. Raises BadInputError when the package is
    not of the workspace, the reviewer has no name, or a verdict is about no claim of the package or stands twice.
    """
    if package.resolve().parent.parent != workspace.packages.resolve():
        raise BadInputError(f"{package} is not a package of the workspace {workspace.root}; import it first")
    if not review.reviewer.strip():
        raise BadInputError("a review needs the name of who judged")
    manifest = load_manifest(package)
    known, said = [claim.id for claim in manifest.branch.claims], [verdict.claim for verdict in review.claims]
    if strange := sorted(set(said) - set(known)):
        raise BadInputError(f"{strange[0]} is no claim of {manifest.id}; it has {', '.join(known) or 'none'}")
    if len(set(said)) < len(said):
        raise BadInputError("a review says one thing of each claim; one claim stands twice in it")
    path, _ = store_review(workspace, package, review)
    event = record_review(workspace, manifest.id, manifest.version, review)
    return Submitted(event, path, manifest.branch.reviews)
