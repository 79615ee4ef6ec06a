"""Selection policies on planted questions: what each is for, and that the default is worth its place."""

from __future__ import annotations

import random
from typing import get_args

import pytest

from evidentia.agents.brief import Brief, Search
from evidentia.agents.outlook import Outlook
from evidentia.errors import BadInputError
from evidentia.graph.frontier import ROOT, Candidate, Frontier
from evidentia.graph.policies import DEFAULT, POLICIES, open_policy
from evidentia.graph.policies.best_first import DRAFTS
from evidentia.graph.simulated.oracle import Oracle
from evidentia.graph.simulated.planted import Item
from evidentia.graph.simulated.questions import EACH, KINDS, Question
from evidentia.graph.simulated.searching import search
from evidentia.graph.stages import BUCKETS

OTHERS = [Question(n) for n in range(KINDS * EACH, KINDS * EACH + KINDS)]
"""Planted questions that are not among the benchmark's."""


def frontier_of(*names: str, parent: str = ROOT, arm: str = "a", priority: float = 1.0) -> Frontier:
    return filled(Frontier(), *names, parent=parent, arm=arm, priority=priority)


def filled(frontier: Frontier, *names: str, parent: str = ROOT, arm: str = "a", priority: float = 1.0) -> Frontier:
    for name in names:
        frontier.add(Candidate(name, "exploration", "draft", "f", "trend", arm, parent, priority, 4))
    return frontier


def ended(frontier: Frontier, name: str, outcome: str = "supported", effect: float = 1.0) -> None:
    frontier.take(name)
    for _ in range(2 if outcome == "supported" else 3):
        frontier.experiment(name)
    good = outcome == "supported"
    frontier.end(name, outcome, int(good), int(good), int(outcome != "crashed"), effect if good else 0.0)


def test_the_brief_knows_exactly_the_policies_there_are() -> None:
    assert set(get_args(Search.model_fields["policy"].annotation)) == set(POLICIES)
    assert Brief(question="long enough").search.policy == DEFAULT
    with pytest.raises(BadInputError, match=r"search\.policy.*there are value"):
        open_policy("oracle")


@pytest.mark.parametrize("name", POLICIES)
def test_each_chooses_only_what_is_open_and_nothing_when_nothing_is(name: str) -> None:
    frontier, chance = frontier_of("a", "b", "c"), random.Random(0)
    seen = []
    while choice := open_policy(name).choose(frontier, BUCKETS, chance):
        assert choice.reason
        frontier.take(choice.candidate.id)
        seen.append(choice.candidate.id)
    assert sorted(seen) == ["a", "b", "c"]
    assert open_policy(name).choose(Frontier(), BUCKETS, chance) is None


@pytest.mark.parametrize("name", POLICIES)
def test_a_search_is_the_same_under_the_same_seed(name: str) -> None:
    assert search(OTHERS[0], open_policy(name), 20, 3) == search(OTHERS[0], open_policy(name), 20, 3)


def test_value_prefers_the_arm_that_was_decided_and_returns_to_none_that_never_is() -> None:
    frontier = frontier_of("a1", "a2", "a3", arm="a")
    filled(frontier, "b1", "b2", "b3", arm="b")
    ended(frontier, "a1")
    ended(frontier, "b1", "null")
    choice = open_policy("value").choose(frontier, BUCKETS, random.Random(0))
    assert choice is not None
    assert choice.candidate.arm == "a"
    assert "decided with" in choice.reason


def test_best_first_drafts_then_improves_the_largest_effect_or_turns_to_what_crashed() -> None:
    policy, frontier = open_policy("best-first"), Frontier()
    for number in range(DRAFTS + 1):
        filled(frontier, f"d{number}", priority=1 - number / 10)
    for number in range(DRAFTS):
        choice = policy.choose(frontier, BUCKETS, random.Random(0))
        assert choice is not None
        assert choice.candidate.id == f"d{number}"
        ended(frontier, choice.candidate.id, "crashed" if number == 1 else "supported", effect=float(number))
    filled(frontier, "below-best", parent=f"d{DRAFTS - 1}")
    filled(frontier, "below-worst", parent="d0")
    filled(frontier, "below-crashed", parent="d1")
    chosen = {c.candidate.id for seed in range(40) if (c := policy.choose(frontier, BUCKETS, random.Random(seed)))}
    assert chosen == {"below-best", "below-crashed"}


def test_tree_search_widens_slowly_and_goes_deep_where_it_pays() -> None:
    policy, frontier = open_policy("tree-search"), frontier_of(*(f"r{n}" for n in range(30)))
    for _ in range(12):
        choice = policy.choose(frontier, BUCKETS, random.Random(0))
        assert choice is not None
        name = choice.candidate.id
        ended(frontier, name)
        filled(frontier, f"{name}x", f"{name}y", parent=name)
    depths = [place.depth for name, place in frontier.places.items() if place.own.taken]
    assert max(depths) >= 2
    assert 2 <= depths.count(1) <= 9


@pytest.mark.parametrize("other", ["random", "best-first"])
def test_the_default_decides_more_per_experiment_than_chance_and_than_best_first(other: str) -> None:
    def rate(name: str) -> float:
        found = [search(q, open_policy(name), 40, seed) for q in OTHERS for seed in (1, 2)]
        return sum(r.right for r in found) / sum(r.experiments for r in found)

    assert rate(DEFAULT) > rate(other) * (1.8 if other == "random" else 1.2)


def test_no_policy_decides_more_than_one_that_knows_the_truth() -> None:
    for question in OTHERS:
        items: dict[str, Item] = {}
        best = search(question, Oracle(items), 40, 1, items)
        assert best.experiments <= 40
        assert best.right <= best.experiments / 2  # a look and an attack each
        assert all(search(question, opened(), 40, 1).right <= best.right for opened in POLICIES.values())


def test_what_was_put_off_is_weighed_by_what_its_next_looks_promise() -> None:
    frontier, policy = frontier_of("a1", "a2", arm="a"), open_policy("value")
    for name in ("a2", "a1"):
        frontier.take(name)
    frontier.put_off("a1", Outlook(0.05, 1.05), cost=3, claims=1)
    frontier.put_off("a2", Outlook(0.6, 1.6), cost=3, claims=1)
    filled(frontier, "b1", arm="b")
    chosen = []
    while choice := policy.choose(frontier, BUCKETS, random.Random(0)):
        frontier.take(choice.candidate.id)
        chosen.append((choice.candidate.id, choice.reason.startswith("gone on with"), round(choice.worth, 3)))
    assert chosen[0] == ("a2", True, 0.375)
    assert [name for name, _, _ in chosen] == ["a2", "b1", "a1"]
