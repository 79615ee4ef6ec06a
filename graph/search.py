"""Which open hypotheses next: a policy with one small interface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from evidentia.graph.budget import Ledger, worst_case
from evidentia.workspace.records import Hypothesis

ROUND = 6
"""Branches per round at most; does not depend on the number of workers, so that the tree does not either."""

Policy = Callable[[Sequence[Hypothesis], Sequence[Hypothesis]], list[Hypothesis]]


def best_first(candidates: Sequence[Hypothesis], tried: Sequence[Hypothesis]) -> list[Hypothesis]:
    """By priority, each further branch of a form already tried worth a little less; ties by id."""
    seen = Counter(h.form for h in tried)
    left, order = list(candidates), []
    while left:
        best = max(left, key=lambda h: (h.priority * 0.97 ** seen[h.form], h.id))
        left.remove(best)
        order.append(best)
        seen[best.form] += 1
    return order


POLICIES: dict[str, Policy] = {"best-first": best_first}


def select(order: Sequence[Hypothesis], ledger: Ledger) -> list[Hypothesis]:
    """The next round: as many as fit the experiment budget in their worst case, at least one while any may run."""
    if ledger.exhausted():
        return []
    left = ledger.experiments_left
    chosen: list[Hypothesis] = []
    for hypothesis in order[:ROUND]:
        cost = worst_case(hypothesis)
        if chosen and cost > left:
            break
        chosen.append(hypothesis)
        left -= cost
        if left <= 0:
            break
    return chosen
