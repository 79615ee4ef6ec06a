"""One system's mean, and two systems' paired difference or ratio."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.workspace.estimators.cells import paired, series
from evidentia.workspace.estimators.estimate import Estimate
from evidentia.workspace.estimators.intervals import summary
from evidentia.workspace.records import Check, Row


def mean(check: Check, rows: Sequence[Row]) -> Estimate:
    """The metric's mean over seeds."""
    return summary(check, list(series(check, rows, check.system, {}).values()))


def paired_difference(check: Check, rows: Sequence[Row]) -> Estimate:
    """The mean over seeds of system minus versus."""
    return summary(check, list(paired(check, rows, {}, log=False).values()))


def paired_ratio(check: Check, rows: Sequence[Row]) -> Estimate:
    """The geometric mean over seeds of system over versus."""
    return summary(check, list(paired(check, rows, {}, log=True).values()), exponentiate=True)
