"""Branches that promise less than what else is open are put off, gone on with later, and lost by nothing."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidentia.agents.brief import Brief
from evidentia.graph.journal import Journal
from evidentia.graph.policies import open_policy
from evidentia.graph.replay import journal_of
from evidentia.graph.simulated.planted import LOOKS
from evidentia.graph.simulated.questions import EACH, KINDS, Question
from evidentia.graph.simulated.searching import ROUND, search
from evidentia.workspace.home import open_workspace
from tests.graph.simulated import simulate

QUESTION, BUDGET, SEED = Question(KINDS * EACH + 2 * KINDS), 40, 3
"""Not one of the benchmark's."""


class WithoutFollowUps:
    """The first hypotheses of the question, which lead to nothing."""

    item, roots = QUESTION.item, QUESTION.roots

    def follow_ups(self, number: int) -> Iterator[int]:
        """None."""
        return iter(())


def brief_of(policy: str, budget: int = BUDGET) -> Brief:
    return Brief.model_validate(
        {
            "question": "What was planted here?",
            "search": {"round": ROUND, "policy": policy},
            "stages": {"order": ["exploration"]},
            "budget": {"max_experiments": budget},
        }
    )


def run(root: Path, policy: str = "value") -> Journal:
    return simulate(root, brief_of(policy), QUESTION, seed=f"{QUESTION.number}/{SEED}")[1]


def told(journal: Journal) -> dict[str, object]:
    return {n: (b.outcome, [(c.value, c.n, c.status) for c in b.claims]) for n, b in journal.branches.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole") / "w"
    run(root)
    return root


def journal_at(root: Path) -> Journal:
    return journal_of(open_workspace(root), "simulated")


def test_what_is_put_off_is_said_and_every_branch_is_concluded_in_the_end(whole: Path) -> None:
    journal = journal_at(whole)
    put_off = [e.payload for e in journal.log.events if e.kind == "branch.put_off"]
    assert put_off
    assert all(told["worth"] < told["rate"] for told in put_off)
    begun = [b for b in journal.branches.values() if b.experiments]
    assert all(b.outcome is not None and b.package is not None for b in begun)
    assert not journal.waiting
    waited = {told["hypothesis"] for told in put_off}
    assert any(max(c.n for c in journal.branches[name].claims) < LOOKS[-1] for name in waited)


def test_the_benchmark_spends_and_decides_as_the_real_run_does(whole: Path) -> None:
    journal = journal_at(whole)
    decided = sum(c.status != "inconclusive" for b in journal.branches.values() for c in b.claims)
    short = search(QUESTION, open_policy("value"), BUDGET, SEED)
    assert (short.experiments, short.right + short.wrong) == (journal.experiments, decided)


def test_a_branch_that_was_put_off_goes_on_from_where_it_was(tmp_path: Path) -> None:
    _, journal = simulate(tmp_path / "w", brief_of("value", 200), WithoutFollowUps())
    resumed = 0
    for name in {e.payload["hypothesis"] for e in journal.log.events if e.kind == "branch.put_off"}:
        branch = journal.branches[name]
        looks = [raw["look"] for raw in branch.experiments.values() if raw["role"] == "measure"]
        assert looks == list(range(len(looks)))
        seeds = [s for raw in branch.experiments.values() if raw["role"] == "measure" for s in raw["seeds"]]
        assert seeds == list(range(LOOKS[len(looks) - 1]))
        resumed += len(looks) > 1
    assert resumed
    # With budget left, nothing stays undecided that could still be looked at.
    undecided = [b for b in journal.branches.values() if any(c.status == "inconclusive" for c in b.claims)]
    assert all(c.n == LOOKS[-1] for b in undecided for c in b.claims)


def test_only_a_policy_that_weighs_puts_off(tmp_path: Path) -> None:
    kinds = Counter(e.kind for e in run(tmp_path / "w", "best-first").log.events)
    assert kinds["branch.put_off"] == 0


@pytest.mark.parametrize("share", [0.15, 0.35, 0.6, 0.8, 0.97])
def test_a_run_that_was_cut_anywhere_comes_to_the_same(whole: Path, tmp_path: Path, share: float) -> None:
    expected = told(journal_at(whole))
    root = tmp_path / "w"
    shutil.copytree(whole, root)
    log = root / "runs" / "simulated" / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    put_off = [n for n, line in enumerate(lines) if b'"branch.put_off"' in line]
    # Right after a branch was put off, or in the middle of anything.
    kept = put_off[int(share * len(put_off))] + 1 if share < 0.9 else int(share * len(lines))
    log.write_bytes(b"".join(lines[:kept]))
    journal = run(root)
    assert told(journal) == expected
    finished = Counter(e.payload["experiment"] for e in journal.log.events if e.kind == "experiment.finished")
    assert set(finished.values()) == {1}
