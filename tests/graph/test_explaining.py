"""Explaining a tension: Shapley values by their axioms, the factorial as a package, the worked example to its end."""

from __future__ import annotations

import itertools
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.agents.brief import read_brief
from evidentia.errors import BadInputError
from evidentia.graph.disputes import Dispute, Published, dispute_of
from evidentia.graph.explaining import explain
from evidentia.graph.factorial import plan
from evidentia.graph.replay import journal_of
from evidentia.graph.running import start
from evidentia.hub.tensions import find
from evidentia.workspace.checks import evaluate
from evidentia.workspace.estimators import estimate
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.package.store import load_manifest, locate
from evidentia.workspace.records import Check, Expectation, Row, Value
from evidentia.workspace.shapley import corners, shapley

EXAMPLES = Path(__file__).parents[2] / "examples"

# Shapley values

names = "abcd"
coalitions = [frozenset(c) for size in range(5) for c in itertools.combinations(names, size)]
games = st.lists(st.floats(-100, 100), min_size=16, max_size=16).map(lambda v: dict(zip(coalitions, v, strict=True)))


def by_orders(worth: Mapping[frozenset[str], float], player: str) -> float:
    """The definition: the mean gain of a player over all orders in which the players can join."""
    players = sorted(frozenset().union(*worth))
    gains = []
    for order in itertools.permutations(players):
        before = frozenset(order[: order.index(player)])
        gains.append(worth[before | {player}] - worth[before])
    return math.fsum(gains) / len(gains)


@given(games)
@settings(max_examples=60, deadline=None)
def test_the_shapley_value_is_the_mean_gain_over_all_orders_and_all_of_them_add_up(
    worth: dict[frozenset[str], float],
) -> None:
    values = {p: shapley(worth, p) for p in names}
    for player, value in values.items():
        assert value == pytest.approx(by_orders(worth, player), abs=1e-9)
    assert math.fsum(values.values()) == pytest.approx(worth[frozenset(names)] - worth[frozenset()], abs=1e-9)


@given(games)
@settings(max_examples=30, deadline=None)
def test_a_player_that_adds_nothing_has_no_value(worth: dict[frozenset[str], float]) -> None:
    idle = {c: worth[c - {"d"}] for c in worth}
    assert shapley(idle, "d") == pytest.approx(0.0, abs=1e-12)


def test_one_player_gets_the_whole_change() -> None:
    assert shapley({frozenset(): 11.7, frozenset({"capacity"}): 5.8}, "capacity") == pytest.approx(-5.9)


@pytest.mark.parametrize("k", range(1, 5))
def test_a_factorial_has_every_corner_once(k: int) -> None:
    low, high = (dict.fromkeys(names[:k], v) for v in (0, 1))
    found = [tuple(corner.values()) for _, corner in corners(low, high)]
    assert sorted(found) == sorted(itertools.product((0, 1), repeat=k))


# Estimators over rows


def factorial_rows(effect: Any, seeds: Sequence[int] = range(6)) -> list[Row]:
    """Rows in which `ours` beats `rival` by effect(p, q, seed)."""
    rows: list[Row] = []
    for seed, p, q in itertools.product(seeds, (1, 2), (0, 5)):
        rows.append({"system": "ours", "seed": seed, "p": p, "q": q, "hit_rate": 40.0 + seed + effect(p, q, seed)})
        rows.append({"system": "rival", "seed": seed, "p": p, "q": q, "hit_rate": 40.0 + seed})
    return rows


def check(estimator: Any, moderator: str = "", **more: Any) -> Check:
    between: dict[str, Any] = {"at": {"p": 1, "q": 0}, "versus_at": {"p": 2, "q": 5}, "versus": "rival"}
    expect = Expectation(relation="precise", high=1.0)
    given = {**between, "moderator": moderator, **more}
    return Check(estimator=estimator, metric="hit_rate", system="ours", expect=expect, **given)


def interacting(p: int, q: int, seed: int) -> float:
    """Moving p adds 3, moving q adds 1, both together 2 more; the seed shifts all alike."""
    return 10.0 + 3 * (p == 2) + 1 * (q == 5) + 2 * (p == 2 and q == 5) + 0.1 * seed * (p == 2)


def test_an_interaction_is_shared_equally_and_nothing_is_lost() -> None:
    rows = factorial_rows(interacting)
    moved = [estimate(check("shapley_difference", name), rows) for name in ("p", "q")]
    whole = estimate(check("corner_difference"), rows)
    assert [m.value for m in moved] == pytest.approx([4.25, 2.0])
    assert whole.value == pytest.approx(6.25)
    assert [m.n for m in moved] == [6, 6]
    assert moved[0].sd == pytest.approx(0.1 * math.sqrt(3.5)), "over seeds, of what each seed gives"
    assert estimate(check("corner_difference", limit=6.0), rows).value == pytest.approx(0.25)


