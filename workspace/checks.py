"""Deciding a check: does the interval lie where the claim says, elsewhere, or across the line?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from evidentia.workspace.estimators import Estimate, estimate
from evidentia.workspace.records import Check, Expectation, Row, Status

EQUIVALENT = "equivalent by two one-sided tests, which the two-sided interval is too wide to show"


def evaluate(check: Check, rows: Sequence[Row]) -> tuple[Estimate, Status]:
    """The check's estimate over the rows and what it decides.

    With `two_one_sided`, an equivalence is supported as soon as two one-sided tests, each at the check's error, tell
    the effect from either bound: that is, by the interval with twice the error. The interval that is reported, and
    the one that refutes, stay those of the check's confidence. Source: D. J. Schuirmann, A comparison of the two
    one-sided tests procedure and the power approach, J. Pharmacokinet. Biopharm. 15, 1987.
    Raises `evidentia.workspace.estimators.MissingRowsError` when the rows lack a cell the check needs.
    """
    found = estimate(check, rows)
    if found.value is None:
        return found, "refuted" if found.decided is False else "inconclusive"
    status = decide(check.expect, found)
    if status == "inconclusive" and check.two_one_sided and check.expect.relation == "inside":
        error = 1 - check.confidence
        narrower = estimate(check.model_copy(update={"confidence": max(0.0, 1 - 2 * error)}), rows)
        if decide(check.expect, narrower) == "supported":
            return replace(found, note="; ".join(filter(None, (found.note, EQUIVALENT)))), "supported"
    return found, status


def decide(expect: Expectation, found: Estimate) -> Status:
    """``supported`` if the whole interval satisfies the expectation, ``refuted`` if the whole interval
    violates it, else ``inconclusive``."""
    low = -math.inf if found.low is None else found.low
    high = math.inf if found.high is None else found.high
    floor = -math.inf if expect.low is None else expect.low
    ceiling = math.inf if expect.high is None else expect.high
    if expect.relation == "above":
        return "supported" if low > floor else "refuted" if high <= floor else "inconclusive"
    if expect.relation == "below":
        return "supported" if high < ceiling else "refuted" if low >= ceiling else "inconclusive"
    if expect.relation == "inside":
        if low >= floor and high <= ceiling:
            return "supported"
        return "refuted" if low > ceiling or high < floor else "inconclusive"
    if expect.relation == "outside":
        if low > ceiling or high < floor:
            return "supported"
        return "refuted" if low >= floor and high <= ceiling else "inconclusive"
    return "supported" if (high - low) / 2 <= ceiling else "inconclusive"
