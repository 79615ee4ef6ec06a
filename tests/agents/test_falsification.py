"""Attacks: what survives, what is taken back, and never more than was claimed."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from evidentia.agents import analysis, falsification
from evidentia.agents.brief import read_brief
from evidentia.agents.falsification import candidates
from evidentia.agents.minds.builtin import attack
from evidentia.agents.minds.builtin.mind import BuiltinMind
from evidentia.agents.minds.protocol import Context
from evidentia.workspace import sequential
from evidentia.workspace.records import (
    Cell,
    Check,
    Claim,
    Expectation,
    Experiment,
    Hypothesis,
    PlannedClaim,
    Row,
    SamplePlan,
)

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


def test_several_claims_are_judged_on_their_own_rows_and_only_the_contradicted_one_falls() -> None:
    first = planned().claims[0]
    where = {"capacity": 20}
    second = first.model_copy(
        update={"conditions": where, "check": first.check.model_copy(update={"where": dict(where)})}
    )
    hypothesis = planned().model_copy(update={"claims": (first, second)})
    seen = measured(lambda s: 2.0 + 0.01 * s, range(3))
    claims = analysis.decide(hypothesis, seen + measured(lambda s: 2.0 + 0.01 * s, range(3), capacity=20), ["e"])
    again = measured(lambda s: 2.0 + 0.01 * s, range(90, 95))
    again += measured(lambda s: -2.0 + 0.01 * s, range(90, 95), capacity=20)
    attacks = falsification.judge(hypothesis, claims, again, "f", {})
    assert {a.claims[0].id: a.survived for a in attacks} == {"C01": True, "C02": False}
    assert [c.status for c in falsification.take_back(claims, attacks)] == ["supported", "inconclusive"]


def decided(gap: float, spread: float, seeds: int = 5) -> tuple[Hypothesis, Claim]:
    noise = [((s * 7) % 5 - 2) * spread for s in range(seeds)]
    (claim,) = analysis.decide(planned(), measured(lambda s: gap + noise[s], range(seeds)), ["e"])
    return planned(), claim


def test_the_chance_that_fresh_seeds_refute_is_that_of_the_predictive_distribution() -> None:
    hypothesis, claim = decided(2.0, 0.5)
    (test,) = candidates.on_claims(hypothesis, [claim])
    generator = np.random.default_rng(0)
    # What is not known of a normal mean and spread after these seeds, and the seeds an attack would then draw.
    sd = claim.sd * np.sqrt((claim.n - 1) / generator.chisquare(claim.n - 1, 200_000))
    mean = claim.value + sd * generator.standard_normal(200_000) / np.sqrt(claim.n)
    drawn = mean + sd * generator.standard_normal(200_000) / np.sqrt(test.seeds)
    half = stats.t.ppf(0.975, test.seeds - 1) * claim.sd / np.sqrt(test.seeds)
    expected = np.mean(drawn + half <= 0.5)
    assert test.chance - candidates.RATES["seeds"] == pytest.approx(expected, abs=1e-3)
    assert test.cost == 2 * test.seeds


def test_a_clear_claim_takes_fewer_seeds_and_is_less_likely_to_fall() -> None:
    clear, close = (candidates.on_claims(*(h, [c]))[0] for h, c in (decided(9.0, 0.1), decided(2.2, 0.5)))
    assert clear.seeds < close.seeds
    assert clear.chance < close.chance


def test_the_claim_likeliest_to_fall_for_its_cost_is_attacked_first() -> None:
    hypothesis, claim = decided(9.0, 0.1)
    _, close = decided(2.2, 0.5)
    ranked = candidates.on_claims(hypothesis, [claim, close.model_copy(update={"id": "C02"})])
    assert {c.claim for c in ranked} == {"C01", "C02"}
    assert ranked[0].chance / ranked[0].cost > ranked[1].chance / ranked[1].cost
    undecided = claim.model_copy(update={"status": "inconclusive"})
    assert candidates.on_claims(hypothesis, [undecided, claim.model_copy(update={"headline": False})]) == []


def test_seeds_of_an_attack_are_of_another_family_and_of_their_hypothesis() -> None:
    hypothesis = planned()
    seeds = candidates.other_seeds(hypothesis, 10)
    assert seeds == candidates.other_seeds(hypothesis, 10)
    assert len(set(seeds)) == 10
    assert min(seeds) >= candidates.FRESH_SEED
    assert min(b - a for a, b in itertools.pairwise(seeds)) > 1
    other = hypothesis.model_copy(update={"sample_plan": SamplePlan(looks=(4, 6))})
    assert seeds != candidates.other_seeds(other, 10)


def real(question: str = "does lfu beat lru under zipf?") -> Hypothesis:
    context = Context(brief=read_brief(question), literature=(), registered=(), findings=())
    return next(h for h in BuiltinMind().propose(context) if h.form == "comparison")


def test_a_scope_test_changes_one_condition_that_the_claim_holds_fixed_and_the_best_ratio_comes_first() -> None:
    hypothesis = real()
    considered = candidates.on_scope(hypothesis, hypothesis.claims[0].check)
    assert len(considered) > 3
    assert [c.ratio for c in considered] == sorted((c.ratio for c in considered), reverse=True)
    assert {c.what for c in considered} >= {"another choice of a fixed condition", "the end of a condition's range"}
    for test in considered:
        (name,) = test.changed
        assert name not in hypothesis.varied
    chosen = candidates.on_scope(hypothesis, hypothesis.claims[0].check)[0]
    assert isinstance(next(iter(chosen.changed.values())), str), "another choice turned claims most often"


def test_the_plan_measures_what_it_chose_and_the_attack_says_why() -> None:
    hypothesis = real()
    check = hypothesis.claims[0].check
    gap = iter(range(1000))
    rows: list[Row] = [
        {"system": c.system, "seed": s, **c.conditions, check.metric: (9.0 if c.system == check.system else 0.0) + s}
        for s in range(5)
        for c in hypothesis.cells
    ]
    claims = analysis.decide(hypothesis, rows, ["e"])
    design, changed = attack.plan(hypothesis, claims)
    assert changed
    assert min(design.seeds) >= candidates.FRESH_SEED
    again: list[Row] = [
        {"system": c.system, "seed": s, **c.conditions, check.metric: 9.0 * (c.system == check.system) + next(gap) % 2}
        for s in design.seeds
        for c in design.cells
    ]
    fresh, moved = falsification.judge(hypothesis, claims, again, "f", changed)
    assert fresh.claims[0].n == moved.claims[0].n == len(design.seeds)
    for told in (fresh, moved):
        assert "the best ratio of chance to cost" in told.description
        assert "measurements" in told.description


def test_timed_cells_are_attacked_in_the_opposite_order() -> None:
    hypothesis = real("does binary search beat linear search?")
    check = hypothesis.claims[0].check
    rows: list[Row] = [
        {
            "system": c.system,
            "seed": s,
            **c.conditions,
            check.metric: (1.0 if c.system == check.system else 50.0) + s / 9,
        }
        for s in range(5)
        for c in hypothesis.cells
    ]
    design, _ = attack.plan(hypothesis, analysis.decide(hypothesis, rows, ["e"]))
    own = [c for c in hypothesis.cells if c in design.cells]
    assert [c for c in design.cells if c in own] == own[::-1]


def test_holm_supports_what_the_simultaneous_interval_leaves_open_and_says_so() -> None:
    generator = np.random.default_rng(2)
    conditions = [{"capacity": n} for n in range(4)]
    effects = (9.0, 9.0, 9.0, 2.3)
    first = planned().claims[0]
    level = sequential.simultaneous(0.95, (8,), 4)
    claims = tuple(
        first.model_copy(update={"check": first.check.model_copy(update={"where": dict(c), "confidence": level})})
        for c in conditions
    )
    hypothesis = planned().model_copy(update={"claims": claims, "sample_plan": SamplePlan(looks=(8,))})
    noise = generator.normal(size=(4, 8))
    rows = [
        row
        for c, effect, own in zip(conditions, effects, noise, strict=True)
        for row in measured(lambda s, effect=effect, own=own: effect + own[s], range(8), **c)  # type: ignore[misc]
    ]
    found = analysis.decide(hypothesis, rows, ["e"])
    samples = [[effect + n for n in own] for effect, own in zip(effects, noise, strict=True)]
    p = sorted(float(stats.ttest_1samp(s, 0.5, alternative="greater").pvalue) for s in samples)
    holm = sum(1 for _ in itertools.takewhile(lambda pair: pair[1] <= 0.025 / (4 - pair[0]), enumerate(p)))
    assert holm == 4
    assert [c.status for c in found] == ["supported", "supported", "supported", "inconclusive"]
    assert "Holm" in found[3].note
    assert not any("Holm" in c.note for c in found[:3])


def test_the_planners_own_scripts_pass_the_audit() -> None:
    hypothesis = real()
    design = BuiltinMind().design(hypothesis, (0, 1, 2))
    planned_run = experiment().model_copy(update={"cells": design.cells, "seeds": design.seeds})
    assert falsification.audit_script(hypothesis, planned_run, design.script).survived is True


def test_a_failed_script_audit_takes_every_claim_back() -> None:
    claims = analysis.decide(planned(), measured(lambda s: 2.0 + 0.01 * s, range(3)), ["e"])
    audit = falsification.audit_script(planned(), experiment(), "print({'hit_rate': 51.5})")
    (kept,) = falsification.take_back(claims, [audit])
    assert kept.status == "inconclusive"
    assert "does not measure what was registered" in kept.note
