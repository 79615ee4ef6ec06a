"""Planted questions: hypotheses whose truth is drawn beforehand, so that what a search decides can be marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from evidentia.workspace.records import Cell, Check, Expectation, Form, Hypothesis, PlannedClaim, SamplePlan

SMALLEST = 0.5
"""The gap, in points, above which the planted statement is true."""
BASE = {"exponent": 1.1, "warmup": 0, "workload": "zipf", "items": 10_000, "requests": 200_000}
LOOKS = (5, 10, 20)


@dataclass(frozen=True)
class Item:
    """One planted hypothesis: its true gap and noise, whether its script crashes, and what a mind believes of it."""

    number: int
    form: Form
    gap: float
    noise: float = 1.0
    crashes: bool = False
    priority: float = 1.0
    parent: str | None = None
    systems: tuple[str, str] = ("lfu-perfect", "lru")

    @property
    def holds(self) -> bool:
        """Whether the planted statement is true."""
        return self.gap > SMALLEST

    @cached_property
    def hypothesis(self) -> Hypothesis:
        """The statement as a mind registers it; the capacity tells the items apart."""
        conditions = {"capacity": self.number + 1, **BASE}
        systems = self.systems
        check = Check(
            estimator="paired_difference",
            metric="hit_rate",
            system=systems[0],
            versus=systems[1],
            where=conditions,
            confidence=1 - 0.05 / len(LOOKS),
            expect=Expectation(relation="above", low=SMALLEST),
        )
        statement = f"planted item {self.number}: the simulated gap is above {SMALLEST} pp"
        claim = PlannedClaim(
            statement=statement, kind="improvement", unit="pp", tolerance=0.25, conditions=conditions, check=check
        )
        return Hypothesis(
            form=self.form,
            title=f"planted item {self.number}",
            statement=statement,
            rationale="Planted for a simulation of the search.",
            family="caching",
            metric="hit_rate",
            systems=systems,
            conditions=conditions,
            cells=tuple(Cell(system=s, conditions=conditions) for s in systems),
            claims=(claim,),
            smallest_effect=SMALLEST,
            effect="difference",
            falsification="The whole interval lies at or below the bound.",
            sample_plan=SamplePlan(looks=LOOKS),
            priority=self.priority,
            parent=self.parent,
            origin="follow-up" if self.parent else "ambiguity",
        )


class Questions(Protocol):
    """A source of planted items by number."""

    def item(self, number: int) -> Item:
        """The item of this number."""

    def roots(self) -> Sequence[int]:
        """The items that are known from the start."""

    def follow_ups(self, number: int) -> Iterator[int]:
        """The items that a supported one leads to."""
