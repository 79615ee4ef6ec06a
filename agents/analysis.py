"""Analysis: from result rows to decided claims and the outcome of a branch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evidentia.agents.step_down import NOTE, supported_by_holm
from evidentia.agents.subjects import family_of
from evidentia.workspace.checks import evaluate
from evidentia.workspace.estimators import MissingRowsError
from evidentia.workspace.records import Check, Claim, Hypothesis, Outcome, PlannedClaim, Row, Status


def decide(hypothesis: Hypothesis, rows: Sequence[Row], evidence: Sequence[str]) -> tuple[Claim, ...]:
    """Each registered claim evaluated over the rows. A claim whose rows are missing is inconclusive; one that Holm's
    step-down supports, though its own interval leaves it open, says so in its note."""
    decided = tuple(
        claim(hypothesis, planned, f"C{number:02d}", planned.check, rows, evidence)
        for number, planned in enumerate(hypothesis.claims, start=1)
    )
    if not {"supported", "inconclusive"} <= {c.status for c in decided}:
        return decided
    holm = supported_by_holm(hypothesis, decided, rows)
    return tuple(
        c.model_copy(update={"note": "; ".join(filter(None, (c.note, NOTE)))})
        if c.id in holm and c.status == "inconclusive"
        else c
        for c in decided
    )


def claim(
    hypothesis: Hypothesis,
    planned: PlannedClaim,
    name: str,
    check: Check,
    rows: Sequence[Row],
    evidence: Sequence[str],
) -> Claim:
    """One planned claim decided by `check` over the rows."""
    value: float | None = None
    ci: tuple[float, float] | None = None
    sd: float | None = None
    n, note, status = 0, "", "inconclusive"
    try:
        found, verdict = evaluate(check, rows)
    except MissingRowsError as error:
        note = str(error)
    else:
        n, note, status = found.n, found.note, verdict
        value, sd = _recordable(found.value), _recordable(found.sd)
        low, high = _recordable(found.low), _recordable(found.high)
        ci = None if low is None or high is None else (low, high)
    decided: Status = status  # type: ignore[assignment]
    return Claim(
        id=name,
        statement=planned.statement,
        kind=planned.kind,
        metric=check.metric,
        system=check.system,
        baseline=check.versus if check.versus != check.system else "",
        workload=workload(hypothesis),
        value=value,
        unit=planned.unit,
        n=n,
        sd=sd,
        ci=ci,
        tolerance=planned.tolerance,
        headline=planned.headline,
        conditions=dict(planned.conditions),
        status=decided,
        note=note,
        evidence=tuple(evidence),
        check=check,
    )


def _recordable(value: float | None) -> float | None:
    """The value if canonical JSON can hold it: finite and below 2**53."""
    return value if value is not None and math.isfinite(value) and abs(value) < 2.0**53 else None


def workload(hypothesis: Hypothesis) -> str:
    """What the systems worked on: the family, and the kind of input where it has several."""
    kinds = [p.name for p in family_of(hypothesis).parameters if p.kind == "choice"]
    named = [str(hypothesis.conditions[k]) for k in kinds if k in hypothesis.conditions]
    return "/".join([hypothesis.family, *named])


def outcome(claims: Sequence[Claim]) -> Outcome:
    """A hypothesis holds if all its headline claims do, falls with the first refuted one, else stays open."""
    headline = [c.status for c in claims if c.headline]
    if "refuted" in headline:
        return "refuted"
    return "supported" if headline and set(headline) == {"supported"} else "null"


def needs_more(claims: Sequence[Claim]) -> bool:
    """Whether another look could still change the outcome or decide a claim."""
    return any(c.status == "inconclusive" for c in claims)
