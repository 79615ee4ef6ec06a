"""The arena against a general optimiser, against simulated votes with known strengths, and against bad votes."""

from __future__ import annotations

import math
import random
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import minimize

from evidentia.errors import BadInputError
from evidentia.hub.arena import Vote, cast, choose, strengths, votes
from evidentia.hub.arena.strengths import fit
from evidentia.workspace.home import Workspace, open_workspace


def vote(left: str, right: str, answer: str = "left", voter: str = "ada") -> Vote:
    return Vote.model_validate(
        {"left": left, "right": right, "left_version": 1, "right_version": 1, "answer": answer, "voter": voter}
    )


def simulated(truth: dict[str, float], count: int, seed: int = 0) -> list[Vote]:
    """Votes of someone who prefers by the logistic law."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        a, b = draw.sample(sorted(truth), 2)
        wins = draw.random() < 1 / (1 + math.exp(truth[b] - truth[a]))
        found.append(vote(a, b, "left" if wins else "right"))
    return found


def test_the_mode_is_that_of_a_general_optimiser() -> None:
    given = [
        *simulated({"a": 1.0, "b": 0.0, "c": -0.5, "d": 0.3}, 60),
        vote("a", "d", "both"),
        vote("b", "c", "neither"),
    ]
    fitted = fit(given)
    place = {name: i for i, name in enumerate(fitted.names)}

    def loss(x: np.ndarray) -> float:
        total = 0.5 * float(x @ x)
        for v in given:
            gap = x[place[v.left]] - x[place[v.right]]
            total += v.share * math.log1p(math.exp(-gap)) + (1 - v.share) * math.log1p(math.exp(gap))
        return total

    other = minimize(loss, np.zeros(4), tol=1e-12)
    assert np.allclose(fitted.mode, other.x, atol=1e-5)


def test_the_order_of_votes_does_not_matter() -> None:
    given = simulated({"a": 1.0, "b": 0.0, "c": -1.0}, 60)
    assert [(s.package, round(s.value, 9), s.ranks) for s in strengths(given)] == [
        (s.package, round(s.value, 9), s.ranks) for s in strengths(given[::-1])
    ]


def test_rank_intervals_hold_the_true_rank_about_as_often_as_they_say() -> None:
    draw = random.Random(5)
    held = total = 0
    for trial in range(40):
        truth = {f"p{i}": draw.gauss(0, 1) for i in range(6)}
        order = sorted(truth, key=lambda name: -truth[name])
        for s in strengths(simulated(truth, 50, seed=trial)):
            total += 1
            held += s.ranks[0] <= order.index(s.package) + 1 <= s.ranks[1]
    assert total == 240
    assert held / total > 0.9


def test_few_votes_leave_wide_intervals() -> None:
    (best, last) = strengths([vote("a", "b")])
    assert best.package == "a"
    assert best.ranks == (1, 2)
    assert best.interval[0] < 0 < best.interval[1]
    assert last.rank == 2


def test_no_votes_no_strengths() -> None:
    assert strengths([]) == []


def test_a_pair_nobody_knows_comes_before_one_that_is_settled() -> None:
    given = [vote("a", "b", voter=f"v{i}") for i in range(30)]
    pair = choose(["a", "b", "c", "d"], given, "ada", "1")
    assert pair is not None
    assert set(pair) == {"c", "d"}


def test_nobody_is_asked_twice_about_a_pair() -> None:
    names = ["a", "b", "c"]
    given: list[Vote] = []
    for _ in range(3):
        pair = choose(names, given, "ada", "1")
        assert pair is not None
        given.append(vote(*pair))
    assert {frozenset((v.left, v.right)) for v in given} == {frozenset(p) for p in combinations(names, 2)}
    assert choose(names, given, "ada", "1") is None
    assert choose(names, given, "bob", "1") is not None


def test_choosing_by_information_learns_more_from_as_many_votes() -> None:
    """Against random pairs, from the same voters: squared error of the strengths, over 12 worlds of 12 packages."""
    informed = at_random = 0.0
    for world in range(12):
        draw = random.Random(world)
        truth = {f"p{i:02}": draw.gauss(0, 1) for i in range(12)}

        def answer(a: str, b: str, truth: dict[str, float] = truth, draw: random.Random = draw) -> str:
            return "left" if draw.random() < 1 / (1 + math.exp(truth[b] - truth[a])) else "right"

        chosen: list[Vote] = []
        drawn: list[Vote] = []
        for number in range(40):
            pair = choose(sorted(truth), chosen, f"v{number}", f"{world}/{number}")
            assert pair is not None
            chosen.append(vote(*pair, answer(*pair), voter=f"v{number}"))
            a, b = draw.sample(sorted(truth), 2)
            drawn.append(vote(a, b, answer(a, b)))
        middle = sum(truth.values()) / len(truth)
        for given, name in ((chosen, "informed"), (drawn, "random")):
            found = {s.package: s.value for s in strengths(given)}
            error = sum((found.get(p, 0.0) - (truth[p] - middle)) ** 2 for p in truth)
            if name == "informed":
                informed += error
            else:
                at_random += error
    assert informed < at_random


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    home = open_workspace(tmp_path / "w", create=True)
    for name in ("a", "b"):
        (home.packages / name / "v1").mkdir(parents=True)
    return home


def test_votes_are_events_of_the_ledger_and_read_back(workspace: Workspace) -> None:
    assert votes(workspace) == []
    cast(workspace, vote("a", "b"))
    assert votes(workspace) == [vote("a", "b")]
    cast(workspace, vote("b", "a", "both", voter="bob"))
    assert votes(workspace) == [vote("a", "b"), vote("b", "a", "both", voter="bob")]


def test_a_vote_on_what_is_not_there_is_refused(workspace: Workspace) -> None:
    with pytest.raises(BadInputError, match="no package 'c'"):
        cast(workspace, vote("a", "c"))
    assert votes(workspace) == []


@pytest.mark.parametrize("bad", [{"answer": "a"}, {"right": "a"}, {"voter": ""}, {"reasons": ["beauty"]}])
def test_a_malformed_vote_is_refused(bad: dict[str, object]) -> None:
    good = {"left": "a", "right": "b", "left_version": 1, "right_version": 1, "answer": "left", "voter": "ada"}
    with pytest.raises(ValidationError):
        Vote.model_validate({**good, **bad})
