"""The review form: its questions, and a review from its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evidentia.hub.reviewing import ANCHORS, LONGEST, OVERALL, VERDICTS
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.records import ClaimReview, Review

CONFIDENCE = ("a guess", "unsure", "fairly sure", "sure", "certain")


@dataclass(frozen=True)
class Question:
    """One question with its answers; `claim` is the id of the claim that it is about, if any."""

    field: str
    text: str
    answers: tuple[tuple[str, str], ...]
    claim: str = ""


def questions(manifest: Manifest) -> list[Question]:
    """The questions of a package: one per claim, four dimensions, overall, confidence."""
    per_claim = [
        Question(f"verdict-{c.id}", c.statement, tuple((v, v) for v in VERDICTS), c.id) for c in manifest.branch.claims
    ]
    dimensions = [
        Question(name, name.capitalize(), tuple((str(i), told) for i, told in enumerate(anchors, start=1)))
        for name, anchors in ANCHORS.items()
    ]
    overall = Question("overall", "Overall", tuple((v, v) for v in OVERALL))
    sure = tuple((str(i), told) for i, told in enumerate(CONFIDENCE, start=1))
    return [*per_claim, *dimensions, overall, Question("confidence", "How sure are you?", sure)]


def missing(asked: list[Question], answers: Mapping[str, str]) -> list[str]:
    """The fields without one of their answers, the reviewer's name among them."""
    found = [q.field for q in asked if answers.get(q.field) not in dict(q.answers)]
    return found if answers.get("reviewer", "").strip() else [*found, "reviewer"]


def review(manifest: Manifest, answers: Mapping[str, str]) -> Review:
    """The review that complete answers make."""

    def said(field: str) -> str:
        return answers.get(field, "").strip()[:LONGEST]

    return Review.model_validate(
        {
            "reviewer": said("reviewer")[:100],
            "kind": "person",
            "claims": [
                ClaimReview.model_validate(
                    {"claim": c.id, "verdict": answers[f"verdict-{c.id}"], "reason": said(f"reason-{c.id}")}
                )
                for c in manifest.branch.claims
            ],
            "scores": {name: int(answers[name]) for name in ANCHORS},
            "overall": answers["overall"],
            "confidence": int(answers["confidence"]),
            "summary": said("summary"),
            "would_change_my_mind": said("mind"),
        }
    )
