"""Gates: a run waits for a person where the brief says so, asks once, and does what they answer."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from evidentia.agents.brief import Brief
from evidentia.graph import steering
from evidentia.graph.approvals import Asker, Reply
from evidentia.graph.journal import Journal
from evidentia.graph.people import Request
from evidentia.graph.replay import journal_of, prove
from evidentia.graph.running import WAITING, work
from evidentia.graph.simulated.mind import SimulatedMind
from evidentia.workspace.home import open_workspace
from tests.graph.simulated import Few, opened

GATES = ("ideas", "experiments", "packages")
BRIEF = Brief.model_validate(
    {"question": "What was planted here?", "search": {"round": 2}, "budget": {"max_experiments": 40}, "approve": GATES}
)


def go(root: Path, brief: Brief = BRIEF, asker: Asker | None = None) -> Journal:
    """Begin the run below `root`, or go on with it."""
    questions = Few()
    log, steps = opened(root, SimulatedMind(questions), questions)
    try:
        if steps.journal.brief is None:
            steps.journal.append("run.started", {"brief": brief.to_json(), "mind": "simulated", "workers": 1}, "test")
        else:
            steps.desk.take()
            steps.journal.append("run.resumed", {"repaired": log.repaired}, "test")
        work(steps, 1, asker)
        return steps.journal
    finally:
        log.close()


def yes(request: Request, still_open: Callable[[], bool]) -> Reply | None:
    """Accept all."""
    assert still_open()
    return Reply("Ada")


def outcomes(journal: Journal) -> dict[str, object]:
    """What every branch came to."""
    return {n: (b.outcome, b.over, [(c.value, c.status) for c in b.claims]) for n, b in journal.branches.items()}


def asked(journal: Journal) -> Counter[tuple[str, str]]:
    """How often each thing was asked."""
    found = (e.payload for e in journal.log.events if e.kind == "approval.asked")
    return Counter((p["gate"], p["about"]) for p in found)


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of a run in which a person accepted everything."""
    root = tmp_path_factory.mktemp("accepted") / "w"
    go(root, asker=yes)
    return root


def test_who_accepts_everything_gets_the_run_without_gates(accepted: Path, tmp_path: Path) -> None:
    guided = journal_of(open_workspace(accepted), "simulated")
    alone = go(tmp_path / "w", BRIEF.model_copy(update={"approve": ()}))
    assert outcomes(guided) == outcomes(alone)
    assert not asked(alone)
    assert {gate for gate, _ in asked(guided)} == set(GATES)
    assert set(asked(guided).values()) == {1}


def test_nothing_is_registered_measured_or_packaged_before_it_is_approved(accepted: Path) -> None:
    journal = journal_of(open_workspace(accepted), "simulated")
    passed: set[tuple[str, str]] = set()
    gates = {r.name: r.gate for r in journal.people.requests.values()}
    for event in journal.log.events:
        p = event.payload
        if event.kind == "approval.given":
            passed |= {(gates[p["request"]], name) for name in p["accepted"]}
        elif event.kind == "hypothesis.registered" and not p.get("replicates"):
            assert ("ideas", p["id"]) in passed
        elif event.kind == "experiment.finished":
            assert ("experiments", journal.by_experiment[p["experiment"]]) in passed
        elif event.kind == "package.compiled":
            assert ("packages", p["hypothesis"]) in passed


def test_the_script_that_was_shown_is_the_one_that_ran(accepted: Path) -> None:
    journal = journal_of(open_workspace(accepted), "simulated")
    ran = {
        e.payload["experiment"]: e.payload["evidence"] for e in journal.log.events if e.kind == "experiment.finished"
    }
    shown = [item for r in journal.people.requests.values() if r.gate == "experiments" for item in r.items]
    assert shown
    for item in shown:
        assert ran[item["experiment"]]["script"] == item["script"]
        assert ran[item["experiment"]]["seeds"] == list(item["seeds"])


def test_without_anybody_to_ask_the_run_waits_and_says_what_for(tmp_path: Path) -> None:
    journal = go(tmp_path / "w")
    assert journal.stopped == WAITING
    assert [r.gate for r in journal.open_requests()] == ["ideas"]
    (item, *_) = steering.pending(open_workspace(tmp_path / "w"), "simulated")[0]["items"]
    assert {"id", "statement", "why", "form", "worst_case"} <= item.keys()
    assert not journal.branches
    again = go(tmp_path / "w")
    assert again.stopped == WAITING
    assert asked(again) == {("ideas", "round 0"): 1}


