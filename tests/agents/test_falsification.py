"""Attacks: what survives, what is taken back, and never more than was claimed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evidentia.agents import analysis, falsification
from evidentia.workspace.records import Cell, Check, Expectation, Experiment, Hypothesis, PlannedClaim, Row, SamplePlan

CONDITIONS: dict[str, int | float | str | bool] = {"capacity": 10}


def planned() -> Hypothesis:
    check = Check(
        estimator="paired_difference",
        metric="hit_rate",
        system="lfu-perfect",
        versus="lru",
        where=CONDITIONS,
        expect=Expectation(relation="above", low=0.5),
    )
    claim = PlannedClaim(
        statement="s", kind="improvement", unit="pp", tolerance=0.2, conditions=CONDITIONS, check=check
    )
    cells = tuple(Cell(system=s, conditions=CONDITIONS) for s in ("lfu-perfect", "lru"))
    return Hypothesis(
        form="comparison",
        title="t",
        statement="s",
        rationale="r",
        family="caching",
        metric="hit_rate",
        systems=("lfu-perfect", "lru"),
        conditions=CONDITIONS,
        cells=cells,
        claims=(claim,),
        smallest_effect=0.5,
        effect="difference",
        falsification="f",
        sample_plan=SamplePlan(looks=(3, 6)),
    )


def measured(gap: Callable[[int], float], seeds: range, **changed: int) -> list[Row]:
    rows: list[Row] = []
    for seed in seeds:
        base = {"seed": seed, **CONDITIONS, **changed}
        rows += [
            {"system": "lfu-perfect", **base, "hit_rate": 50 + gap(seed)},
            {"system": "lru", **base, "hit_rate": 50.0},
        ]
    return rows


def experiment() -> Experiment:
    return Experiment(
        hypothesis="h", role="measure", look=0, seeds=(0, 1, 2), cells=planned().cells, script="0" * 64, limits={}
    )


def test_a_claim_that_fresh_seeds_contradict_becomes_inconclusive() -> None:
    claims = analysis.decide(planned(), measured(lambda s: 2.0 + 0.01 * s, range(3)), ["e"])
    assert analysis.outcome(claims) == "supported"
    attacks = falsification.judge(planned(), claims, measured(lambda s: -2.0 - 0.01 * s, range(90, 95)), "f", {})
    assert attacks[0].survived is False
    kept = falsification.take_back(claims, attacks)
    assert kept[0].status == "inconclusive"
    assert "opposite" in kept[0].note
    assert analysis.outcome(kept) == "null"


def test_a_claim_that_fails_elsewhere_keeps_its_status_and_the_boundary_is_told() -> None:
    claims = analysis.decide(planned(), measured(lambda s: 2.0 + 0.01 * s, range(3)), ["e"])
    rows = measured(lambda s: 2.0 + 0.01 * s, range(90, 95)) + measured(
        lambda s: -2.0 + 0.01 * s, range(90, 95), capacity=99
    )
    fresh, moved = falsification.judge(planned(), claims, rows, "f", {"capacity": 99})
    assert (fresh.survived, moved.survived) == (True, False)
    assert "capacity 99" in moved.finding
    assert falsification.take_back(claims, (fresh, moved)) == claims


def test_an_attack_that_decides_nothing_says_so() -> None:
    claims = analysis.decide(planned(), measured(lambda s: 2.0 + 0.01 * s, range(3)), ["e"])
    (fresh,) = falsification.judge(planned(), claims, measured(lambda s: 9.0 * (-1) ** s, range(90, 95)), "f", {})
    assert fresh.survived is None


ROWS: dict[str, tuple[Callable[[list[Row]], list[Row]], bool]] = {
    "whole": (lambda rows: rows, True),
    "a row missing": (lambda rows: rows[1:], False),
    "a row twice": (lambda rows: [*rows, rows[0]], False),
    "another seed": (lambda rows: [*rows[1:], {**rows[0], "seed": 77}], False),
    "another condition": (lambda rows: [*rows[1:], {**rows[0], "capacity": 11}], False),
}


@pytest.mark.parametrize("name", sorted(ROWS))
def test_rows_are_audited_against_what_was_registered(name: str) -> None:
    change, clean = ROWS[name]
    attack = falsification.audit_rows([experiment()], change(measured(lambda s: 1.0, range(3))))
    assert attack.survived is clean
    claims = analysis.decide(planned(), measured(lambda s: 2.0 + 0.01 * s, range(3)), ["e"])
    assert (falsification.take_back(claims, [attack]) == claims) is clean


def test_a_claim_without_rows_is_inconclusive_and_says_why() -> None:
    (claim,) = analysis.decide(planned(), [], [])
    assert (claim.status, claim.value) == ("inconclusive", None)
    assert "no row has hit_rate" in claim.note


def test_one_refuted_claim_refutes_and_one_open_claim_leaves_open() -> None:
    (claim,) = analysis.decide(planned(), measured(lambda s: 2.0 + 0.01 * s, range(3)), ["e"])
    refuted, still_open = (claim.model_copy(update={"status": s}) for s in ("refuted", "inconclusive"))
    assert analysis.outcome([claim, refuted, still_open]) == "refuted"
    assert analysis.outcome([claim, still_open]) == "null"
    assert analysis.outcome([claim, refuted.model_copy(update={"headline": False})]) == "supported"
    assert analysis.needs_more([claim, still_open])
    assert not analysis.needs_more([claim, refuted])
