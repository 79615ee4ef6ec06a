"""The frontier against a plain list that is searched from end to end."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.graph.frontier import ROOT, Candidate, Frontier
from evidentia.graph.stages import BUCKETS

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "take", "end"]),
        st.integers(0, 30),
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

    def best(self, *, stage: str, arm: str | None = None, parent: str | None = None) -> Candidate | None:
        fits = [
            c
            for c in self.open
            if c.stage == stage and arm in (None, c.arm) and parent in (None, c.parent)
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
            plain.taken += [c for c in plain.open if c.id == name]
            plain.open = [c for c in plain.open if c.id != name]
        elif what == "end" and name not in plain.ended and any(c.id == name for c in plain.taken):
            frontier.end(name, "supported", decided=2, supported=1, claims=3, effect=1.0)
            plain.ended[name] = 2
    everything = {c.id: c for c in [*plain.open, *plain.taken]}
    for stage in BUCKETS[:2]:
        assert {c.id for c in frontier.tops((stage,))} == {
            best.id for arm in "xy" if (best := plain.best(stage=stage, arm=arm))
        }
        for parent in (ROOT, *everything):
            found, wanted = frontier.below(parent, (stage,)), plain.best(stage=stage, parent=parent)
            assert found == wanted
    assert frontier.left(BUCKETS) == len(plain.open)
    for name in (ROOT, *everything):
        below = [n for n in everything if name in (ROOT, *_line(everything, n))]
        assert frontier.places[name].tally.decided == sum(plain.ended.get(n, 0) for n in below)


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