def test_time_that_a_person_takes_is_none_that_the_run_has_worked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import evidentia.workspace.eventlines as lines

    worked = go(tmp_path / "w").active_seconds
    steps_on = [0]

    class Later(lines.datetime):  # type: ignore[name-defined, misc]
        @classmethod
        def now(cls, tz: object = None) -> object:
            return super().now(tz) + timedelta(hours=steps_on[0])

    monkeypatch.setattr(lines, "datetime", Later)
    steps_on[0] = 5
    steering.approve(open_workspace(tmp_path / "w"), "simulated", "A001", actor="Ada")
    steps_on[0] = 9
    later = go(tmp_path / "w")
    first, last = (datetime.fromisoformat(later.log.events[i].time) for i in (0, -1))
    assert last - first > timedelta(hours=8)
    assert later.active_seconds < worked + 60


@pytest.mark.parametrize("share", [0.15, 0.35, 0.55, 0.75, 0.95])
def test_a_run_cut_short_anywhere_asks_nothing_twice_and_ends_alike(
    accepted: Path, tmp_path: Path, share: float
) -> None:
    root = tmp_path / "w"
    shutil.copytree(accepted, root)
    log = root / "runs" / "simulated" / "events.jsonl"
    expected = outcomes(journal_of(open_workspace(root), "simulated"))
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[: max(2, round(share * len(lines)))]))
    again = go(root, asker=yes)
    assert outcomes(again) == expected
    assert set(asked(again).values()) == {1}
    proofs, same = prove(list(again.log.events), (log.parent / "tree.json").read_bytes())
    assert same
    assert all(p.holds for p in proofs)


def test_dropped_ideas_are_never_registered_and_stand_in_the_decision(tmp_path: Path) -> None:
    def drop_first(request: Request, still_open: Callable[[], bool]) -> Reply | None:
        return Reply("Ada", ("1",) if request.gate == "ideas" else (), "known")

    journal = go(tmp_path / "w", asker=drop_first)
    request = journal.people.request("ideas", "round 0")
    assert request is not None
    dropped = request.items[0]
    assert dropped["id"] not in journal.branches
    assert len(journal.branches) > 0
    decision = journal.tree.node("D00")
    assert any(dropped["title"] in alternative for alternative in decision.fields["alternatives"])
    assert decision.fields["provenance"] == "user"


def test_refused_experiments_are_not_run_and_are_dead_ends(tmp_path: Path) -> None:
    def refuse(request: Request, still_open: Callable[[], bool]) -> Reply | None:
        every = tuple(str(i + 1) for i in range(len(request.items)))
        return Reply("Ada", every if request.gate == "experiments" else (), "too dear")

    journal = go(tmp_path / "w", asker=refuse)
    assert journal.stopped
    assert journal.stopped != WAITING
    assert journal.experiments == 0
    nodes = list(journal.tree.node_of.values())
    assert {journal.tree.status(n) for n in nodes} == {"pruned"}
    assert all("Ada: too dear" in journal.tree.node(f"{n}x").fields["failure_mode"] for n in nodes)
    assert journal.frontier.places[""].tally.taken == 0


def test_a_withheld_package_is_not_made_and_its_branch_is_over(tmp_path: Path) -> None:
    def withhold(request: Request, still_open: Callable[[], bool]) -> Reply | None:
        return Reply("Ada", ("1",) if request.gate == "packages" else ())

    journal = go(tmp_path / "w", asker=withhold)
    ended = [b for b in journal.branches.values() if b.outcome is not None]
    assert ended
    assert all(b.over and b.package is None for b in ended)
    assert not [e for e in journal.log.events if e.kind == "package.compiled"]


def test_who_leaves_the_question_open_leaves_the_run_waiting(tmp_path: Path) -> None:
    journal = go(tmp_path / "w", asker=lambda request, still_open: None)
    assert journal.stopped == WAITING
    assert not journal.people.answers


def test_an_answer_from_elsewhere_is_heard_at_the_prompt(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w", create=True)

    def elsewhere(request: Request, still_open: Callable[[], bool]) -> Reply | None:
        assert still_open()
        receipt = steering.approve(workspace, "simulated", request.name, actor="Grace")
        assert not receipt.taken  # this process holds the log
        assert not still_open()
        return None

    journal = go(tmp_path / "w", asker=elsewhere)
    assert journal.stopped != WAITING
    assert {a.by for a in journal.people.answers.values()} == {"Grace"}
