"""What an estimator gives back, and what it raises."""

from __future__ import annotations

from dataclasses import dataclass


class MissingRowsError(ValueError):
    """The rows do not hold what the check needs; the message names the first missing cell."""


@dataclass(frozen=True)
class Estimate:
    """A value with its interval. `sd` is over seeds, on the scale the interval was made on (log for ratios).

    `value` is None where the quantity does not exist (two curves that do not cross); `decided` then says
    what the ends of the range show, and `note` says it in words.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    sd: float | None
    note: str = ""
    decided: bool | None = None