def test_ratios_are_attributed_as_factors() -> None:
    def rows_of(factor: Any) -> list[Row]:
        return [
            {"system": s, "seed": seed, "p": p, "q": q, "hit_rate": (1 + seed) * (factor(p, q) if s == "ours" else 1.0)}
            for seed, p, q, s in itertools.product(range(4), (1, 2), (0, 5), ("ours", "rival"))
        ]

    rows = rows_of(lambda p, q: 1.5 * (2.0 if p == 2 else 1.0) * (3.0 if q == 5 else 1.0))
    assert estimate(check("shapley_ratio", "p"), rows).value == pytest.approx(2.0)
    assert estimate(check("shapley_ratio", "q"), rows).value == pytest.approx(3.0)
    assert estimate(check("corner_ratio", limit=6.0), rows).value == pytest.approx(1.0)


def test_a_setting_of_one_system_is_not_asked_of_the_other() -> None:
    rows: list[Row] = [
        {"system": "ours", "seed": s, "p": p, "q": q, "hit_rate": 10.0 * p + q}
        for s, p, q in itertools.product((0, 1), (1, 2), (0, 5))
    ]
    rows += [{"system": "rival", "seed": s, "p": p, "hit_rate": 3.0 * p} for s in (0, 1) for p in (1, 2)]
    assert estimate(check("shapley_difference", "q"), rows).value == pytest.approx(5.0)
    assert estimate(check("shapley_difference", "p"), rows).value == pytest.approx(7.0)


def test_a_value_without_a_baseline_is_attributed_too() -> None:
    found = estimate(check("shapley_difference", "p", versus=""), factorial_rows(interacting))
    assert found.value == pytest.approx(4.25)


def test_a_missing_corner_is_an_error_that_names_it() -> None:
    rows = [r for r in factorial_rows(interacting) if (r["p"], r["q"]) != (2, 0)]
    with pytest.raises(ValueError, match="p=2, q=0"):
        estimate(check("shapley_difference", "p"), rows)


# Planning

COMMON: dict[str, Value] = {"workload": "zipf", "exponent": 1.1, "items": 200, "requests": 2000}


def dispute(first: Mapping[str, Value], second: Mapping[str, Value], **changes: Any) -> Dispute:
    values = changes.pop("values", (12.0, 6.0))
    sides = tuple(
        Published(f"{name}@v1#C01", value, changes.get("unit", "pp"), 0.25, {**COMMON, **at}, (0, 1))
        for name, value, at in zip(("a", "b"), values, (first, second), strict=True)
    )
    changes.pop("unit", None)
    made = Dispute("t-0123456789", "caching", "hit_rate", "lfu-perfect", "lru", "difference", (), (sides[0], sides[1]))
    return replace(made, **changes)


SMALL, LARGE = {"capacity": 10, "warmup": 0}, {"capacity": 50, "warmup": 200}


def test_the_plan_has_every_corner_and_registers_what_must_come_out() -> None:
    found = plan(dispute(SMALL, LARGE))
    assert len(found.cells) == 8
    kinds = [c.check.estimator for c in found.claims]
    assert kinds == ["shapley_difference"] * 2 + ["corner_difference"] * 2 + ["paired_difference"] * 2
    assert found.claims[2].check.expect == Expectation(relation="below", high=0.8 * -6.0)
    assert found.claims[3].check.limit == -6.0
    assert [(c.check.expect.low, c.check.expect.high) for c in found.claims[4:]] == [(11.75, 12.25), (5.75, 6.25)]
    assert found.sample_plan.first_seed > 1, "fresh seeds"
    (confidence,) = {c.check.confidence for c in found.claims}
    looks = len(found.sample_plan.looks)
    assert 1 - 0.05 / 6 < confidence < 1 - 0.05 / (looks * 6), "claims share equally, looks not more than equally"


def test_published_values_are_taken_in_the_unit_that_is_measured() -> None:
    found = plan(dispute(SMALL, LARGE, quantity="value", baseline="", unit="fraction", values=(0.6, 0.5)))
    assert found.claims[3].check.limit == pytest.approx(-10.0)
    assert [c.unit for c in found.claims] == ["pp", "pp", "pp", "pp", "%", "%"]


def test_what_a_setting_of_one_system_moves_is_measured_once_on_the_other() -> None:
    first, second = ({"capacity": 10, "warmup": 0, "small_fraction": f} for f in (0.1, 0.5))
    found = plan(dispute(first, second, system="s3-fifo"))
    assert [c.system for c in found.cells].count("s3-fifo") == 2
    assert [c.system for c in found.cells].count("lru") == 1


