"""Small runs: budgets, interruption, workers, broken checkpoints, failing kernels."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from evidentia.agents.brief import Brief, Budget
from evidentia.errors import BadInputError
from evidentia.graph import running
from evidentia.graph.budget import Ledger, worst_case
from evidentia.graph.executors.local import LocalExecutor
from evidentia.graph.frontier import Frontier, candidate_of
from evidentia.graph.policies import POLICIES, Policy, open_policy
from evidentia.graph.replay import journal_of, summaries
from evidentia.graph.running import resume, start
from evidentia.graph.selection import Round, choose
from evidentia.graph.stages import BUCKETS, Standing
from evidentia.sandbox import Job, Outcome
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.records import Event, Hypothesis
from tests.graph.conftest import finish


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


def test_a_small_run_ends_within_its_budget_and_says_why(tmp_path: Path, small_brief: Brief) -> None:
    found = finish(tmp_path / "w", small_brief)
    assert 0 < found.report.experiments <= small_brief.budget.max_experiments
    assert "budget" in found.report.stopped_because or "exhausted" in found.report.stopped_because
    assert found.report.packages
    (line,) = summaries(found.workspace)
    assert (line["status"], line["experiments"]) == ("finished", found.report.experiments)


def test_the_number_of_workers_changes_nothing_that_is_found(tmp_path: Path, small_brief: Brief) -> None:
    one, three = (finish(tmp_path / str(n), small_brief, workers=n) for n in (1, 3))
    found = [
        {b.hypothesis.id: (b.outcome, [(c.value, c.status) for c in b.claims]) for b in r.journal.branches.values()}
        for r in (one, three)
    ]
    assert found[0] == found[1]


def _stop_after(count: int) -> tuple[list[Event], object]:
    seen: list[Event] = []

    def listener(event: Event) -> None:
        seen.append(event)
        if len(seen) == count:
            signal_self()

    return seen, listener


def signal_self() -> None:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_stops_cleanly_and_resume_goes_on_to_the_same_end(
    tmp_path: Path, workspace: Workspace, small_brief: Brief
) -> None:
    whole = finish(tmp_path / "whole", small_brief)
    expected = len([e for e in whole.journal.log.events if e.kind == "hypothesis.registered"])
    _, listener = _stop_after(expected + 8)
    stopped = start(workspace, small_brief, listener=listener)  # type: ignore[arg-type]
    assert stopped.interrupted
    assert stopped.stopped_because == "interrupted"
    again = resume(workspace, stopped.run)
    assert not again.interrupted
    assert {p.rsplit("-", 1)[0] for p in again.packages} == {p.rsplit("-", 1)[0] for p in whole.report.packages}
    assert again.experiments == whole.report.experiments
    assert resume(workspace, stopped.run) == again


def test_lost_or_damaged_checkpoints_do_not_matter_since_the_log_wins(workspace: Workspace, small_brief: Brief) -> None:
    _, listener = _stop_after(40)
    stopped = start(workspace, small_brief, listener=listener)  # type: ignore[arg-type]
    assert stopped.interrupted
    folder = workspace.log_path(stopped.run).parent
    for path in folder.glob("checkpoints.sqlite*"):
        path.write_bytes(b"this is no database at all" * 200)
    before = [e.payload["experiment"] for e in journal_of(workspace, stopped.run).log.events if "finished" in e.kind]
    again = resume(workspace, stopped.run)
    after = [e.payload["experiment"] for e in journal_of(workspace, stopped.run).log.events if "finished" in e.kind]
    assert after[: len(before)] == before
    assert len(set(after)) == len(after)
    assert not again.interrupted


def test_a_branch_whose_script_fails_becomes_a_crashed_package_and_the_run_goes_on(
    tmp_path: Path, small_brief: Brief, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evidentia.agents.minds.builtin import design

    monkeypatch.setattr(design, "LIMITS", {**design.LIMITS, "wall_seconds": 1e-3})
    monkeypatch.setattr(design, "RAISED", 1.0)
    found = finish(tmp_path / "w", small_brief)
    outcomes = {b.outcome for b in found.journal.branches.values() if b.outcome}
    assert outcomes == {"crashed"}
    assert found.report.packages
    branch = next(b for b in found.journal.branches.values() if b.outcome)
    assert branch.dead_end is not None
    assert "wall" in branch.dead_end.failure_mode


def test_a_run_needs_a_worker_and_a_known_mind(workspace: Workspace, small_brief: Brief) -> None:
    with pytest.raises(BadInputError, match="--workers"):
        start(workspace, small_brief, workers=0)
    with pytest.raises(BadInputError, match="no model"):
        start(workspace, small_brief, mind="oracle")
    assert workspace.run_names() == []


def test_two_processes_cannot_write_one_run(workspace: Workspace, small_brief: Brief) -> None:
    done = start(workspace, small_brief)
    log = workspace.open_log(done.run)
    with pytest.raises(BadInputError, match="another process"):
        resume(workspace, done.run)
    log.close()


class Counting:
    """A sandbox that only counts how many jobs run at once."""

    level = "counting"

    def __init__(self, together: int) -> None:
        self.now = self.most = 0
        self.barrier = threading.Barrier(together)
        self.guard = threading.Lock()

    def run(self, job: Job) -> Outcome:
        with self.guard:
            self.now += 1
            self.most = max(self.most, self.now)
        if job.script == "together":
            self.barrier.wait(timeout=10)
        with self.guard:
            self.now -= 1
        return Outcome("counting", "procfs", 0, None, None, 0, 0, 0, b"", b"", False, False, {}, {})

    def close(self) -> None:
        """Nothing to close."""


def _run_all(executor: LocalExecutor, scripts: list[str], exclusive: bool) -> None:
    threads = [
        threading.Thread(target=executor.run, args=(Job(script=s),), kwargs={"exclusive": exclusive}) for s in scripts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


def test_n_workers_really_run_n_at_once_and_never_more() -> None:
    box = Counting(3)
    _run_all(LocalExecutor(box, 3), ["together"] * 9, exclusive=False)
    assert box.most == 3


def test_a_timed_experiment_runs_alone() -> None:
    box = Counting(1)
    _run_all(LocalExecutor(box, 4), ["alone"] * 12, exclusive=True)
    assert box.most == 1


def plans(small_brief: Brief) -> list[Hypothesis]:
    from evidentia.agents.minds.builtin.mind import BuiltinMind
    from evidentia.agents.minds.protocol import Context

    return BuiltinMind().propose(Context(small_brief, (), (), ()))


ROUND = 6


def select(found: list[Hypothesis], ledger: Ledger, policy: Policy) -> Round:
    """One round over freshly registered hypotheses."""
    frontier = Frontier()
    for hypothesis in found:
        frontier.add(candidate_of(hypothesis.id, {"hypothesis": hypothesis.to_json()}))
    return choose(frontier, Standing("exploration", BUCKETS, ""), policy, ledger, size=ROUND, seed="0", ended=0)


@pytest.mark.parametrize("name", POLICIES)
def test_a_round_never_plans_beyond_the_budget(small_brief: Brief, name: str) -> None:
    found = plans(small_brief)
    by_id = {h.id: h for h in found}
    for limit in range(1, 40):
        chosen = select(found, Ledger(Budget(max_experiments=limit), 0, 0.0), open_policy(name)).names
        cost = sum(worst_case(by_id[h]) for h in chosen)
        assert len(set(chosen)) == len(chosen) <= ROUND
        assert cost <= limit or len(chosen) <= 1
        assert bool(chosen) == (limit >= 2)
    assert select(found, Ledger(Budget(max_minutes=1), 0, 60.0), open_policy(name)).names == ()


@pytest.mark.parametrize("name", POLICIES)
def test_the_choice_is_always_the_same(small_brief: Brief, name: str) -> None:
    found = plans(small_brief)
    ledger = Ledger(Budget(), 0, 0.0)
    assert select(found, ledger, open_policy(name)) == select(found, ledger, open_policy(name))


def test_the_order_of_the_default_mixes_forms_and_does_not_depend_on_that_of_registration(small_brief: Brief) -> None:
    found = plans(small_brief)
    forms = {h.id: h.form for h in found}
    order = select(found, Ledger(Budget(), 0, 0.0), open_policy("value")).names
    assert order == select(found[::-1], Ledger(Budget(), 0, 0.0), open_policy("value")).names
    assert len({forms[name] for name in order}) >= 3


def test_run_names_do_not_collide(workspace: Workspace) -> None:
    first = running.new_run_name(workspace, "Is it so?")
    (workspace.runs / first).mkdir(parents=True)
    assert running.new_run_name(workspace, "Is it so?") != first
