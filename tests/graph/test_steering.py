"""Steering: what a person asks of a run is kept, done once, and told with their name."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from evidentia.agents.brief import Brief
from evidentia.errors import BadInputError
from evidentia.graph import steering
from evidentia.graph.approvals import inbox_of, take
from evidentia.graph.forking import brief_at, fork
from evidentia.graph.journal import Journal
from evidentia.graph.people import ROLES
from evidentia.graph.replay import journal_of, prove
from evidentia.graph.sentences import sentence
from evidentia.graph.simulated.mind import SimulatedMind
from evidentia.graph.tree import build_tree
from evidentia.workspace import inbox
from evidentia.workspace.eventlog import EventLog
from evidentia.workspace.home import Workspace, open_workspace
from tests.graph.simulated import Few, opened, simulate
from tests.graph.test_approvals import BRIEF as GUIDED
from tests.graph.test_approvals import go, yes

RUN = "simulated"
BRIEF = GUIDED.model_copy(
    update={"approve": ("experiments",), "stages": GUIDED.stages.model_copy(update={"order": ("exploration",)})}
)


@pytest.fixture
def waiting(tmp_path: Path) -> Workspace:
    """The workspace of a run that waits with two of four hypotheses selected and two open."""
    go(tmp_path / "w", BRIEF)
    return open_workspace(tmp_path / "w")


def node_of(workspace: Workspace, *, open_: bool) -> str:
    """A node that is open, or one that was selected."""
    journal = journal_of(workspace, RUN)
    names = journal.frontier.open if open_ else journal.selected[0]
    return min(journal.tree.node_of[n] for n in names)


ACTS: dict[str, Callable[[Workspace], steering.Receipt]] = {
    "approval.given": lambda w: steering.approve(w, RUN, "A001", actor="Ada", why="good"),
    "suggestion.made": lambda w: steering.suggest(w, RUN, "lfu-perfect beats lru", actor="Ada", why="good"),
    "branch.pruned": lambda w: steering.prune(w, RUN, node_of(w, open_=True), actor="Ada", why="good"),
    "node.pinned": lambda w: steering.pin(w, RUN, node_of(w, open_=True), "this next", actor="Ada", why="good"),
    "budget.changed": lambda w: steering.change_budget(w, RUN, {"max_experiments": 50}, actor="Ada", why="good"),
}


@pytest.mark.parametrize("kind", ACTS)
def test_every_act_is_one_event_with_actor_roles_and_reason(waiting: Workspace, kind: str) -> None:
    before = len(journal_of(waiting, RUN).log.events)
    receipt = ACTS[kind](waiting)
    assert receipt.taken
    journal = journal_of(waiting, RUN)
    (event,) = list(journal.log.events)[before:]
    assert (event.kind, event.actor) == (kind, "person/Ada")
    assert event.payload["by"] == {"name": "Ada", "roles": list(ROLES[kind])}
    assert event.payload["why"] == "good"
    assert event.payload["ticket"] == receipt.ticket
    assert list(inbox.waiting(inbox_of(journal))) == []
    assert "Ada" in sentence(build_tree(journal.log.events), event)


@pytest.mark.parametrize("kind", ACTS)
def test_a_live_run_finds_what_another_process_asked(waiting: Workspace, kind: str) -> None:
    log, steps = opened(waiting.root, SimulatedMind(Few()), Few())
    try:
        receipt = ACTS[kind](waiting)
        assert not receipt.taken
        before = len(log.events)
        steps.desk.take()
        steps.desk.take()
        assert [e.kind for e in list(log.events)[before:]] == [kind]
    finally:
        log.close()


def test_a_request_whose_event_was_written_before_a_crash_is_not_done_twice(waiting: Workspace) -> None:
    log = EventLog(waiting.log_path(RUN), RUN)
    receipt = ACTS["node.pinned"](waiting)  # left in the inbox: the log is held
    folder = waiting.runs / RUN / "inbox"
    kept = (folder / f"{receipt.ticket}.json").read_bytes()
    journal = Journal(log)
    assert take(journal, journal.append) == 1
    log.close()
    (folder / f"{receipt.ticket}.json").write_bytes(kept)  # as if killed before the file was removed
    after = go(waiting.root)
    assert sum(e.payload.get("ticket") == receipt.ticket for e in after.log.events) == 1
    assert not inbox.holds(folder, receipt.ticket)
    assert after.people.pins == 1


def test_killed_at_any_instant_every_request_is_taken_once_and_in_order(waiting: Workspace) -> None:
    path, folder, chance = waiting.log_path(RUN), waiting.runs / RUN / "inbox", random.Random(7)
    put: list[str] = []
    node = node_of(waiting, open_=True)
    for _ in range(12):
        child = os.fork()
        if child == 0:  # takes until it is killed
            log = EventLog(path, RUN, patience=5)
            journal = Journal(log)
            while True:
                take(journal, journal.append)
        for number in range(5):
            request = {"act": "pin", "name": "Ada", "node": node, "decision": f"decision {len(put)} {number}"}
            put.append(inbox.put(folder, request))
            time.sleep(chance.random() / 200)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    journal = go(waiting.root)
    told = [e.payload["ticket"] for e in journal.log.events if e.kind == "node.pinned"]
    assert told == put
    assert list(inbox.waiting(folder)) == []
    assert len({n for n in journal.tree.graph if n.startswith("P")}) == len(put)


@pytest.mark.parametrize(
    "junk", [b"{", b'{"act": "erase", "name": "x"}', b'{"act": "prune", "name": "x", "node": "N9"}']
)
def test_what_cannot_be_done_is_told_and_removed(waiting: Workspace, junk: bytes) -> None:
    folder = waiting.runs / RUN / "inbox"
    folder.mkdir(exist_ok=True)
    (folder / "00000000000000000001-aa.json").write_bytes(junk)
    journal = go(waiting.root)
    (event,) = [e for e in journal.log.events if e.kind == "request.refused"]
    assert event.payload["because"]
    assert list(folder.iterdir()) == []


def test_who_answers_second_is_refused(waiting: Workspace) -> None:
    ACTS["approval.given"](waiting)
    with pytest.raises(BadInputError, match="answered by Ada already"):
        steering.refuse(waiting, RUN, "A001", actor="Grace")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda w: steering.prune(w, RUN, "N999", actor="a"), "no node 'N999'"),
        (lambda w: steering.prune(w, RUN, "N000", actor="a"), "holds no hypothesis"),
        (lambda w: steering.pin(w, RUN, "N999", "text", actor="a"), "no node"),
        (lambda w: steering.pin(w, RUN, "N001", "", actor="a"), "decision"),
        (lambda w: steering.approve(w, RUN, "A009", actor="a"), "waiting: A001"),
        (lambda w: steering.approve(w, RUN, "A001", actor="a", dropped=["9"]), "1 to 2"),
        (lambda w: steering.approve(w, RUN, "A001", actor="a", accepted=["1"], dropped=["1"]), "choose one"),
        (lambda w: steering.change_budget(w, RUN, {"bananas": 1}, actor="a"), "no such limit"),
        (lambda w: steering.change_budget(w, RUN, {"max_experiments": 0}, actor="a"), "greater than or equal to 1"),
        (lambda w: steering.change_budget(w, RUN, {"max_minutes": None}, actor="a"), "max_minutes=none"),
        (lambda w: steering.change_budget(w, RUN, {"max_usd": float("nan")}, actor="a"), "finite"),
        (lambda w: steering.suggest(w, RUN, "short", actor="a"), "at least 8 characters"),
        (lambda w: steering.suggest(w, RUN, "lfu beats lru", actor="a", where={"bogus": 1}), "bogus"),
        (lambda w: steering.prune(w, "none", "N001", actor="a"), "no run 'none'"),
        (lambda w: steering.prune(w, RUN, "N001", actor=""), "name"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_nothing_is_written(
    waiting: Workspace, act: Callable[[Workspace], object], words: str
) -> None:
    before = waiting.log_path(RUN).read_bytes()
    with pytest.raises(BadInputError, match=words) as caught:
        act(waiting)
    assert "\n" not in str(caught.value)
    assert waiting.log_path(RUN).read_bytes() == before
    assert not (waiting.runs / RUN / "inbox").exists()


def test_a_budget_below_what_is_spent_is_refused(tmp_path: Path) -> None:
    _, journal = simulate(tmp_path / "w", BRIEF.model_copy(update={"approve": ()}))
    with pytest.raises(BadInputError, match=f"{journal.experiments} are spent already"):
        steering.change_budget(open_workspace(tmp_path / "w"), RUN, {"max_experiments": 1}, actor="Ada")


def test_a_finished_run_goes_on_with_a_larger_budget(tmp_path: Path) -> None:
    small = BRIEF.budget.model_copy(update={"max_experiments": 3})
    _, journal = simulate(tmp_path / "w", BRIEF.model_copy(update={"approve": (), "budget": small}))
    assert "budget is spent" in str(journal.stopped)
    workspace = open_workspace(tmp_path / "w")
    receipt = steering.change_budget(workspace, RUN, {"max_experiments": 30, "max_minutes": 20}, actor="Ada")
    assert receipt.resume
    assert journal_of(workspace, RUN).people.reopened
    again = go(tmp_path / "w")
    assert again.brief is not None
    assert (again.brief.budget.max_experiments, again.brief.budget.max_minutes) == (30, 20)
    assert all(b.outcome for b in again.branches.values())
    assert again.experiments > journal.experiments
    assert not again.people.reopened
    proofs, same = prove(list(again.log.events), (again.log.path.parent / "tree.json").read_bytes())
    assert same
    assert all(p.holds for p in proofs)


def test_an_open_branch_that_is_pruned_is_never_measured(waiting: Workspace) -> None:
    node = node_of(waiting, open_=True)
    steering.prune(waiting, RUN, node, actor="Ada", why="not asked")
    steering.approve(waiting, RUN, "A001", actor="Ada")
    journal = go(waiting.root, asker=yes)
    name = journal.hypothesis_of(node)
    assert name is not None
    assert not journal.branches[name].ended
    assert journal.tree.status(node) == "pruned"
    assert journal.tree.node(f"{node}x").fields["failure_mode"] == "pruned by Ada: not asked"
    with pytest.raises(BadInputError, match="pruned already by Ada"):
        steering.prune(waiting, RUN, node, actor="Grace")


def test_a_selected_branch_that_is_pruned_ends_without_being_measured(waiting: Workspace) -> None:
    node = node_of(waiting, open_=False)
    steering.prune(waiting, RUN, node, actor="Ada", why="too dear")
    steering.approve(waiting, RUN, "A001", actor="Ada")
    journal = go(waiting.root, asker=yes)
    branch = journal.branches[str(journal.hypothesis_of(node))]
    assert not branch.ended
    assert branch.outcome == "null"
    assert branch.dead_end is not None
    assert branch.dead_end.failure_mode == "pruned by Ada"
    assert branch.over


def test_a_pinned_hypothesis_is_taken_in_the_next_round_and_every_mind_reads_the_decision(waiting: Workspace) -> None:
    journal = journal_of(waiting, RUN)
    nodes = sorted(journal.tree.node_of[n] for n in journal.frontier.open)
    last = nodes[-1]
    steering.pin(waiting, RUN, last, "this one matters", actor="Ada", why="for the talk")
    steering.approve(waiting, RUN, "A001", actor="Ada")
    after = go(waiting.root)
    assert after.selected[1][0] == after.hypothesis_of(last)
    told = next(e for e in after.log.events if e.kind == "round.selected" and e.payload["round"] == 1)
    assert told.payload["reasons"][after.selected[1][0]] == "pinned by Ada: this one matters"
    assert any("this one matters, because for the talk" in c["text"] for c in after.world.constraints())
    assert after.tree.node("P01").parent == last
    assert after.tree.node("P01").fields["provenance"] == "user"


def test_contributors_have_each_act_once_and_only_before_the_branch_ended(waiting: Workspace) -> None:
    steering.approve(waiting, RUN, "A001", actor="Ada", why="yes")
    journal = go(waiting.root, asker=yes)
    name = journal.selected[0][0]
    before = journal.people.contributors(name)
    assert [(p.name, p.roles, [a.did for a in p.acts]) for p in before] == [
        ("Ada", ("Supervision",), ["approved the experiment"])
    ]
    steering.change_budget(waiting, RUN, {"max_experiments": 60}, actor="Grace")
    steering.prune(waiting, RUN, journal.tree.node_of[name], actor="Grace")
    after = journal_of(waiting, RUN)
    assert after.people.contributors(name) == before
    kinds = [e.kind for e in after.events_of(name)]
    assert Counter(kinds)["approval.given"] == 1
    seqs = [e.seq for e in after.events_of(name)]
    assert seqs == sorted(set(seqs))


def test_a_fork_has_the_budget_of_its_point_and_the_one_it_is_given(waiting: Workspace) -> None:
    at = str(len(journal_of(waiting, RUN).log.events) - 1)
    steering.change_budget(waiting, RUN, {"max_experiments": 77}, actor="Ada")
    now = str(len(journal_of(waiting, RUN).log.events) - 1)
    assert brief_at(waiting, RUN, at).budget.max_experiments == BRIEF.budget.max_experiments
    assert brief_at(waiting, RUN, now).budget.max_experiments == 77
    changed = Brief.model_validate({**brief_at(waiting, RUN, now).model_dump(), "budget": {"max_experiments": 55}})
    for brief, wanted in ((None, 77), (changed, 55)):
        journal = journal_of(waiting, fork(waiting, RUN, now, brief=brief))
        assert journal.brief is not None
        assert journal.brief.budget.max_experiments == wanted
        assert [r.name for r in journal.open_requests()] == ["A001"]


def test_secrets_and_control_characters_do_not_reach_the_log(waiting: Workspace) -> None:
    key = "sk-" + "a1B2" * 8
    steering.pin(waiting, RUN, "N001", f"use\x1b[31m {key}\nnow", actor="Ada\x07", why=key)
    raw = waiting.log_path(RUN).read_text()
    assert key not in raw
    (event,) = [e for e in journal_of(waiting, RUN).log.events if e.kind == "node.pinned"]
    assert event.payload["decision"] == "use[31m [masked: an API key] now"
    assert event.payload["by"]["name"] == "Ada"
