"""Repairs and attacks are nodes of the tree, below what they repair or attack, and old logs rebuild the old tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from evidentia.agents.brief import Brief
from evidentia.agents.minds.builtin import design
from evidentia.graph.replay import prove
from evidentia.graph.sentences import sentence
from evidentia.graph.tree import Tree, build_tree
from evidentia.hub.exports.contents import read_contents
from evidentia.hub.exports.discovery import discovery
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.records import Event
from tests.graph.conftest import Finished, finish

FAILURE: dict[str, Any] = {"exit_status": 1, "signal": None, "exceeded": None, "stderr": "NameError: x", "refused": {}}


def event(seq: int, kind: str, **payload: object) -> Event:
    time = "2026-01-01T00:00:00+00:00"
    return Event(seq=seq, time=time, run="r", kind=kind, actor="a", payload=payload, prev="", hash="")


def planned(seq: int, name: str, role: str = "measure", **more: object) -> Event:
    experiment = {"hypothesis": "h-1", "role": role, "look": 0, "seeds": [7, 8, 9]}
    return event(seq, "experiment.planned", id=name, experiment=experiment, **more)


def finished(seq: int, name: str, failure: object = None) -> Event:
    return event(
        seq,
        "experiment.finished",
        experiment=name,
        evidence_id=f"ev-{name}",
        evidence={"row_count": 6},
        failure=failure,
    )


def attack(kind: str, survived: bool | None, finding: str) -> dict[str, Any]:
    return {"kind": kind, "survived": survived, "finding": finding, "evidence": ["ev-e4"] if "seeds" in kind else []}


def events(*, nodes: bool = True) -> list[Event]:
    """A look whose script fails and is mended twice, then an attack whose script fails once."""

    def at(**named: str) -> dict[str, str]:
        return named if nodes else {}

    hypothesis = {"title": "one", "statement": "s", "form": "trend", "trigger": ""}
    attacks = [attack("row audit", True, "clean"), attack("fresh seeds", None, "C01 is inconclusive")]
    return [
        event(0, "run.started", brief={"question": "why?"}),
        event(1, "hypothesis.registered", id="h-1", node="N001", parent="N000", pivot=None, hypothesis=hypothesis),
        planned(2, "e1"),
        finished(3, "e1", FAILURE),
        planned(4, "e2", **at(node="N001d1", parent="N001", because="exit status 1: NameError: x")),
        finished(5, "e2", {**FAILURE, "stderr": "ValueError: y"}),
        planned(6, "e3", **at(node="N001d2", parent="N001", because="exit status 1: ValueError: y")),
        finished(7, "e3"),
        planned(8, "e4", "falsify", changed={"bits": 3}, **at(node="N001f", parent="N001")),
        finished(9, "e4", FAILURE),
        planned(
            10, "e5", "falsify", changed={"bits": 3}, **at(node="N001fd1", parent="N001f", because="exit status 1")
        ),
        finished(11, "e5"),
        event(12, "falsification.done", hypothesis="h-1", attacks=attacks, claims=[], **at(node="N001f")),
    ]


def test_repairs_and_attacks_hang_below_what_they_mend_or_attack() -> None:
    tree = build_tree(events())
    assert tree.children("N001") == ["N001d1", "N001d2", "N001f"]
    assert tree.works("N001") == ["N001d1", "N001d2", "N001f", "N001fd1"]
    assert [tree.status(n) for n in tree.works("N001")] == ["failed", "mended", "undecided", "mended"]
    assert [tree.attributes(n)["work"] for n in tree.works("N001")] == ["debug", "debug", "falsify", "debug"]
    first, second, falsify = (tree.node(n) for n in tree.children("N001"))
    assert first.fields["result"] == "it failed: exit status 1: ValueError: y"
    assert "NameError: x" in first.title
    assert second.fields["result"] == "it ran: 6 rows"
    assert second.fields["evidence"] == ["ev-e3"]
    assert falsify.title == "Attack: fresh seeds, bits 3"
    assert falsify.fields["hypothesis"] == "the claims hold on the seeds 7 to 9 and with bits 3"
    assert falsify.fields["result"] == "row audit: clean; fresh seeds: C01 is inconclusive"
    assert tree.working == {}


def test_the_tree_grows_with_the_events() -> None:
    tree = Tree()
    statuses = []
    for item in events():
        tree.apply(item)
        statuses.append(tree.status("N001d1") if "N001d1" in tree.graph else "")
    assert [s for i, s in enumerate(statuses) if not i or s != statuses[i - 1]] == ["", "running", "failed"]
    assert tree.to_bytes() == build_tree(events()).to_bytes()


@pytest.mark.parametrize(
    ("survived", "status"),
    [([True, True], "survived"), ([True, None], "undecided"), ([None, False, True], "not survived")],
)
def test_the_worst_test_is_what_came_of_an_attack(survived: list[bool | None], status: str) -> None:
    attacks = [attack("fresh seeds", s, "f") for s in survived]
    done = event(12, "falsification.done", hypothesis="h-1", node="N001f", attacks=attacks, claims=[])
    assert build_tree([*events()[:-1], done]).status("N001f") == status


def test_audits_alone_are_an_attack_too() -> None:
    done = event(
        8, "falsification.done", hypothesis="h-1", node="N001f", attacks=[attack("row audit", True, "ok")], claims=[]
    )
    tree = build_tree([*events()[:8], done])
    assert tree.node("N001f").title == "Attack: audits of rows and script"
    assert tree.status("N001f") == "survived"


def test_a_log_that_names_no_such_nodes_rebuilds_the_tree_without_them() -> None:
    tree = build_tree(events(nodes=False))
    assert sorted(tree.graph) == ["N000", "N001"]


def test_a_person_reads_what_was_tried_and_what_came_of_it() -> None:
    tree, told = Tree(), []
    for item in events():
        tree.apply(item)
        told.append(sentence(tree, item))
    assert "N001d1 Repair after: exit status 1: NameError: x" in told
    assert told[-1] == "N001f undecided"


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run whose first scripts exceed a limit that the mind then raises."""
    brief = Brief(
        question="Does the group size of round-to-nearest quantization matter?",
        families=("quantization",),
        conditions={"in_features": 128, "out_features": 32},
        vary={"bits": (3, 4)},
    )
    small = brief.model_copy(update={"budget": brief.budget.model_copy(update={"max_experiments": 6})})
    with pytest.MonkeyPatch.context() as patch:
        short = {**design.LIMITS, "wall_seconds": 1e-3}
        patch.setattr("evidentia.agents.minds.builtin.mind.limits", lambda hypothesis: short)
        for place in ("design.RAISED", "mind.RAISED"):
            patch.setattr(f"evidentia.agents.minds.builtin.{place}", 60_000.0)
        return finish(tmp_path_factory.mktemp("mended") / "w", small, workers=1)


