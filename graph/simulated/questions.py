"""Twenty-four planted questions of six kinds, each with sixty-odd hypotheses whose truth is drawn beforehand.

A question has eight arms (a form and two systems) of five first hypotheses each; a supported one leads to two more.
In an arm that is *clear* the gap is well off the line and the first look mostly decides; a *barren* one lies so close
to it that twenty seeds do not; a *noisy* one has large gaps and larger noise; a *fragile* one mostly crashes. The kinds
differ in how many arms are which, and in the last no arm differs: there is little for a policy to learn. What a mind
believes beforehand (the priority) is almost nothing but noise.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from evidentia.graph.simulated.planted import SMALLEST, Item
from evidentia.workspace.records import Form

Sort = Literal["clear", "barren", "noisy", "fragile", "mixed"]
ARMS, FIRST, MORE, KINDS, EACH = 8, 5, 2, 6, 4
FORMS: tuple[Form, ...] = ("comparison", "trend", "equivalence", "bound")
PAIRS = (("lfu-perfect", "lru"), ("s3-fifo", "lru"))
PLANTED: tuple[tuple[str, tuple[Sort, ...]], ...] = (
    ("half of the arms are clear", ("clear",) * 4 + ("barren",) * 4),
    ("few arms are clear", ("clear",) * 2 + ("barren",) * 6),
    ("some arms crash", ("clear",) * 3 + ("fragile",) * 3 + ("barren",) * 2),
    ("one arm leads on", ("clear",) + ("barren",) * 7),
    ("large gaps are noisy", ("clear",) * 2 + ("noisy",) * 4 + ("barren",) * 2),
    ("no arm differs", ("mixed",) * 8),
)


@dataclass(frozen=True)
class Question:
    """One planted question; `number` is below `KINDS * EACH`."""

    number: int

    @property
    def kind(self) -> str:
        """What sort of question it is, in words."""
        return PLANTED[self.number % KINDS][0]

    def item(self, number: int) -> Item:
        """The item of this number: the first ones by arm, then follow-ups, each of its parent's arm."""
        return _item(self.number, number)

    def roots(self) -> range:
        """The first hypotheses."""
        return range(ARMS * FIRST)

    def follow_ups(self, number: int) -> Iterator[int]:
        """Two more of the same arm, numbered so that no two have the same number."""
        return iter(range(ARMS * FIRST + MORE * number, ARMS * FIRST + MORE * number + MORE))


QUESTIONS = tuple(Question(n) for n in range(KINDS * EACH))


@cache
def _item(question: int, number: int) -> Item:
    parent = None if number < ARMS * FIRST else (number - ARMS * FIRST) // MORE
    root = number
    while root >= ARMS * FIRST:
        root = (root - ARMS * FIRST) // MORE
    sorts = list(PLANTED[question % KINDS][1])
    random.Random(f"arms of {question}").shuffle(sorts)
    arm = root % ARMS
    draw = random.Random(f"item {number} of {question}")
    sort = sorts[arm] if sorts[arm] != "mixed" else draw.choice(("clear", "barren"))
    gap, noise = _drawn(sort, draw)
    return Item(
        number=number,
        form=FORMS[arm % len(FORMS)],
        gap=gap,
        noise=noise,
        crashes=sort == "fragile" and draw.random() < 0.8,
        priority=0.5 + 0.5 * draw.random() + (0.05 if sort == "clear" else 0.0),
        parent=None if parent is None else _item(question, parent).hypothesis.id,
        systems=PAIRS[arm // len(FORMS)],
    )


def _drawn(sort: str, draw: random.Random) -> tuple[float, float]:
    """Gap and noise, in points."""
    side = draw.choice((1, 1, -1))
    if sort in ("clear", "fragile"):
        return SMALLEST + side * draw.uniform(1.5, 4.0), draw.uniform(0.5, 1.0)
    if sort == "noisy":
        return SMALLEST + side * draw.uniform(4.0, 8.0), draw.uniform(8.0, 12.0)
    return SMALLEST + side * draw.uniform(0.0, 0.1), draw.uniform(1.0, 2.0)
