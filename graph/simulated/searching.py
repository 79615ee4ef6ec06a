"""A search over one planted question with the real frontier, policies, budget and analysis; the rows are drawn."""

from __future__ import annotations

import random
from dataclasses import dataclass

from evidentia.agents import analysis
from evidentia.agents.brief import Budget
from evidentia.agents.outlook import Outlook, outlook
from evidentia.graph.budget import Ledger
from evidentia.graph.frontier import Frontier, candidate_of
from evidentia.graph.policies import Policy
from evidentia.graph.selection import choose
from evidentia.graph.simulated.planted import LOOKS, Item
from evidentia.graph.simulated.questions import Question
from evidentia.graph.stages import BUCKETS, Standing
from evidentia.workspace.records import Claim, Row

ROUND = 6


@dataclass
class Result:
    """What a search came to: experiments, and claims decided rightly and wrongly."""

    experiments: int = 0
    right: int = 0
    wrong: int = 0


def search(question: Question, policy: Policy, budget: int, seed: int, items: dict[str, Item] | None = None) -> Result:
    """Spend `budget` experiments on a question by a policy. A look is an experiment, and so is the attack on a claim
    that was decided; a script that crashes has cost one. The items are written to `items` as they become known."""
    frontier, result, concluded = Frontier(), Result(), 0
    items = {} if items is None else items

    def register(number: int) -> None:
        item = question.item(number)
        items[item.hypothesis.id] = item
        frontier.add(candidate_of(item.hypothesis.id, {"hypothesis": item.hypothesis.to_json()}))

    for number in question.roots():
        register(number)
    round_, begun = 0, dict[str, list[Row]]()
    while True:
        ledger = Ledger(Budget(max_experiments=budget), result.experiments, 0.0)
        standing = Standing("exploration", BUCKETS, "")
        seeded = f"{seed}/{round_}"
        taken = choose(frontier, standing, policy, ledger, size=ROUND, seed=seeded, ended=concluded)
        if not taken.names:
            return result
        for name in taken.names:
            item = items[name]
            done = _pass(item, question, seed, begun.setdefault(name, []), taken.rate)
            result.experiments += done.experiments
            for _ in range(done.experiments):
                frontier.experiment(name)
            if done.waits:
                frontier.put_off(name, done.waits, done.to_go, 1)
                continue
            concluded += 1
            claim = done.claim
            decided = claim is not None and claim.status != "inconclusive"
            supported = claim is not None and claim.status == "supported"
            result.right += decided and supported == item.holds
            result.wrong += decided and supported != item.holds
            effect = abs(claim.value or 0.0) / 0.5 if supported and claim else 0.0
            outcome = "crashed" if claim is None else "supported" if supported else "refuted" if decided else "null"
            frontier.end(name, outcome, int(decided), int(supported), int(claim is not None), effect)
        for name in taken.names:
            if frontier.places[name].own.supported:
                for number in question.follow_ups(items[name].number):
                    register(number)
        round_ += 1


@dataclass(frozen=True)
class _Pass:
    """One taking of a branch: its claim, None where the script crashes; what it `waits` for, if it was put off."""

    claim: Claim | None
    experiments: int
    waits: Outlook | None = None
    to_go: int = 0


def _pass(item: Item, question: Question, seed: int, rows: list[Row], rate: float) -> _Pass:
    """Looks from where the rows end until the claim is decided, or a further look promises less than `rate`."""
    if item.crashes:
        return _Pass(None, 1)
    hypothesis, cost = item.hypothesis, 0
    first = sum(len(rows) >= 2 * count for count in LOOKS)
    for look in range(first, len(LOOKS)):
        rows += [row for s in range(len(rows) // 2, LOOKS[look]) for row in _rows(item, question.number, s, seed)]
        cost += 1
        (claim,) = analysis.decide(hypothesis, rows, ["simulated"])
        if claim.status != "inconclusive":
            return _Pass(claim, cost + 1)
        promise = outlook([claim], LOOKS, look)
        if promise and item.priority * promise.rate < rate:
            return _Pass(claim, cost, promise, len(LOOKS) - look)
    return _Pass(claim, cost)


def _rows(item: Item, question: int, number: int, seed: int) -> list[Row]:
    draw = random.Random(f"{question}/{seed}/{item.number}/{number}")
    shared, noise = 40 + 5 * draw.random(), draw.gauss(0.0, item.noise)
    values = zip(item.hypothesis.cells, (shared + item.gap + noise, shared), strict=True)
    return [{"system": c.system, "seed": number, **c.conditions, "hit_rate": v} for c, v in values]
