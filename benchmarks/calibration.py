"""Calibration: simulated questions with known truth, decided by the code that decides real ones.

Each question is a kind of claim under a kind of noise at one of four effects (none, at the boundary of what is claimed,
near it, far from it). Each replication draws rows of 5, 10 and 20 seeds and gives them to `agents.analysis`, look by
look, as a run does. Printed per kind and noise, over the four effects: how often a single 95 % interval at 5, 10 and
20 seeds holds the truth, and how often all registered ones do; how often a verdict is wrong (at the boundary, support
is), and how often at the worst of the effects; how often the near and the far effect are decided rightly; the seeds
used. Run as `python benchmarks/calibration.py 500`, 500 being the replications.
"""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evidentia.agents import analysis
from evidentia.workspace.checks import evaluate
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
    means and noise, the latter a tenth as large. `cells` are the columns of the cells.
    """

    check: dict[str, Any]
    mean: Callable[[str, str, int], float]
    truth: Callable[[str], float | None]
    holds: Callable[[str], bool]
    cells: tuple[dict[str, Any], ...] = ({},)
    alone: bool = False
    log: bool = False
    claims: int = 1


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
    "improvement": Kind(PAIR, _paired(SIZE), SIZE.__getitem__, larger),
    "improvement, bootstrap": Kind({**PAIR, "interval": "bootstrap"}, _paired(SIZE), SIZE.__getitem__, larger),
    "improvement, 4 claims": Kind(PAIR, _paired(SIZE), SIZE.__getitem__, larger, FOUR, claims=4),
    "improvement, ratio": Kind(
        {**PAIR, "estimator": "paired_ratio", "expect": Expectation(relation="above", low=float(np.exp(STEP / 10)))},
        _paired({e: s / 10 for e, s in SIZE.items()}),
        lambda e: float(np.exp(SIZE[e] / 10)),
        larger,
        log=True,
    ),
    "equivalence": Kind(WITHIN, _paired(SAME), SAME.__getitem__, smaller),
    "equivalence, two one-sided": Kind(TWO, _paired(SAME), SAME.__getitem__, smaller),
    "bound": Kind({"estimator": "mean", "expect": ABOVE}, _paired(SIZE), SIZE.__getitem__, larger, alone=True),
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
    "crossover, per seed": Kind({"estimator": "crossover", **CROSS}, **CROSSES),
    "crossover, inverted": Kind({"estimator": "crossover", "interval": "inverted", **CROSS}, **CROSSES),
    "threshold, inverted": Kind(
        {"estimator": "threshold_crossing", "interval": "inverted", "limit": 0.0, **CROSS, "versus": ""},
        **CROSSES,
        alone=True,
    ),
    "optimum, regret": Kind({"estimator": "regret", **OPTIMUM}, **BEST),
    "optimum, regret inverted": Kind({"estimator": "regret", "interval": "inverted", **OPTIMUM}, **BEST),
    "optimum, best level": Kind(
        {"estimator": "best_level", **SWEPT, "expect": Expectation(relation="inside", low=2.0, high=4.0)},
        lambda e, s, c: -SIZE[e] * abs(c - (4 if e == "boundary" else 2)),
        lambda e: None if e == "none" else 5.0 if e == "boundary" else 3.0,
        larger,
        **ALONE,
    ),
    "equivalence, bootstrap": Kind({**TWO, "interval": "bootstrap"}, _paired(SAME), SAME.__getitem__, smaller),
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


@dataclass
class Tally:
    """Counts over replications: intervals that hold the truth per number of seeds, verdicts, seeds."""

    held: dict[int, list[bool]] = field(default_factory=lambda: defaultdict(list))
    together: list[bool] = field(default_factory=list)
    wrong: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    right: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    seeds: list[int] = field(default_factory=list)


def replicate(kind: Kind, how: str, effect: str, generator: np.random.Generator, tally: Tally) -> None:
    """One question from its first look to its last, and single 95 % intervals over the same rows."""
    registered, truth = hypothesis(kind), kind.truth(effect)
    drawn = draw(kind, how, effect, generator)
    together = True
    for n in LOOKS:
        rows = [row for own in drawn[:n] for row in own]
        claims = analysis.decide(registered, rows, ["e"])
        together = together and all(truth is None or c.ci[0] <= truth <= c.ci[1] for c in claims if c.ci)
        if not analysis.needs_more(claims):
            break
    verdict = "supported" if kind.holds(effect) else "refuted"
    tally.wrong[effect].append(any(c.status not in (verdict, "inconclusive") for c in claims))
    tally.right[effect].append(all(c.status == verdict for c in claims))
    tally.seeds.append(n)
    if truth is None:
        return
    tally.together.append(together)
    check = registered.claims[0].check.model_copy(update={"confidence": CONFIDENCE})
    for n in LOOKS:
        found, _ = evaluate(check, [row for own in drawn[:n] for row in own])
        if found.low is not None and found.high is not None:
            tally.held[n].append(found.low <= truth <= found.high)


def tallies(replications: int, kinds: Sequence[str] = tuple(KINDS)) -> dict[tuple[str, str], Tally]:
    """The tally of each kind and noise over all effects; the same numbers for the same arguments."""
    found: dict[tuple[str, str], Tally] = {}
    for name, how in itertools.product(kinds, NOISES):
        generator = np.random.default_rng([list(KINDS).index(name), NOISES.index(how)])
        tally = found[name, how] = Tally()
        for effect in EFFECTS:
            for _ in range(replications):
                replicate(KINDS[name], how, effect, generator, tally)
    return found


def lines(found: dict[tuple[str, str], Tally]) -> Iterator[str]:
    """The table in Markdown."""
    yield "| claim | noise | holds, n = 5 | n = 10 | n = 20 | all looks | wrong | at worst | near | far | seeds |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for (kind, how), tally in found.items():
        wrong = [share(w) for w in tally.wrong.values()]
        shares = [*(share(tally.held[n]) for n in LOOKS), share(tally.together), sum(wrong) / len(wrong), max(wrong)]
        shares += [share(tally.right[effect]) for effect in ("near", "far")]
        told = " | ".join(f"{s:.1f}" if s == s else "–" for s in shares)
        yield f"| {kind} | {how} | {told} | {np.mean(tally.seeds):.1f} |"


def share(outcomes: Sequence[bool]) -> float:
    """The share of what is true, in per cent; not a number where nothing was counted."""
    return 100 * sum(outcomes) / len(outcomes) if outcomes else float("nan")


def main() -> None:
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    questions = len(KINDS) * len(NOISES) * len(EFFECTS)
    print(f"{questions} questions, {replications} replications of each; shares in per cent\n")
    found: dict[tuple[str, str], Tally] = {}
    for kind in KINDS:
        part = tallies(replications, [kind])
        print("\n".join([*lines(part)][2 if found else 0 :]), flush=True)
        found |= part
    wrong = [w for tally in found.values() for asked in tally.wrong.values() for w in asked]
    print(f"\nwrong verdicts over all {len(wrong)} questions asked: {share(wrong):.2f} %")


if __name__ == "__main__":
    main()
