"""What a finding asks for next: sharper boundaries, the condition behind a mixed answer, a fresh test of a
surprise. Follow-ups use seeds that no earlier hypothesis saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evidentia.agents.minds.builtin.forms import comparison, crossover, interaction, optimum
from evidentia.agents.minds.builtin.forms.drafting import Draft
from evidentia.agents.minds.builtin.reading import Reading
from evidentia.agents.minds.protocol import Context, Finding
from evidentia.agents.wording import number, words
from evidentia.kernels import registry
from evidentia.kernels.registry import Kernel, Metric
from evidentia.workspace.records import Claim, Hypothesis, Value

MAX_DEPTH = 2
POINTS = 5


def follow_ups(reading: Reading, context: Context) -> Iterator[Hypothesis]:
    """Follow-ups of every new finding in this family, at most two generations deep."""
    for finding in context.news:
        hypothesis = finding.hypothesis
        if hypothesis.family != reading.family.name or finding.outcome == "crashed":
            continue
        depth = _depth(hypothesis, context)
        if depth >= MAX_DEPTH:
            continue
        if hypothesis.stated:  # what follows from a stated claim the brief states as well
            continue
        metric = reading.family.metric(hypothesis.metric)
        for draft, trigger, pivot in _next(reading, metric, finding):
            yield draft.following(hypothesis.id, trigger, depth + 1, "pivot" if pivot else "follow-up").finish()


def _depth(hypothesis: Hypothesis, context: Context) -> int:
    if context.world is not None:
        return context.world.depth(hypothesis.id)
    by_id = {f.hypothesis.id: f.hypothesis for f in context.findings}
    depth, parent = 0, hypothesis.parent
    while parent and parent in by_id:
        depth, parent = depth + 1, by_id[parent].parent
    return depth


def _next(reading: Reading, metric: Metric, finding: Finding) -> Iterator[tuple[Draft, str, bool]]:
    hypothesis = finding.hypothesis
    claims = [c for c in finding.claims if c.headline]
    kernels = [registry.kernel(hypothesis.family, s) for s in hypothesis.systems]
    if hypothesis.form == "crossover" and finding.outcome == "supported":
        yield from _sharper(reading, metric, kernels, claims[0])
    elif hypothesis.form == "comparison" and {c.status for c in claims} == {"supported", "refuted"}:
        name = _separating(hypothesis, claims)
        if name and name in reading.varied:
            trigger = f"the order of the two turns with {words(name)}"
            yield interaction.gap(reading, metric, kernels[0], kernels[1], name), trigger, False
    elif hypothesis.form == "comparison" and finding.outcome == "refuted" and len(kernels) == 2:
        wins = [c for c in claims if _beaten(metric, c)]
        if wins and hypothesis.origin == "question":
            trigger = f"{kernels[0].name} did not beat {kernels[1].name}; the reverse is tested on fresh seeds"
            yield comparison.draft(reading, metric, kernels[1], kernels[0], reading.grid()), trigger, True
    elif hypothesis.form == "equivalence" and finding.outcome == "refuted" and len(kernels) == 2:
        worst = max(claims, key=lambda c: abs(c.value or 0.0))
        ahead, behind = kernels if _leads(metric, worst) else reversed(kernels)
        trigger = f"{ahead.name} and {behind.name} are not interchangeable"
        yield comparison.draft(reading, metric, ahead, behind, reading.grid()), trigger, True
        for name in list(reading.varied)[:1]:
            if name in {p.name for p in reading.family.parameters}:
                yield interaction.gap(reading, metric, ahead, behind, name, weight=0.85), trigger, False
    elif hypothesis.form == "optimum" and finding.outcome == "refuted":
        best = _best_level(claims[0])
        if best is not None:
            trigger = f"{words(claims[0].check.parameter)} {number(best)} did better; tested on fresh seeds"
            name = claims[0].check.parameter
            yield optimum.draft(reading, metric, kernels[0], name, best, weight=0.8), trigger, True


def _sharper(
    reading: Reading, metric: Metric, kernels: list[Kernel], claim: Claim
) -> Iterator[tuple[Draft, str, bool]]:
    """The same crossover on a finer grid between the two levels that bracket it."""
    if claim.value is None:
        return
    name = claim.check.parameter
    levels = [float(v) for v in claim.check.levels]
    below, above = max(v for v in levels if v <= claim.value), min(v for v in levels if v >= claim.value)
    fine = _between(below, above, claim.check.log_parameter, reading.parameter(name).kind == "int")
    if len(fine) < 3:
        return
    trigger = f"they change places between {words(name)} {number(below)} and {number(above)}; the place is sharpened"
    if len(kernels) > 1:
        yield crossover.exchange(reading, metric, kernels[0], kernels[1], name, fine), trigger, False
    else:
        yield crossover.limit(reading, metric, kernels[0], name, fine), trigger, False


def _between(low: float, high: float, log: bool, whole: bool) -> tuple[Value, ...]:
    """Evenly spaced points from `low` to `high`, on the log scale if `log`, rounded if `whole`."""
    share = [i / (POINTS - 1) for i in range(POINTS)]
    points = [low * (high / low) ** t if log else low + (high - low) * t for t in share]
    return tuple(sorted({round(p) for p in points} if whole else {float(f"{p:.4g}") for p in points}))


def _separating(hypothesis: Hypothesis, claims: Sequence[Claim]) -> str:
    """The varied condition whose values differ most between supported and refuted claims."""
    best, score = "", 0
    for name in hypothesis.varied:
        sides = [{c.conditions.get(name) for c in claims if c.status == status} for status in ("supported", "refuted")]
        distinct = len(sides[0] ^ sides[1])
        if distinct > score:
            best, score = name, distinct
    return best


def _leads(metric: Metric, claim: Claim) -> bool:
    """Whether the first system of the claim is ahead on the metric."""
    neutral = 0.0 if metric.effect == "difference" else 1.0
    return ((claim.value or neutral) > neutral) == (metric.direction == "higher")


def _beaten(metric: Metric, claim: Claim) -> bool:
    """Whether the claim's interval puts the second system ahead by the smallest effect of interest."""
    if claim.ci is None:
        return False
    step = metric.smallest_effect
    low, high = (-step, step) if metric.effect == "difference" else (1 / step, step)
    return claim.ci[1] < low if metric.direction == "higher" else claim.ci[0] > high


def _best_level(claim: Claim) -> Value | None:
    """The level that did best, as the estimator noted it."""
    name = claim.check.parameter
    for level in claim.check.levels:
        if claim.note == f"{name}={level} does best" and level != claim.check.candidate:
            return level
    return None
