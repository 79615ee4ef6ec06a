"""The planner's prose about results: plain sentences whose every number is rendered from a claim."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.agents.minds.protocol import Failure
from evidentia.agents.wording import listed, told
from evidentia.kernels import registry
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Claim, DeadEnd, Hypothesis, Outcome


def dead_end(
    hypothesis: Hypothesis, outcome: Outcome, claims: Sequence[Claim], failure: Failure | None
) -> DeadEnd | None:
    """Failure mode and lesson of a branch that was refuted, stayed open or crashed."""
    if outcome == "supported":
        return None
    if outcome == "crashed":
        mode = failure.mode if failure else "the experiment gave no rows"
        lesson = (
            f"{listed(hypothesis.systems)} could not be measured under {told(_short(hypothesis))}: {mode}. "
            "Measure smaller levels first, or allow more."
        )
        return DeadEnd(hypothesis=hypothesis.statement, failure_mode=mode, lesson=lesson)
    failed = [c for c in claims if c.headline and c.status != "supported"]
    refuted = [c for c in failed if c.status == "refuted"]
    mode = (
        "refuted by the measurement" if refuted else "undecided: the interval still crosses the line at the last look"
    )
    if len(failed) < sum(c.headline for c in claims):
        mode += " in part of the cells"
    told_of = [f"“{c.statement}”: {c.status}, {quantity(c)}{_noted(c)}" for c in (refuted or failed)[:4]]
    return DeadEnd(hypothesis=hypothesis.statement, failure_mode=mode, lesson="; ".join(told_of) + ".")


def _noted(claim: Claim) -> str:
    return f" ({claim.note})" if claim.note and claim.value is not None else ""


def _short(hypothesis: Hypothesis) -> dict[str, int | float | str | bool]:
    return dict(list(hypothesis.conditions.items())[:4])


def limits(hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[str, ...]:
    """What a reader must not conclude from this package."""
    metric = registry.family(hypothesis.family).metric(hypothesis.metric)
    found = [
        f"Every claim holds under its stated conditions ({told(hypothesis.conditions)}) and was not tested elsewhere, "
        "except where an attack says so.",
        "The workload is synthetic: drawn by the library from the seed.",
        "Intervals are over seeds; they hold for all claims and looks of this package together, "
        "not across the packages of a run.",
    ]
    if metric.timed:
        found.append("Times depend on the machine named in the evidence; a re-run elsewhere gives other values.")
    if any(c.sd == 0 for c in claims):
        found.append("Where the standard deviation is zero the quantity does not depend on the seed.")
    return tuple(found)
