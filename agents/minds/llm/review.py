"""The review: verdicts and scores by rule, which a model's objections can only make worse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from evidentia.agents.minds.builtin import review as rules
from evidentia.agents.minds.llm.asking import NoAnswerError, ask
from evidentia.agents.minds.llm.line import Line
from evidentia.agents.minds.llm.names import Models
from evidentia.agents.minds.llm.prose import sentences
from evidentia.agents.minds.llm.reading import as_schema
from evidentia.agents.minds.llm.schemas import Critique
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Attack, Claim, ClaimReview, Hypothesis, Review

_SEVERITY = {"supported": 0, "cannot tell": 1, "overstated": 2, "wrong": 3}


def review(
    line: Line,
    models: Models,
    hypothesis: Hypothesis,
    claims: Sequence[Claim],
    attacks: Sequence[Attack],
    code: str | None,
) -> Review:
    """The review of a branch. Scores are by rule alone; per claim the worse of the two verdicts stands. A value that
    fresh seeds contradict makes a claim wrong, whatever the model says."""
    ruled = _by_rule(hypothesis, claims, attacks)
    if not claims:
        return ruled
    try:
        said = ask(
            line,
            models,
            "review",
            lambda text: as_schema(text, Critique),
            hypothesis=hypothesis,
            claims=claims,
            attacks=attacks,
            code=code,
            quantity=quantity,
        )
    except NoAnswerError:
        return ruled
    known = {*hypothesis.systems, hypothesis.metric, *hypothesis.conditions}
    objections = {o.claim: (o.verdict, sentences(o.reason, known)) for o in said.claims}
    verdicts = tuple(_worse(own, *objections.get(own.claim, (own.verdict, ""))) for own in ruled.claims)
    faulted = any(v.verdict in ("overstated", "wrong") for v in verdicts)
    summary = sentences(said.summary, known)
    mind = sentences(said.would_change_my_mind, known)
    return ruled.model_copy(
        update={
            "reviewer": models.of("review").label,
            "claims": verdicts,
            "overall": "revise" if faulted and ruled.overall == "accept" else ruled.overall,
            "summary": f"{ruled.summary} In the words of a language model: {summary}" if summary else ruled.summary,
            "would_change_my_mind": mind or ruled.would_change_my_mind,
        }
    )


def _worse(
    ruled: ClaimReview, verdict: Literal["supported", "overstated", "wrong", "cannot tell"], why: str
) -> ClaimReview:
    if _SEVERITY[verdict] <= _SEVERITY[ruled.verdict]:
        return ruled
    return ruled.model_copy(
        update={"verdict": verdict, "reason": why or "a language model's objection, without reason"}
    )


def _by_rule(hypothesis: Hypothesis, claims: Sequence[Claim], attacks: Sequence[Attack]) -> Review:
    ruled = rules.review(hypothesis, claims, attacks)
    apart = {c.id for c in claims for a in attacks if a.kind == "fresh seeds" for again in a.claims if _apart(c, again)}
    verdicts = tuple(
        v.model_copy(update={"verdict": "wrong", "reason": "its interval and that of the library's own script on fresh "
                             "seeds do not meet"})
        if v.claim in apart
        else v
        for v in ruled.claims
    )  # fmt: skip
    overall = "revise" if apart and ruled.overall == "accept" else ruled.overall
    return ruled.model_copy(update={"claims": verdicts, "overall": overall})


def _apart(claim: Claim, again: Claim) -> bool:
    """Whether two intervals of one claim lie apart by more than its tolerance."""
    if claim.id != again.id or claim.ci is None or again.ci is None:
        return False
    slack = claim.tolerance * max(1.0, abs(claim.value or 0.0)) if claim.unit == "x" else claim.tolerance
    return claim.ci[0] - slack > again.ci[1] or again.ci[0] - slack > claim.ci[1]
