"""Which level of a setting is best, and how much the best one beats a candidate."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.workspace.estimators.cells import UNPAIRED, curves, exp_of, log_of, series
from evidentia.workspace.estimators.estimate import Estimate, MissingRowsError
from evidentia.workspace.estimators.intervals import interval, largest
from evidentia.workspace.records import Check, Row, Value


def regret(check: Check, rows: Sequence[Row], log: bool) -> Estimate:
    """How much the best level beats the candidate.

    Both limits are Bonferroni-corrected over the rivals; with an `inverted` interval only the lower one is, which is
    enough (`intervals.largest`).
    """
    assert check.candidate is not None
    rivals = [level for level in check.levels if level != check.candidate]
    own = series(check, rows, check.system, {check.parameter: check.candidate})
    sign = 1.0 if check.higher_is_better else -1.0
    gains: list[list[float]] = []
    for level in rivals:
        other = series(check, rows, check.system, {check.parameter: level})
        seeds = sorted(own.keys() & other.keys())
        if not seeds:
            raise MissingRowsError(UNPAIRED)
        gains.append([sign * ((log_of(other[s]) - log_of(own[s])) if log else other[s] - own[s]) for s in seeds])
    mean, low, high, sd, winner = largest(gains, check.confidence)
    if check.interval != "inverted":
        confidence = 1 - (1 - check.confidence) / len(rivals)
        high = max(interval(samples, confidence)[2] for samples in gains)
    best: Value = rivals[winner]
    note = f"{check.parameter}={best} does best" if mean > 0 else f"{check.parameter}={check.candidate} does best"
    if log:
        mean, low, high = exp_of(mean), exp_of(low), exp_of(high)
    return Estimate(mean, low, high, len(gains[winner]), sd, note)


def best_level(check: Check, rows: Sequence[Row]) -> Estimate:
    """The level of the parameter that does best, between the outermost ones that no other level is known to beat.

    A level is left out when some rival beats it in a one-sided t test, corrected for the number of rivals; so the
    truly best level of those tried is kept at least as often as the check's confidence says. No shape of the curve is
    assumed. Source: S. S. Gupta, On some multiple decision (selection and ranking) rules, Technometrics 7, 1965.
    """
    found = list(curves(check, lambda at: series(check, rows, check.system, at)).values())
    if not found:
        raise MissingRowsError(UNPAIRED)
    numbers = [v for v in check.levels if not isinstance(v, str | bool)]
    if len(numbers) < len(check.levels) or len(numbers) < 2:
        raise MissingRowsError(f"an interval of {check.parameter} needs at least two levels, all of them numbers")
    sign = 1.0 if check.higher_is_better else -1.0
    places = range(len(numbers))
    best = max(places, key=lambda i: sign * sum(y[i] for y in found))
    confidence = max(0.0, 1 - 2 * (1 - check.confidence) / (len(numbers) - 1))

    def beaten(i: int) -> bool:
        gains = ([sign * (y[j] - y[i]) for y in found] for j in places if j != i)
        return any(interval(samples, confidence)[1] > 0 for samples in gains)

    kept = [float(numbers[i]) for i in places if i == best or not beaten(i)]
    note = f"{check.parameter}={numbers[best]} does best"
    return Estimate(float(numbers[best]), min(kept), max(kept), len(found), None, note)
