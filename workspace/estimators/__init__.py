"""Estimators over result rows: from rows to a value with its interval, paired by seed.

Every estimator reduces the rows to one number, or one curve, per seed first, so that what a workload shares within a
seed cancels. Intervals are over seeds at the check's corrected confidence: Student's t, unless the check was registered
with another (`Check.interval`). Ratios are estimated on the log scale and reported as ratios (geometric mean).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from evidentia.workspace.estimators import crossings, interactions, means, optima, trends
from evidentia.workspace.estimators.estimate import Estimate, MissingRowsError
from evidentia.workspace.estimators.intervals import interval
from evidentia.workspace.records import Check, Row

__all__ = ["ESTIMATORS", "RATIO_ESTIMATORS", "Estimate", "MissingRowsError", "estimate", "interval"]

RATIO_ESTIMATORS = (
    "paired_ratio",
    "ratio_over_range",
    "isotonic_ratio",
    "fall_ratio",
    "ratio_of_ratios",
    "regret_ratio",
    "corner_ratio",
    "shapley_ratio",
)
"""Those estimated on the log scale: their standard deviation is one of logarithms."""

ESTIMATORS: dict[str, Callable[[Check, Sequence[Row]], Estimate]] = {
    "mean": means.mean,
    "paired_difference": means.paired_difference,
    "paired_ratio": means.paired_ratio,
    "power_exponent": trends.power_exponent,
    "exponential_rate": trends.exponential_rate,
    "change_over_range": partial(trends.change, log=False),
    "ratio_over_range": partial(trends.change, log=True),
    "isotonic_change": partial(trends.isotonic_change, log=False),
    "isotonic_ratio": partial(trends.isotonic_change, log=True),
    "largest_fall": partial(trends.largest_fall, log=False),
    "fall_ratio": partial(trends.largest_fall, log=True),
    "crossover": crossings.crossover,
    "threshold_crossing": crossings.threshold_crossing,
    "difference_of_differences": partial(interactions.interaction, log=False),
    "ratio_of_ratios": partial(interactions.interaction, log=True),
    "regret": partial(optima.regret, log=False),
    "regret_ratio": partial(optima.regret, log=True),
    "best_level": optima.best_level,
    "corner_difference": partial(interactions.corner_change, log=False),
    "corner_ratio": partial(interactions.corner_change, log=True),
    "shapley_difference": partial(interactions.attribution, log=False),
    "shapley_ratio": partial(interactions.attribution, log=True),
}


def estimate(check: Check, rows: Sequence[Row]) -> Estimate:
    """Evaluate the check's estimator. Raises MissingRowsError when a cell it needs has no rows."""
    return ESTIMATORS[check.estimator](check, rows)
