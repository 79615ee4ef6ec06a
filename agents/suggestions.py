"""Reading a person's words as a hypothesis: the mind proposes, and what the words say most plainly is taken."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.agents.ideation import ideate
from evidentia.agents.literature.tokens import tokens
from evidentia.agents.minds.protocol import Context, Mind
from evidentia.errors import BadInputError
from evidentia.workspace.records import Form, Hypothesis

FIRST_SEED, APART = 1_500_000, 1000
"""Where the seeds of suggestions begin that come after data has been seen, and how far apart two of them are."""
CUES: dict[Form, str] = {
    "comparison": "beat beats better worse higher lower faster slower more less outperforms outperform than improves",
    "trend": "grow grows rise rises fall falls scale scales increase increases decrease decreases trend monotone drops",
    "crossover": "cross crosses crossover overtake overtakes overtaken places switch threshold until limit",
    "optimum": "best optimum optimal optimally sweet",
    "interaction": "depend depends dependent interact interacts interaction changes narrows widens",
    "equivalence": "same equal equals equivalent interchangeable identical indistinguishable matches match lose loses",
    "bound": "within bound near close distance gap optimum optimal",
}
"""Words by which a person says what form of statement they mean."""


def read_suggestion(mind: Mind, context: Context) -> Hypothesis:
    """The hypothesis that the mind reads in the words that are the context's question, with a person as its origin.

    Raises BadInputError when the mind reads nothing in them that can be measured; other errors are the mind's.
    """
    found = ideate(mind, context)
    if not found:
        raise BadInputError("the mind reads nothing in these words that it can measure; name kernels and a metric")
    best = max(range(len(found)), key=lambda place: (_fit(context.brief.question, found, place), -place))
    return found[best].model_copy(
        update={"origin": "person", "rationale": f"A person asked: {context.brief.question}", "parent": None}
    )


def on_fresh_seeds(hypothesis: Hypothesis, number: int) -> Hypothesis:
    """The same on seeds that nobody has seen data of: who suggests it may have looked."""
    plan = hypothesis.sample_plan
    first = FIRST_SEED + plan.first_seed + APART * number
    return hypothesis.model_copy(update={"sample_plan": plan.model_copy(update={"first_seed": first})})


def same_test(one: Hypothesis, other: Hypothesis) -> bool:
    """Whether two hypotheses measure and decide the same, seeds aside."""
    return (one.form, one.cells) == (other.form, other.cells) and [c.check for c in one.claims] == [
        c.check for c in other.claims
    ]


def _fit(statement: str, found: Sequence[Hypothesis], place: int) -> tuple[float, float]:
    """How plainly the words say this one: words for its form, for its systems and what is varied first, then its other
    words. A system that was named and is left out counts as much as one that was not named and is there."""
    said = set(tokens(statement.replace("-", " ").replace("_", " ")))
    hypothesis = found[place]
    form = len(said & set(tokens(CUES.get(hypothesis.form, ""))))
    every = {name for h in found for name in h.systems}
    named = {name for name in every if _named(said, name)}
    held = named & set(hypothesis.systems)
    fit = len(held) / max(1, len(named)) + sum(_named(said, n) for n in held) / max(1, len(hypothesis.systems))
    varied = sum(_named(said, name) for name in hypothesis.varied) / max(1, len(hypothesis.varied))
    own = set(tokens(hypothesis.statement.replace("-", " ").replace("_", " ")))
    return 2.0 * min(form, 1) + 2.0 * fit + varied, len(said & own) / max(1, len(own))


def _named(said: set[str], name: str) -> float:
    """The share of a name's words that were said."""
    parts = tokens(name.replace("-", " ").replace("_", " "))
    return sum(part in said for part in parts) / max(1, len(parts))