def test_a_run_tells_its_repairs_and_attacks_in_tree_package_and_exports(mended: Finished) -> None:
    tree = mended.journal.tree
    branch = next(b for b in mended.journal.branches.values() if b.package and b.attacks)
    assert branch.package is not None
    works = tree.works(tree.node_of[branch.id])
    kinds = [tree.attributes(n)["work"] for n in works]
    assert kinds.count("falsify") == 1
    assert "debug" in kinds
    assert any(tree.status(n) == "mended" for n in works)
    assert all(tree.node(n).fields["result"] and tree.node(n).fields["evidence"] for n in works)

    package = mended.workspace.packages / branch.package / "v1"
    assert [n.id for n in load_manifest(package).branch.siblings] == works
    told = yaml.safe_load((package / "trace/exploration_tree.yaml").read_text())["tree"]
    found: list[dict[str, Any]] = []
    while told:
        found += told
        told = [child for node in told for child in node.get("children", ())]
    assert sorted(n["title"] for n in found if n.get("work")) == sorted(tree.node(n).title for n in works)
    assert sorted(n["id"] for n in found) == [f"N{i:02d}" for i in range(1, len(found) + 1)]
    nodes = {n["id"]: n for n in discovery(read_contents(package))["exploration"]["nodes"]}
    assert set(works) <= set(nodes)
    assert nodes[works[0]]["parents"] == [tree.node_of[branch.id]]


def test_the_recorded_digest_is_that_of_the_log(mended: Finished) -> None:
    saved = (mended.journal.log.path.parent / "tree.json").read_bytes()
    proofs, same = prove(mended.journal.log.events, saved)
    assert [p.holds for p in proofs] == [True]
    assert same


def test_every_work_is_some_kind_and_no_two_nodes_share_a_name(mended: Finished) -> None:
    tree = mended.journal.tree
    kinds = {tree.attributes(n).get("work", "") for n in tree.graph if tree.status(n)}
    assert {"draft", "debug", "falsify"} <= kinds
    assert "" not in kinds
    planned = [
        e.payload["node"] for e in mended.journal.log.events if e.kind == "experiment.planned" and "node" in e.payload
    ]
    assert len(planned) == len(set(planned))


def test_an_attack_can_be_forked_at(mended: Finished, tmp_path: Path) -> None:
    from evidentia.graph.forking import fork
    from evidentia.graph.replay import journal_of

    node = next(n for n in mended.journal.tree.graph if n.endswith("f"))
    name = fork(mended.workspace, mended.journal.log.run, node)
    assert node in journal_of(mended.workspace, name).tree.graph
