"""Holm's step-down across the claims of a hypothesis, beside their simultaneous intervals."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.workspace.checks import evaluate
from evidentia.workspace.estimators import MissingRowsError
from evidentia.workspace.records import Claim, Hypothesis, PlannedClaim, Row
from evidentia.workspace.sequential import simultaneous

NOTE = "Holm's step-down across the claims supports it, its simultaneous interval does not"


def supported_by_holm(hypothesis: Hypothesis, claims: Sequence[Claim], rows: Sequence[Row]) -> frozenset[str]:
    """The ids of the claims that Holm's procedure supports: those supported already, and those that follow.

    With j of m claims supported, each of the rest is tested as one of m - j; until none is added. The looks share the
    error as they do in the intervals. That no claim is wrongly supported holds with half the plan's error where a
    claim has one bound, as it does for the intervals' own tails; so read together with the refutations, which remain
    those of the intervals, all verdicts hold with the plan's confidence. A claim's status is not changed by it: there
    is no interval that goes with it. Equivalences are tested by their two-sided interval here.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6, 1979; for repeated
    looks: W. Maurer and F. Bretz, Multiple testing in group sequential trials, Stat. Biopharm. Res. 5, 2013.
    """
    plan, supported = hypothesis.sample_plan, {c.id for c in claims if c.status == "supported"}
    while plan.looks and supported and len(supported) < len(claims):
        confidence = simultaneous(plan.confidence, plan.looks, len(claims) - len(supported))
        more = {
            c.id
            for c, planned in zip(claims, hypothesis.claims, strict=True)
            if c.id not in supported and _holds(planned, confidence, rows)
        }
        if not more:
            break
        supported |= more
    return frozenset(supported)


def _holds(planned: PlannedClaim, confidence: float, rows: Sequence[Row]) -> bool:
    check = planned.check.model_copy(update={"confidence": confidence, "two_one_sided": False})
    try:
        return evaluate(check, rows)[1] == "supported"
    except MissingRowsError:
        return False
