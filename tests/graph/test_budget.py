"""Budgets of every kind are kept before they are spent, and counted on when a run is resumed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evidentia.agents.brief import Brief, Budget
from evidentia.agents.minds.protocol import Context, Design, Failure, Spending
from evidentia.graph.budget import Ledger
from evidentia.graph.journal import Journal
from evidentia.graph.replay import RecordedLog
from evidentia.graph.simulated.mind import SimulatedMind
from evidentia.workspace.records import Hypothesis
from tests.graph.simulated import Few, simulate


def brief(**sections: dict[str, Any]) -> Brief:
    return Brief.model_validate({"question": "What was planted here?", **sections})


@pytest.mark.parametrize(
    ("budget", "spent", "told"),
    [
        (Budget(max_experiments=4), {"experiments": 4}, "experiment budget is spent"),
        (Budget(max_minutes=1), {"seconds": 60.0}, "time budget is spent"),
        (Budget(max_cpu_seconds=5), {"cpu_seconds": 5.0}, "processor time is spent"),
        (Budget(max_tokens=10), {"spending": Spending(1, 6, 4, 0.0)}, "token budget is spent"),
        (Budget(max_usd=0.5), {"spending": Spending(1, 0, 0, 0.5)}, "money is spent"),
    ],
)
def test_each_budget_that_is_spent_says_so(budget: Budget, spent: dict[str, Any], told: str) -> None:
    fresh: dict[str, Any] = {"experiments": 0, "seconds": 0.0}
    assert Ledger(budget, **fresh).exhausted() is None
    assert told in str(Ledger(budget, **{**fresh, **spent}).exhausted())


def test_the_forecast_never_goes_beyond_the_worst_case() -> None:
    ledger = Ledger(Budget(max_experiments=20), 10, 60.0)
    told = ledger.forecast(branches=4, worst=6, ended=2)
    assert told == {"experiments": 16, "left": 4, "minutes": 3.0}


class Spender(SimulatedMind):
    """A mind whose every answer costs a hundred tokens and a cent."""

    calls = 0

    def propose(self, context: Context) -> list[Hypothesis]:
        self.calls += 1
        return super().propose(context)

    def design(self, hypothesis: Hypothesis, seeds: tuple[int, ...]) -> Design:
        self.calls += 1
        return super().design(hypothesis, seeds)

    def spent(self) -> Spending:
        return Spending(self.calls, 60 * self.calls, 40 * self.calls, 0.01 * self.calls)


def test_what_a_mind_spends_is_logged_and_ends_the_run(tmp_path: Path) -> None:
    questions = Few(20)
    asked = brief(budget={"max_experiments": 100, "max_tokens": 800}, search={"round": 2})
    report, journal = simulate(tmp_path / "w", asked, questions, Spender(questions))
    assert "token budget is spent" in report.stopped_because
    again = Journal(RecordedLog(journal.log.path, "simulated", journal.log.events))
    assert again.spent == journal.spent
    assert again.spent.calls * 100 == again.spent.input_tokens + again.spent.output_tokens >= 800
    # At most the branches of one round are begun beyond it: a design and an attack's for each.
    assert again.spent.calls <= 8 + 2 * 2 + 1


class Mender(SimulatedMind):
    """Mends a crashed script again and again; `ideas` are the errors that its versions end with."""

    def debug(self, hypothesis: Hypothesis, design: Design, failure: Failure) -> Design | None:
        return Design(f"# again\n{design.script}", design.seeds, design.cells, design.limits)


def test_debugging_is_bounded_and_an_identical_failure_ends_it_early(tmp_path: Path) -> None:
    questions = Few(1, crashing=(0,))
    report, journal = simulate(tmp_path / "w", brief(search={"debug_depth": 5}), questions, Mender(questions))
    assert report.experiments == 2, "the mended script failed as the first did"
    assert [b.outcome for b in journal.branches.values()] == ["crashed"]


@pytest.mark.parametrize("most", [2, 3])
def test_a_branch_keeps_to_its_own_budget(tmp_path: Path, most: int) -> None:
    questions = Few(4)
    _, journal = simulate(tmp_path / "w", brief(budget={"branch_experiments": most}), questions)
    counts = Counter(journal.by_experiment.values())
    assert counts
    assert max(counts.values()) <= most
