"""Simulated questions with known truth: kinds of claims, kinds of noise, and the rows that a measurement would give."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from evidentia.workspace.records import Check, Expectation, Hypothesis, PlannedClaim, Row, SamplePlan
from evidentia.workspace.sequential import simultaneous

LOOKS = (5, 10, 20)
CONFIDENCE = 0.95
LEVELS = (1.0, 2.0, 3.0, 4.0, 5.0)
EFFECTS = ("none", "boundary", "near", "far")
STEP = 0.5
"""The smallest effect of interest, in standard deviations of the noise."""
NOISES = ("normal", "skewed", "heavy", "uneven", "correlated")


def noise(name: str, generator: np.random.Generator, seeds: int, systems: int, cells: int) -> np.ndarray:
    """Errors ``(seeds, systems, cells)`` with mean zero and a standard deviation near one; two systems also share a
    workload with a standard deviation of three within a seed, which pairing takes out.

    normal; skewed: the first system's are exponential, the second has none; heavy: t with 3 degrees of freedom;
    uneven: the standard deviation runs from 0.3 to 1.7 over the cells; correlated: by 0.8 from cell to cell.
    """
    shape = (seeds, systems, cells)
    errors = generator.standard_normal(shape)
    if name == "skewed":
        errors = generator.exponential(size=shape) - 1.0
        errors[:, 1:] = 0.0
    elif name == "heavy":
        errors = generator.standard_t(3, shape) / np.sqrt(3.0)
    elif name == "uneven":
        errors *= np.linspace(0.3, 1.7, cells) if cells > 1 else np.linspace(0.5, 1.5, systems)[:, None]
    elif name == "correlated":
        for cell in range(1, cells):
            errors[:, :, cell] = 0.8 * errors[:, :, cell - 1] + 0.6 * errors[:, :, cell]
    return errors if systems == 1 else errors + 3.0 * generator.standard_normal((seeds, 1, 1))


@dataclass(frozen=True)
class Kind:
    """A kind of claim: its check, the mean of every cell for an effect, the true value and whether the claim holds.

    `alone` kinds have one system, and nothing shared within a seed; `log` kinds have values that are exponentials of
    means and noise, the latter a tenth as large. `cells` are the columns of the cells. `planned` says where the
    built-in planner registers such a claim: for metrics whose noise is ``even``, for those that ``lean``, for
    ``both``, or ``not`` (any more).
    """

    check: dict[str, Any]
    mean: Callable[[str, str, int], float]
    truth: Callable[[str], float | None]
    holds: Callable[[str], bool]
    cells: tuple[dict[str, Any], ...] = ({},)
    alone: bool = False
    log: bool = False
    claims: int = 1
    planned: Literal["even", "lean", "both", "not"] = "both"

    def as_planned(self, noise: str) -> bool:
        """Whether a planner that knows which metrics lean registers the claim under this noise."""
        return self.planned in ("both", "lean") or (self.planned == "even" and noise != "skewed")


SWEEP = tuple({"p": level} for level in LEVELS)
FOUR = tuple({"q": q} for q in range(4))
SIZE = {"none": 0.0, "boundary": STEP, "near": 2 * STEP, "far": 5 * STEP}
SAME = {"none": 0.0, "boundary": 1.0, "near": 0.25, "far": 2.5}
PLACE = {"none": 7.0, "boundary": 4.0, "near": 2.6, "far": 1.7}
"""Where two lines cross; the first of these beyond the last level."""
FLAT = (0.0,) * len(LEVELS)
PEAKS = {"none": FLAT, "boundary": (0, 0, 0, STEP, 0), "near": (0, -1, 0, 1.2, 0), "far": (-1, 0, 2.5, 0, -1)}
"""Means of the five levels; the candidate is the third."""
BENDS = {"none": FLAT, "boundary": (0, 1, 0.5, 1, 2), "near": (0, 0.2, 0.4, 0.6, 0.8), "far": (0, 1, -1, 0, 1)}
"""Means of the five levels: flat, with a step down, rising throughout, with a deep step down."""


larger, smaller = ("near", "far").__contains__, ("none", "near").__contains__
"""Whether an effect is truly beyond the smallest one of interest; whether it is within what counts as none."""


def _paired(size: dict[str, float]) -> Callable[[str, str, int], float]:
    return lambda effect, system, cell: size[effect] if system == "a" else 0.0


def _line(effect: str, system: str, cell: int) -> float:
    return 2.0 * (LEVELS[cell] - PLACE[effect]) if system == "a" else 0.0


ABOVE = Expectation(relation="above", low=STEP)
SWEPT: dict[str, Any] = {"parameter": "p", "levels": LEVELS}
BOTH: dict[str, Any] = {"versus": "b"}
CROSS: dict[str, Any] = {**SWEPT, **BOTH, "expect": Expectation(relation="inside", low=1.0, high=5.0)}
APART = Expectation(relation="outside", low=-STEP, high=STEP)
TURNS: dict[str, Any] = {**BOTH, "moderator": "q", "moderator_levels": (1, 2), "expect": APART}
OPTIMUM: dict[str, Any] = {**SWEPT, "candidate": 3.0, "expect": Expectation(relation="below", high=STEP)}
PAIR: dict[str, Any] = {"estimator": "paired_difference", **BOTH, "expect": ABOVE}
WITHIN: dict[str, Any] = {**PAIR, "expect": Expectation(relation="inside", low=-1.0, high=1.0)}
TWO: dict[str, Any] = {**WITHIN, "two_one_sided": True}
ALONE: dict[str, Any] = {"cells": SWEEP, "alone": True}
CROSSES: dict[str, Any] = {
    "mean": _line,
    "truth": lambda e: None if e == "none" else PLACE[e],
    "holds": lambda e: e != "none",
    "cells": SWEEP,
}
BEST: dict[str, Any] = {
    "mean": lambda e, s, c: float(PEAKS[e][c]),
    "truth": lambda e: max(float(v) - PEAKS[e][2] for i, v in enumerate(PEAKS[e]) if i != 2),
    "holds": lambda e: e in ("none", "far"),
    **ALONE,
}
RISES: dict[str, Any] = {
    "mean": lambda e, s, c: SIZE[e] * c / 4,
    "truth": SIZE.__getitem__,
    "holds": larger,
    **ALONE,
}
KINDS: dict[str, Kind] = {
    "improvement": Kind(PAIR, _paired(SIZE), SIZE.__getitem__, larger, planned="even"),
    "improvement, bootstrap": Kind(
        {**PAIR, "interval": "bootstrap"}, _paired(SIZE), SIZE.__getitem__, larger, planned="not"
    ),
    "improvement, 4 claims": Kind(PAIR, _paired(SIZE), SIZE.__getitem__, larger, FOUR, claims=4, planned="even"),
    "improvement, ratio": Kind(
        {**PAIR, "estimator": "paired_ratio", "expect": Expectation(relation="above", low=float(np.exp(STEP / 10)))},
        _paired({e: s / 10 for e, s in SIZE.items()}),
        lambda e: float(np.exp(SIZE[e] / 10)),
        larger,
        log=True,
        planned="even",
    ),
    "equivalence": Kind(WITHIN, _paired(SAME), SAME.__getitem__, smaller, planned="not"),
    "equivalence, two one-sided": Kind(TWO, _paired(SAME), SAME.__getitem__, smaller, planned="even"),
    "bound": Kind(
        {"estimator": "mean", "expect": ABOVE}, _paired(SIZE), SIZE.__getitem__, larger, alone=True, planned="even"
    ),
    "interaction": Kind(
        {"estimator": "difference_of_differences", **TURNS},
        lambda e, s, c: (SIZE[e] + 0.5) * c if s == "a" else 0.5 * c,
        SIZE.__getitem__,
        larger,
        ({"q": 1}, {"q": 2}),
    ),
    "trend, power law": Kind(
        {"estimator": "power_exponent", **SWEPT, "expect": Expectation(relation="inside", low=0.9, high=1.1)},
        lambda e, s, c: (1 + SAME[e] / 10) * float(np.log(LEVELS[c])),
        lambda e: 1 + SAME[e] / 10,
        smaller,
        **ALONE,
        log=True,
    ),
    "trend, Theil-Sen": Kind({"estimator": "change_over_range", **SWEPT, "expect": ABOVE}, **RISES),
    "trend, isotonic": Kind({"estimator": "isotonic_change", **SWEPT, "expect": ABOVE}, **RISES),
    "trend, largest fall": Kind(
        {"estimator": "largest_fall", **SWEPT, "expect": Expectation(relation="below", high=STEP)},
        lambda e, s, c: float(BENDS[e][c]),
        lambda e: float(max(x - y for x, y in itertools.combinations(BENDS[e], 2))),
        smaller,
        **ALONE,
    ),
    "crossover, per seed": Kind({"estimator": "crossover", **CROSS}, **CROSSES, planned="not"),
    "crossover, inverted": Kind({"estimator": "crossover", "interval": "inverted", **CROSS}, **CROSSES),
    "threshold, inverted": Kind(
        {"estimator": "threshold_crossing", "interval": "inverted", "limit": 0.0, **CROSS, "versus": ""},
        **CROSSES,
        alone=True,
    ),
    "optimum, regret": Kind({"estimator": "regret", **OPTIMUM}, **BEST, planned="not"),
    "optimum, regret inverted": Kind({"estimator": "regret", "interval": "inverted", **OPTIMUM}, **BEST),
    "optimum, best level": Kind(
        {"estimator": "best_level", **SWEPT, "expect": Expectation(relation="inside", low=2.0, high=4.0)},
        lambda e, s, c: -SIZE[e] * abs(c - (4 if e == "boundary" else 2)),
        lambda e: None if e == "none" else 5.0 if e == "boundary" else 3.0,
        larger,
        **ALONE,
    ),
    "equivalence, bootstrap": Kind(
        {**TWO, "interval": "bootstrap"}, _paired(SAME), SAME.__getitem__, smaller, planned="not"
    ),
}


def _leaning(name: str) -> Kind:
    """The claim as it is planned for a metric that leans."""
    kind = KINDS[name]
    check = {k: v for k, v in kind.check.items() if k != "two_one_sided"}
    return replace(kind, check={**check, "interval": "wider"}, planned="lean")


KINDS |= {
    f"{name}, wider": _leaning(name)
    for name in ("improvement", "improvement, 4 claims", "improvement, ratio", "equivalence", "bound")
}


def hypothesis(kind: Kind) -> Hypothesis:
    """What a mind would register: every claim at the level that holds over all claims and looks."""
    level = simultaneous(CONFIDENCE, LOOKS, kind.claims)
    base = Check(metric="m", system="a", confidence=level, **kind.check)
    wheres = kind.cells if kind.claims > 1 else ({},)
    claims = tuple(
        PlannedClaim(
            statement="s", kind="bound", unit="1", tolerance=1, check=base.model_copy(update={"where": dict(w)})
        )
        for w in wheres
    )
    told: dict[str, Any] = dict.fromkeys(("title", "statement", "rationale", "falsification"), "simulated")
    plan = SamplePlan(looks=LOOKS, confidence=CONFIDENCE)
    return Hypothesis(
        **told, form="bound", family="search", metric="m", systems=("a", "b"), conditions={}, cells=(), claims=claims,
        smallest_effect=STEP, effect="difference", sample_plan=plan,
    )  # fmt: skip


def draw(kind: Kind, how: str, effect: str, generator: np.random.Generator) -> list[list[Row]]:
    """The rows of every seed, 20 of them."""
    systems = ("a",) if kind.alone else ("a", "b")
    errors = noise(how, generator, LOOKS[-1], len(systems), len(kind.cells)) * (0.1 if kind.log else 1.0)
    found: list[list[Row]] = []
    for seed in range(LOOKS[-1]):
        own: list[Row] = []
        for number, system in enumerate(systems):
            for index, cell in enumerate(kind.cells):
                value = kind.mean(effect, system, index) + float(errors[seed, number, index])
                own.append({"system": system, "seed": seed, **cell, "m": float(np.exp(value)) if kind.log else value})
        found.append(own)
    return found
