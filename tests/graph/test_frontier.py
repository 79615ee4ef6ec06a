"""The frontier against a plain list that is searched from end to end."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.agents.outlook import Outlook
from evidentia.graph.frontier import ROOT, Candidate, Frontier
from evidentia.graph.stages import BUCKETS

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "take", "end", "put off", "settle"]),
        st.integers(0, 9),
        st.sampled_from(BUCKETS[:2]),
        st.sampled_from(["x", "y"]),
        st.sampled_from([0.5, 0.75, 1.0]),
    ),
    max_size=60,
)


class Plain:
    """The slow, obvious frontier: everything in one list."""

    def __init__(self) -> None:
        self.open: list[Candidate] = []
        self.taken: list[Candidate] = []
        self.ended: dict[str, int] = {}
        self.put_off: dict[str, int] = {}

    def tops(self, stage: str) -> set[str]:
        """The best of every arm: by priority, and by what going on promises where it was put off."""
        open_ = [c for c in self.open if c.stage == stage]
        arms = {c.arm for c in open_}
        return {max((c for c in open_ if c.arm == arm), key=lambda c: (_score(c), c.id)).id for arm in arms}

    def best(self, *, stage: str, parent: str | None = None) -> Candidate | None:
        fits = [
            c
            for c in self.open
            if c.stage == stage and parent in (None, c.parent)
        ]  # fmt: skip
        return max(fits, key=lambda c: (c.priority, c.id), default=None)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(STEPS)
def test_it_answers_as_a_plain_list_does(steps: list[tuple[str, int, str, str, float]]) -> None:
    frontier, plain = Frontier(), Plain()
    for what, number, stage, arm, priority in steps:
        name = f"h-{number:02d}"
        if what == "add" and name not in frontier.known:
            parent = plain.taken[number % len(plain.taken)].id if plain.taken and number % 2 else ROOT
            candidate = Candidate(name, stage, "draft", "f", "trend", arm, parent, priority, 4)
            frontier.add(candidate)
            plain.open.append(candidate)
        elif what == "take" and any(c.id == name for c in plain.open):
            frontier.take(name)
            frontier.take(name)
            plain.taken += [c for c in plain.open if c.id == name and c.outlook is None]
            plain.open = [c for c in plain.open if c.id != name]
        elif what == "put off" and name in costs(plain) and name not in plain.ended:
            cost, promise = costs(plain)[name], Outlook(priority, 2.0 - priority)
            frontier.put_off(name, promise, cost, claims=3)
            plain.put_off[name] = cost
            as_first = next(c for c in plain.taken if c.id == name)
            arm = f"put off, {cost} experiments to go"
            plain.open.append(replace(as_first, arm=arm, cost=cost, outlook=promise))
        elif what == "settle" and any(c.id == name and c.outlook for c in plain.open):
            frontier.settle(name)
            frontier.settle(name)
            plain.open = [c for c in plain.open if c.id != name]
            plain.put_off[name] = 1
        elif what == "end" and name not in plain.ended and any(c.id == name for c in plain.taken):
            frontier.end(name, "supported", decided=2, supported=1, claims=3, effect=1.0)
            plain.ended[name] = 2
    everything = {c.id: c for c in [*plain.open, *plain.taken]}
    for stage in BUCKETS[:2]:
        assert {c.id for c in frontier.tops((stage,))} == plain.tops(stage)
        for parent in (ROOT, *everything):
            found, wanted = frontier.below(parent, (stage,)), plain.best(stage=stage, parent=parent)
            assert found == wanted
    assert frontier.left(BUCKETS) == len(plain.open)
    for name in (ROOT, *everything):
        below = [n for n in everything if name in (ROOT, *_line(everything, n))]
        assert frontier.places[name].tally.decided == sum(plain.ended.get(n, 0) for n in below)


def costs(plain: Plain) -> dict[str, int]:
    """What may be put off, by what it would still cost: less each time."""
    open_ = {c.id for c in plain.open}
    left = {c.id: plain.put_off.get(c.id, 4) - 1 for c in plain.taken if c.id not in open_}
    return {name: cost for name, cost in left.items() if cost}


def _score(candidate: Candidate) -> float:
    return candidate.priority * (candidate.outlook.rate if candidate.outlook else 1.0)


def _line(everything: dict[str, Candidate], name: str) -> list[str]:
    """A candidate and all above it."""
    return [name, *_line(everything, everything[name].parent)] if name != ROOT else []


def test_chance_reaches_every_open_candidate_and_none_that_was_taken() -> None:
    frontier = Frontier()
    for number in range(20):
        frontier.add(Candidate(f"h{number}", BUCKETS[number % 3], "draft", "f", "trend", "a", ROOT, 1.0, 4))
    for number in range(0, 20, 2):
        frontier.take(f"h{number}")
    chance = random.Random(1)
    drawn = [frontier.any(BUCKETS, chance) for _ in range(500)]
    assert {c.id for c in drawn if c} == {f"h{n}" for n in range(1, 20, 2)}


def test_what_belongs_to_a_family_that_was_given_up_is_open_no_more() -> None:
    frontier = Frontier()
    for number, family in enumerate(["f", "g", "f"]):
        frontier.add(Candidate(f"h{number}", "baseline", "draft", family, "trend", family, ROOT, 1.0, 4))
    frontier.give_up("f")
    assert list(frontier.open) == ["h1"]
    assert frontier.of_family("f") is None
    assert frontier.left(BUCKETS) == 1


def test_what_was_put_off_stands_no_longer_for_its_arm_and_waits_by_what_it_promises() -> None:
    frontier = Frontier()
    for name, priority in (("a", 1.0), ("b", 0.5), ("c", 0.25)):
        frontier.add(Candidate(name, "exploration", "draft", "f", "trend", "x", ROOT, priority, 4))
    frontier.take("a")
    frontier.put_off("a", Outlook(0.1, 1.0), cost=3, claims=1)
    assert {c.id for c in frontier.tops(BUCKETS)} == {"a", "b"}
    frontier.take("b")
    frontier.put_off("b", Outlook(0.9, 1.0), cost=3, claims=1)
    assert {c.id for c in frontier.tops(BUCKETS)} == {"b", "c"}
    assert frontier.left(BUCKETS) == 3
    assert frontier.tallies["x"].ended == frontier.tallies["x"].taken == 2