def test_the_ends_of_a_setting_that_one_system_has_are_its_own_rows(tmp_path: Path) -> None:
    """LFU with counts kept and forgotten, both against LRU, which has no such setting: each end on its own rows."""
    first, second = ({"capacity": 10, "warmup": 0, "counts": counts} for counts in ("kept", "forgotten"))
    asked = dispute(first, second, system="lfu", values=(20.0, 10.0))
    assert [c.system for c in plan(asked).cells] == ["lfu", "lru", "lfu"]
    found = explain(open_workspace(tmp_path / "workspace", create=True), asked, "explain-t-0123456789")
    ends = {str(c.conditions["counts"]): c.value for c in found.claims if c.check.estimator == "paired_difference"}
    changed = next(c.value for c in found.claims if c.check.estimator == "corner_difference")
    assert ends["kept"] is not None
    assert ends["forgotten"] is not None
    assert changed == pytest.approx(ends["forgotten"] - ends["kept"], abs=1e-9)
    assert changed != 0


MANY = {"capacity": 50, "warmup": 200, "exponent": 0.9, "items": 300, "requests": 4000}
REFUSALS: dict[str, tuple[Dispute, str]] = {
    "five conditions": (dispute(SMALL, MANY), "differ in 5 conditions .* at most 4"),
    "no condition": (dispute(SMALL, SMALL), "the same conditions"),
    "a missing condition": (dispute(SMALL, LARGE, unknown=("warmup",)), "only one of its claims states warmup"),
    "another machine": (dispute({**SMALL, "machine": "x"}, {**SMALL, "machine": "y"}), "machine is no condition"),
    "a crossover": (dispute(SMALL, LARGE, quantity="crossover; parameter capacity"), "about a crossover"),
    "an unknown system": (dispute(SMALL, LARGE, system="oracle"), "no kernel 'oracle'"),
    "out of range": (dispute(SMALL, {**SMALL, "capacity": 0}), "capacity must lie between"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_a_factorial_cannot_explain_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    asked, told = REFUSALS[name]
    workspace = open_workspace(tmp_path / "workspace", create=True)
    with pytest.raises(BadInputError, match=told) as refused:
        explain(workspace, asked, "explain-t-0123456789")
    assert "\n" not in str(refused.value)
    assert workspace.run_names() == []


# The worked example


def evidentia(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evidentia", *arguments, "--workspace", str(folder)]
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment)


def listed(folder: Path, *options: str) -> Any:
    done = evidentia("tensions", "--json", *options, folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def disputed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the two runs of the examples: a small cache, and a large one that was warmed up."""
    folder = tmp_path_factory.mktemp("tensions") / "workspace"
    for name in ("small", "large"):
        start(open_workspace(folder, create=True), read_brief(str(EXAMPLES / f"tension-{name}-cache.toml")))
    return folder


def boundary(folder: Path) -> Any:
    (found,) = [i for i in listed(folder) if i["about"]["system"] == "lfu-perfect" and i["about"]["baseline"] == "lru"]
    return found


@pytest.fixture(scope="module")
def explained(disputed: Path) -> tuple[Any, Any, float]:
    """The boundary as it was found, what explaining it printed, and the seconds that took."""
    item = boundary(disputed)
    began = time.monotonic()
    done = evidentia("tensions", "explain", item["id"], "--json", folder=disputed)
    assert done.returncode == 0, done.stderr
    return item, json.loads(done.stdout), time.monotonic() - began


def test_the_boundary_between_two_caches_is_found(explained: tuple[Any, Any, float]) -> None:
    item, _, _ = explained
    assert {"id", "state", "class", "claims", "conditions_differing"} <= item.keys()
    assert (item["class"], item["state"]) == ("boundary", "open")
    assert item["conditions_differing"] == ["capacity", "warmup"]
    assert item["values"] == pytest.approx([11.7, 5.8], abs=0.1)


def test_it_is_explained_by_capacity_and_hardly_by_warm_up(explained: tuple[Any, Any, float]) -> None:
    _, report, seconds = explained
    assert report["state"] == "explained"
    assert report["attributions"]["capacity"]["value"] == pytest.approx(-6.1, abs=0.1)
    assert report["attributions"]["warmup"]["value"] == pytest.approx(0.2, abs=0.05)
    low, high = report["residual"]["ci"]
    assert -0.25 <= low <= high <= 0.25
    for claim in (*report["attributions"].values(), report["residual"]):
        assert claim["n"] >= 5
        assert 0 < claim["se"] < 0.1
    assert seconds < 60


def test_the_explanation_is_a_package_whose_numbers_come_out_again(
    disputed: Path, explained: tuple[Any, Any, float]
) -> None:
    _, report, _ = explained
    assert report["rung"] == 3
    workspace = open_workspace(disputed)
    manifest = load_manifest(locate(workspace, report["package"]))
    assert manifest.outcome == "supported"
    kinds = [json.loads(line)["kind"] for line in _trace(workspace, report["package"])]
    assert kinds.index("hypothesis.registered") < kinds.index("experiment.planned")
    seeds = {s for run in manifest.branch.runs for s in run.evidence.seeds}
    published = {s for ref in report["claims"] for s in _seeds(workspace, ref)}
    assert not seeds & published, "the explanation stands on data of its own"


def _trace(workspace: Workspace, package: str) -> list[str]:
    return (locate(workspace, package) / "trace/events.jsonl").read_text().splitlines()


def _seeds(workspace: Workspace, ref: str) -> set[int]:
    branch = load_manifest(locate(workspace, ref.partition("@")[0])).branch
    return {s for run in branch.runs if run.experiment.role == "measure" for s in run.evidence.seeds}


def test_both_claims_are_given_the_condition_they_lacked(disputed: Path, explained: tuple[Any, Any, float]) -> None:
    item, report, _ = explained
    now = boundary(disputed)
    assert (now["id"], now["state"]) == (item["id"], "explained")
    assert now["missing_conditions"] == dict(zip(item["claims"], ({"capacity": 100}, {"capacity": 1000}), strict=True))
    assert now["explanation"] == f"{report['package']}@v1"
    events = [e for e in read_events(disputed / "ledger.jsonl") if e.kind == "tension.resolved"]
    assert [(e.payload["tension"], e.payload["source"]["package"]) for e in events] == [(item["id"], report["package"])]
    assert events[0].payload["verified"] is True
    shown = evidentia("tensions", folder=disputed).stdout
    assert "holds at capacity 100" in shown
    assert "holds at capacity 1,000" in shown


def test_asking_again_runs_nothing_anew(disputed: Path, explained: tuple[Any, Any, float]) -> None:
    item, report, _ = explained
    before = (disputed / "runs" / f"explain-{item['id']}" / "events.jsonl").read_bytes()
    again = json.loads(evidentia("tensions", "explain", item["id"][:8], "--json", folder=disputed).stdout)
    assert again["attributions"] == report["attributions"]
    assert (disputed / "runs" / f"explain-{item['id']}" / "events.jsonl").read_bytes() == before
    kinds = [e.kind for e in read_events(disputed / "ledger.jsonl")]
    assert kinds.count("tension.resolved") == 1


def test_the_ends_of_the_factorial_confirm_the_published_claims(
    disputed: Path, explained: tuple[Any, Any, float]
) -> None:
    item, report, _ = explained
    found = [i for i in listed(disputed, "--all") if i["class"] == "confirmation"]
    pairs = {tuple(ref.partition("@")[0] for ref in i["claims"]) for i in found}
    assert {(ref.partition("@")[0], report["package"]) for ref in item["claims"]} <= pairs


def test_a_killed_explanation_goes_on_where_it_was(disputed: Path, explained: tuple[Any, Any, float]) -> None:
    item, report, _ = explained
    workspace = open_workspace(disputed)
    whole = journal_of(workspace, f"explain-{item['id']}").log.events
    first = [e.kind for e in whole].index("experiment.finished")
    asked = dispute_of(*find(workspace, item["id"]))
    explain(workspace, asked, "explain-cut")
    log = workspace.log_path("explain-cut")
    kept = log.read_bytes().splitlines(keepends=True)[: first + 1]
    log.write_bytes(b"".join(kept))
    found = explain(workspace, asked, "explain-cut")
    told = {name: claim["value"] for name, claim in report["attributions"].items()}
    assert {name: claim.value for name, claim in found.attributions.items()} == told
    assert log.read_bytes().splitlines(keepends=True)[: first + 1] == kept
    again = journal_of(workspace, "explain-cut").log.events
    assert [e.kind for e in again] == [e.kind for e in whole], "nothing finished was run a second time"


def test_published_values_that_do_not_come_out_again_stay_unexplained(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "workspace", create=True)
    found = explain(workspace, dispute(SMALL, LARGE, values=(40.0, 6.0)), "explain-t-0123456789")
    assert not found.explained
    assert found.outcome == "refuted"
    manifest = load_manifest(locate(workspace, found.package))
    assert manifest.branch.dead_end is not None
    assert all(evaluate(c.check, _rows(workspace, manifest))[0].value == c.value for c in manifest.branch.claims)


def _rows(workspace: Workspace, manifest: Any) -> list[Row]:
    digests = [r.evidence.outputs["rows.jsonl"] for r in manifest.branch.runs if r.experiment.role == "measure"]
    return [json.loads(line) for d in digests for line in workspace.blobs.get(d).splitlines()]
