"""What the next looks promise, against simulated futures decided by the code that decides real ones."""

from __future__ import annotations

import numpy as np
import pytest

from evidentia.agents import analysis
from evidentia.agents.outlook import outlook
from evidentia.graph.simulated.planted import LOOKS, Item
from evidentia.workspace.records import Claim, Expectation, Hypothesis, Row

ITEM = Item(0, "comparison", gap=1.0)


def hypothesis(expect: Expectation) -> Hypothesis:
    whole = ITEM.hypothesis
    (planned,) = whole.claims
    check = planned.check.model_copy(update={"expect": expect})
    return whole.model_copy(update={"claims": (planned.model_copy(update={"check": check}),)})


def rows(differences: np.ndarray) -> list[Row]:
    a, b = ITEM.hypothesis.cells
    return [
        {"system": cell.system, "seed": seed, **cell.conditions, "hit_rate": 50.0 + value}
        for seed, d in enumerate(differences)
        for cell, value in ((a, float(d)), (b, 0.0))
    ]


def decided(asked: Hypothesis, differences: np.ndarray) -> Claim:
    (claim,) = analysis.decide(asked, rows(differences), ["e"])
    return claim


def first_look(mean: float, sd: float) -> np.ndarray:
    """Five differences with exactly this mean and standard deviation."""
    z = np.array([-1.2, -0.5, 0.1, 0.4, 1.2])
    return np.asarray(mean + sd * (z - z.mean()) / z.std(ddof=1))


ABOVE, WITHIN = Expectation(relation="above", low=0.5), Expectation(relation="inside", low=-1.0, high=1.0)


@pytest.mark.parametrize(
    ("expect", "mean", "sd"), [(ABOVE, 1.5, 1.3), (ABOVE, 0.6, 1.0), (ABOVE, -0.4, 0.9), (WITHIN, 0.2, 0.8)]
)
def test_the_chance_to_be_decided_is_that_of_simulated_futures(expect: Expectation, mean: float, sd: float) -> None:
    asked, seen = hypothesis(expect), first_look(mean, sd)
    claim = decided(asked, seen)
    assert claim.status == "inconclusive"
    generator, came = np.random.default_rng(1), []
    for _ in range(400):  # the truth drawn from the posterior under a flat prior, then the other five seeds
        spread = sd * np.sqrt(4 / generator.chisquare(4))
        truth = mean + spread / np.sqrt(5) * generator.standard_normal()
        future = np.concatenate([seen, truth + spread * generator.standard_normal(5)])
        came.append(decided(asked, future).status != "inconclusive")
    promise = outlook([claim], (5, 10), 0)
    assert promise is not None
    assert promise.decided == pytest.approx(np.mean(came), abs=0.09)
    assert promise.experiments == pytest.approx(1 + promise.decided)


def test_what_is_nearly_decided_promises_much_and_what_lies_on_the_line_little() -> None:
    asked = hypothesis(ABOVE)
    nearly, barren = decided(asked, first_look(1.9, 1.0)), decided(asked, first_look(0.5, 1.0))
    near, far = outlook([nearly], LOOKS, 0), outlook([barren], LOOKS, 0)
    assert near is not None
    assert far is not None
    assert near.rate > 0.4
    assert far.rate < 0.2
    half = outlook([nearly, nearly.model_copy(update={"status": "supported"})], LOOKS, 0)
    assert half is not None
    assert half.decided == pytest.approx(near.decided / 2)


def test_nothing_is_forecast_after_the_last_look_or_of_what_has_no_interval() -> None:
    claim = decided(hypothesis(ABOVE), first_look(0.5, 1.0))
    assert outlook([claim], LOOKS, 2) is None
    assert outlook([claim.model_copy(update={"ci": None})], LOOKS, 0) is None
    assert outlook([claim.model_copy(update={"status": "refuted"})], LOOKS, 0) is None
