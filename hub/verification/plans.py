"""Level 1's look at the plan: what was registered can fail, and all of it was done and counted."""

from __future__ import annotations

import math
from collections.abc import Iterator

from evidentia.hub.verification.opened import Opened
from evidentia.workspace.estimators import RATIO_ESTIMATORS
from evidentia.workspace.records import PERSON, PlannedClaim

RATIOS = RATIO_ESTIMATORS
SPREAD = {"mean": 0, "paired_difference": 1, "change_over_range": 1, "regret": 1, "difference_of_differences": 2}
"""How many times the range of a bounded metric a value can lie on either side of zero; 0: inside the range itself."""
TOP = {"%": 100.0, "pp": 100.0, "fraction": 1.0}


def vacuous(package: Opened) -> Iterator[str]:
    """Every registered check that says the same whatever is measured."""
    hypothesis = package.branch.hypothesis
    for number, claim in enumerate(hypothesis.claims, start=1):
        check = claim.check
        reason = _decides_nothing(claim)
        if check.metric == "seed" or check.metric in {*check.where, *claim.conditions, check.parameter}:
            reason = f"its metric {check.metric} is a condition, not a measurement"
        paired = check.estimator.startswith("paired_")
        if paired and check.system == check.versus and check.at == check.versus_at:
            reason = f"it compares {check.system} with itself"
        if reason:
            yield f"the check of C{number:02d} is vacuous: {reason}"


def _decides_nothing(claim: PlannedClaim) -> str:
    """Why no value, or every value, satisfies the expectation; empty if some do and some do not."""
    expect, (least, most) = claim.check.expect, _range(claim)
    low = -math.inf if expect.low is None else expect.low
    high = math.inf if expect.high is None else expect.high
    every = {
        "above": low < least or low == -math.inf or (claim.check.estimator in RATIOS and low <= 0),
        "below": high > most or high == math.inf,
        "inside": low <= least and high >= most,
        "outside": low > high,
        "precise": high == math.inf,
    }[expect.relation]
    if every:
        return "every value satisfies it"
    none = {
        "above": low >= most,
        "below": high <= least,
        "inside": low > high,
        "outside": low <= least and high >= most,
        "precise": high < 0,
    }[expect.relation]
    return "no value satisfies it" if none else ""


def _range(claim: PlannedClaim) -> tuple[float, float]:
    """The least and the most a claim's value can be."""
    check = claim.check
    if check.estimator in RATIOS:
        return 0.0, math.inf
    top = TOP.get(claim.unit)
    if top is None or check.estimator not in SPREAD:
        return -math.inf, math.inf
    spread = SPREAD[check.estimator]
    return (-spread * top, spread * top) if spread else (0.0, top)


def sampled(package: Opened) -> Iterator[str]:
    """Every difference between the seeds that were registered and those that were measured and counted."""
    plan = package.branch.hypothesis.sample_plan
    if package.branch.mind == PERSON and not plan.looks:
        return  # no seeds were registered; the package says so under its limits
    measured: list[set[int]] = []
    for entry, run in package.entries:
        experiment = run.experiment
        if experiment.role != "measure":
            continue
        if not 0 <= experiment.look < len(plan.looks):
            yield f"{entry.id} is of look {experiment.look + 1}, {len(plan.looks)} were registered"
            continue
        start = plan.looks[experiment.look - 1] if experiment.look else 0
        due = set(range(plan.first_seed + start, plan.first_seed + plan.looks[experiment.look]))
        told = f"{entry.id} measured {len(set(experiment.seeds) & due)} of the {len(due)} seeds registered for look"
        if missing := sorted(due - set(experiment.seeds)):
            yield f"{told} {experiment.look + 1}: {missing[0]} is missing (cherry-picked seeds)"
        if more := sorted(set(experiment.seeds) - due):
            yield f"{entry.id} measured the seed {more[0]}, which was not registered for look {experiment.look + 1}"
        if len(set(experiment.seeds)) != len(experiment.seeds):
            yield f"{entry.id} names a seed twice"
        if run.evidence.ok:
            measured.append({experiment.look})
    looks = sorted(set().union(*measured)) if measured else []
    if looks != list(range(len(looks))):
        yield f"look {looks[-1] + 1} was measured, an earlier one was not"


def counted(package: Opened) -> Iterator[str]:
    """Every claim that leaves out a measurement, or counts one that is none, and every attack on seen seeds."""
    measures = [(e, r) for e, r in package.entries if r.experiment.role == "measure" and r.evidence.ok]
    seeds = {seed for _, run in measures for seed in run.experiment.seeds}
    for claim in package.branch.claims:
        for entry, run in measures:
            if run.evidence.id not in claim.evidence:
                yield f"{claim.id} leaves out the measurement {entry.id}"
        if strange := set(claim.evidence) - {r.evidence.id for _, r in measures}:
            yield f"{claim.id} counts the evidence {min(strange)[:12]}…, which is no measurement that ended well"
    for entry, run in package.entries:
        if run.experiment.role == "falsify" and (seen := seeds & set(run.experiment.seeds)):
            yield f"{entry.id} attacks on the seed {min(seen)}, which the claim had already seen"
