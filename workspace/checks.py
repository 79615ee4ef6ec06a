"""Deciding a check: does the interval lie where the claim says, elsewhere, or across the line?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from evidentia.workspace.estimators import Estimate, estimate
from evidentia.workspace.records import Check, Expectation, Row, Status


def evaluate(check: Check, rows: Sequence[Row]) -> tuple[Estimate, Status]:
    """The check's estimate over the rows and what it decides.

    Raises `evidentia.workspace.estimators.MissingRowsError` when the rows lack a cell the check needs.
    """
    found = estimate(check, rows)
    if found.value is None:
        return found, "refuted" if found.decided is False else "inconclusive"
    return found, decide(check.expect, found)


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
