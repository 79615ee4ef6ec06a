"""The agent's review: does the evidence entail each claim, by the kind of claim; over-claims named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from evidentia.workspace.records import Attack, Claim, ClaimReview, Hypothesis, Review

Verdict = Literal["supported", "overstated", "wrong", "cannot tell"]
LEAST_SEEDS = 5


def review(hypothesis: Hypothesis, claims: Sequence[Claim], attacks: Sequence[Attack]) -> Review:
    """Per claim a verdict with its reason, and 1–5 on each of ARA's rigour dimensions."""
    verdicts = tuple(_judge(c, attacks) for c in claims)
    decided = [c for c in claims if c.status != "inconclusive"]
    tried = [a for a in attacks if a.survived is not None]
    changed = [a for a in attacks if a.kind == "changed condition"]
    faults = [v for v in verdicts if v.verdict in ("overstated", "wrong")]
    scores = {
        "evidence relevance": 5 if claims and all(c.evidence for c in claims) else 1,
        "falsifiability": 5 if all(c.check.expect.relation != "precise" for c in claims) else 3,
        "scope calibration": max(1, (5 if changed else 4) - 2 * len(faults)),
        "argument coherence": 5 if not faults else 3,
        "exploration integrity": 5 if tried else 3,
        "methodological rigour": _rigour(claims),
    }
    words = [f"{len(decided)} of {len(claims)} claims are decided"]
    words += [f"{v.claim} is {v.verdict}: {v.reason}" for v in faults]
    words += [f"{a.kind}: {a.finding}" for a in attacks]
    return Review(
        reviewer="builtin",
        kind="agent",
        claims=verdicts,
        scores=scores,
        overall="revise" if faults else "accept" if claims else "reject",
        confidence=4 if tried else 3,
        summary="; ".join(words) + ".",
        would_change_my_mind=hypothesis.falsification,
    )


def _rigour(claims: Sequence[Claim]) -> int:
    if not claims:
        return 1
    least = min(c.n for c in claims)
    return 5 if least >= 2 * LEAST_SEEDS else 4 if least >= LEAST_SEEDS else 2


def _judge(claim: Claim, attacks: Sequence[Attack]) -> ClaimReview:
    verdict, reason = _entailment(claim)
    if verdict == "supported":
        for attack in attacks:
            answered = [c for c in attack.claims if c.id == claim.id]
            if attack.kind == "fresh seeds" and answered and attack.survived is False:
                return ClaimReview(claim=claim.id, verdict="wrong", reason="fresh seeds gave the opposite verdict")
    return ClaimReview(claim=claim.id, verdict=verdict, reason=reason)


def _entailment(claim: Claim) -> tuple[Verdict, str]:
    if not claim.evidence:
        return "wrong", "no evidence is bound to it"
    if claim.status == "inconclusive":
        return "cannot tell", "the interval crosses the line that decides it"
    if claim.kind in ("improvement", "equivalence") and not (claim.baseline or claim.check.versus):
        return "overstated", f"an {claim.kind} needs a baseline, and none was measured"
    if claim.kind == "scaling" and len(claim.check.levels) < 3:
        return "overstated", "a trend needs at least three levels"
    if claim.kind == "interaction" and len(claim.check.moderator_levels) != 2:
        return "overstated", "an interaction needs both levels of the moderator"
    if claim.kind == "optimum" and len(claim.check.levels) < 3:
        return "overstated", "an optimum needs at least two rivals"
    if claim.n < LEAST_SEEDS:
        return "overstated", f"fewer than {LEAST_SEEDS} seeds"
    if not claim.conditions:
        return "overstated", "it states no conditions"
    return "supported", f"the whole interval lies on one side of the line, over n = {claim.n} seeds"
