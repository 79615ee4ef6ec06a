"""What a run may still spend, reckoned before it is spent."""

from __future__ import annotations

from dataclasses import dataclass

from evidentia.agents.brief import Budget
from evidentia.workspace.records import Hypothesis

FALSIFICATION, REPAIR = 1, 1


def worst_case(hypothesis: Hypothesis) -> int:
    """The most experiments a branch can take: every look, one repair, one falsification."""
    return len(hypothesis.sample_plan.looks) + REPAIR + FALSIFICATION


LEAST = 1 + FALSIFICATION
"""A branch with less than this cannot be decided and attacked."""


@dataclass(frozen=True)
class Ledger:
    """Spent and allowed. `experiments` counts executions in the sandbox, `seconds` active wall time."""

    budget: Budget
    experiments: int
    seconds: float

    @property
    def experiments_left(self) -> int:
        """Executions that may still be started."""
        return max(0, self.budget.max_experiments - self.experiments)

    @property
    def out_of_time(self) -> bool:
        """Whether the wall budget is spent."""
        return self.seconds >= 60 * self.budget.max_minutes

    def exhausted(self) -> str | None:
        """Why no further branch may be started, or None."""
        if self.out_of_time:
            return f"the time budget is spent ({self.budget.max_minutes:g} minutes)"
        if self.experiments_left < LEAST:
            return f"the experiment budget is spent ({self.experiments} of {self.budget.max_experiments})"
        return None
