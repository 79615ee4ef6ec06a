"""Payloads of branches: few in memory, and the same whether they are kept or read again from the log."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.agents.brief import Brief
from evidentia.graph.journal import Journal
from evidentia.graph.replay import RecordedLog
from evidentia.graph.told import KEPT, Recall, Told
from evidentia.workspace.eventlines import Events
from evidentia.workspace.eventlog import EventLog
from evidentia.workspace.records import Event
from tests.graph.simulated import simulate

BRIEF = Brief.model_validate(
    {"question": "What was planted here?", "search": {"round": 2}, "budget": {"max_experiments": 30}}
)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    """A finished run."""
    _, journal = simulate(tmp_path_factory.mktemp("run") / "w", BRIEF)
    return journal


def everything(told: Told) -> dict[str, object]:
    return {name: getattr(told, name) for name in Told.__slots__ if name != "read"}


@given(kept=st.integers(1, 4))
@settings(deadline=None, derandomize=True, max_examples=4)
def test_what_was_read_again_is_what_was_kept(journal: Journal, kept: int) -> None:
    events, looked_up = journal.log.events, []

    def read(seq: int) -> Event:
        looked_up.append(seq)
        return events[seq]

    recall, seqs = Recall(read, kept), {name: array("Q") for name in journal.branches}
    for event in events:
        for name, branch in journal.branches.items():
            if event.seq in branch.seqs:
                recall.take(name, seqs[name], event)
                whole = Told(events[seq] for seq in branch.seqs if seq <= event.seq)
                assert everything(recall.of(name, seqs[name])) == everything(whole)
    assert {n: list(s) for n, s in seqs.items()} == {n: list(b.seqs) for n, b in journal.branches.items()}
    assert len(recall._kept) <= kept
    assert looked_up or kept > 1


def test_a_branch_that_is_worked_on_is_not_read_from_the_log_again(journal: Journal) -> None:
    events, looked_up = journal.log.events, list[int]()
    recall, seqs = Recall(lambda seq: looked_up.append(seq) or events[seq]), array("Q")  # type: ignore[func-returns-value]
    branch = next(b for b in journal.branches.values() if b.outcome)
    for seq in branch.seqs:
        recall.take(branch.id, seqs, events[seq])
        recall.of(branch.id, seqs)
    assert looked_up == []


def test_an_opened_journal_says_what_the_running_one_said(journal: Journal) -> None:
    again = Journal(RecordedLog(journal.log.path, "simulated", Events(journal.log.path)))
    for name, branch in journal.branches.items():
        other = again.branches[name]
        assert (other.outcome, other.claims, other.attacks) == (branch.outcome, branch.claims, branch.attacks)
        assert (other.runs(), other.review, other.dead_end) == (branch.runs(), branch.review, branch.dead_end)


def test_a_long_log_keeps_few_payloads_in_memory(journal: Journal, tmp_path: Path) -> None:
    events = journal.log.events
    registered = next(e for e in events if e.kind == "hypothesis.registered")
    log = EventLog(tmp_path / "events.jsonl", "long")
    log.append("run.started", events[0].payload, "test", wait=False)
    for number in range(3 * KEPT):
        told = {**registered.payload, "id": f"h-{number}", "node": f"N{number:03d}", "parent": "N000", "pivot": None}
        log.append("hypothesis.registered", told, "test", wait=False)
    log.close()
    opened = Journal(RecordedLog(log.path, "long", Events(log.path)))
    assert len(opened.branches) == 3 * KEPT
    assert len(opened._recall._kept) == KEPT
    assert opened.branches["h-0"].hypothesis.statement == registered.payload["hypothesis"]["statement"]
