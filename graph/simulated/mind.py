"""The simulated mind: proposes planted items and designs scripts that name them. It costs nothing and knows nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence

from evidentia.agents.brief import Brief
from evidentia.agents.minds.protocol import Context, Design, Failure
from evidentia.graph.simulated.planted import Questions
from evidentia.workspace.records import Attack, Claim, DeadEnd, Hypothesis, Outcome, Review

LIMITS = {"wall_seconds": 1.0, "cpu_seconds": 1.0, "memory_bytes": 1e6}
FRESH = 900_000


class SimulatedMind:
    """Asks what was planted: the roots first, then what each supported finding leads to."""

    name = "simulated"
    writes_code = False

    def __init__(self, questions: Questions, *, attacks: bool = True) -> None:
        self.questions, self.attacks = questions, attacks

    def check(self, brief: Brief) -> None:
        """Any brief will do."""

    def propose(self, context: Context) -> list[Hypothesis]:
        """The roots of the question, later the items that new supported findings lead to."""
        numbers: list[int] = []
        if not context.registered:
            numbers += self.questions.roots()
        for finding in context.news:
            if finding.outcome == "supported":
                numbers += self.questions.follow_ups(item_of(finding.hypothesis))
        return [self.questions.item(n).hypothesis for n in numbers]

    def design(self, hypothesis: Hypothesis, seeds: tuple[int, ...]) -> Design:
        """A script that only names item and seeds; the simulated laboratory draws its rows."""
        named = json.dumps({"items": [item_of(hypothesis)], "seeds": list(seeds)})
        return Design(f"# simulated\n#{named}", seeds, hypothesis.cells, LIMITS)

    def debug(self, hypothesis: Hypothesis, design: Design, failure: Failure) -> Design | None:
        """Nothing can be mended."""
        return None

    def attack(self, hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[Design, dict[str, object]] | None:
        """Fresh seeds for a decided claim."""
        if not self.attacks or all(c.status == "inconclusive" for c in claims):
            return None
        return self.design(hypothesis, tuple(range(FRESH, FRESH + 5))), {}

    def review(self, hypothesis: Hypothesis, claims: Sequence[Claim], attacks: Sequence[Attack]) -> Review:
        """A review that says nothing."""
        return Review(
            reviewer=self.name, kind="agent", claims=(), scores={}, overall="accept", confidence=3, summary="simulated"
        )

    def conclude(
        self, hypothesis: Hypothesis, outcome: Outcome, claims: Sequence[Claim], failure: Failure | None
    ) -> DeadEnd | None:
        """A plain dead end for what did not hold."""
        if outcome == "supported":
            return None
        return DeadEnd(hypothesis=hypothesis.statement, failure_mode=outcome, lesson="simulated")

    def limits(self, hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[str, ...]:
        """That nothing of this was measured."""
        return ("Simulated: nothing was measured.",)


def item_of(hypothesis: Hypothesis) -> int:
    """The number of the planted item that a hypothesis states."""
    capacity = hypothesis.conditions["capacity"]
    assert isinstance(capacity, int)
    return capacity - 1
