"""What a run may still spend, reckoned before it is spent: experiments, wall and processor time, tokens and money; for
the whole run, a stage and a branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evidentia.agents.brief import Budget
from evidentia.agents.minds.protocol import Spending
from evidentia.workspace.records import Hypothesis

FALSIFICATION, REPAIR = 1, 1


def worst_case(hypothesis: Hypothesis) -> int:
    """The most experiments a branch is reckoned with: every look, one repair, one falsification."""
    return len(hypothesis.sample_plan.looks) + REPAIR + FALSIFICATION


NOTHING = Spending()
LEAST = 1 + FALSIFICATION
"""A branch with less than this cannot be decided and attacked."""


@dataclass(frozen=True)
class Ledger:
    """Spent and allowed. `experiments` counts executions in the sandbox, `seconds` active wall time, `cpu_seconds` the
    processor time of experiments, `spending` what a mind used."""

    budget: Budget
    experiments: int
    seconds: float
    cpu_seconds: float = 0.0
    spending: Spending = NOTHING

    @property
    def experiments_left(self) -> int:
        """Executions that may still be started."""
        return max(0, self.budget.max_experiments - self.experiments)

    @property
    def out_of_time(self) -> bool:
        """Whether the wall budget is spent."""
        return self.seconds >= 60 * self.budget.max_minutes

    @property
    def tokens(self) -> int:
        """Tokens used, in and out."""
        return self.spending.input_tokens + self.spending.output_tokens

    def no_more_thinking(self) -> str | None:
        """Why a mind may be asked nothing more that costs, or None."""
        budget = self.budget
        if budget.max_tokens is not None and self.tokens >= budget.max_tokens:
            return f"the token budget is spent ({self.tokens} of {budget.max_tokens})"
        if budget.max_usd is not None and self.spending.usd >= budget.max_usd:
            return f"the money is spent ({self.spending.usd:.2f} of {budget.max_usd:.2f} US dollars)"
        return None

    def no_more_experiments(self) -> str | None:
        """Why not one more experiment may be started, or None."""
        budget = self.budget
        if self.out_of_time:
            return f"the time budget is spent ({budget.max_minutes:g} minutes)"
        if budget.max_cpu_seconds is not None and self.cpu_seconds >= budget.max_cpu_seconds:
            return f"the processor time is spent ({self.cpu_seconds:.1f} of {budget.max_cpu_seconds:g} seconds)"
        if not self.experiments_left:
            return f"the experiment budget is spent ({self.experiments} of {budget.max_experiments})"
        return None

    def exhausted(self) -> str | None:
        """Why no further branch may be started, or None."""
        if why := self.no_more_experiments() or self.no_more_thinking():
            return why
        if self.experiments_left < LEAST:
            return f"the experiment budget is spent ({self.experiments} of {self.budget.max_experiments})"
        return None

    def forecast(self, branches: int, worst: int, ended: int) -> dict[str, Any]:
        """What a round of so many branches will have spent when it ends: `experiments` at the mean so far, never more
        than `worst`, `minutes` at the pace so far (absent before any branch has ended), and what is `left` then."""
        each = self.experiments / ended if ended else LEAST
        expected = min(worst, round(branches * each))
        told: dict[str, Any] = {"experiments": self.experiments + expected, "left": self.experiments_left - expected}
        told["left"] = max(0, told["left"])
        if ended:
            told["minutes"] = round((self.seconds + branches * self.seconds / ended) / 60, 2)
        return told
