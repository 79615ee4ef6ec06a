"""Asking for hypotheses: those that can be measured are taken, the others are sent back with what is wrong."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from evidentia.agents.minds.llm.asking import NoAnswerError, ask
from evidentia.agents.minds.llm.cards import at_hand, card
from evidentia.agents.minds.llm.ideas import hypothesis_of
from evidentia.agents.minds.llm.line import Line, ModelError
from evidentia.agents.minds.llm.names import Models
from evidentia.agents.minds.llm.reading import UnusableError, as_schema
from evidentia.agents.minds.llm.schemas import Ideas
from evidentia.agents.minds.protocol import Context
from evidentia.agents.wording import told
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Hypothesis

MOST, FEW_OPEN = 6, 3
"""Ideas asked for at once; while more hypotheses than this are open, none are."""
COST = 4
"""Experiments that a hypothesis takes, roughly."""
SHOWN = 30


def propose(line: Line, models: Models, context: Context) -> list[Hypothesis]:
    """New hypotheses, best first; none while enough are open, or when the model sees nothing more worth testing.

    Raises ModelError when nothing that can be tested came of the first round: there is no run then.
    """
    tested = {f.hypothesis.id for f in context.findings}
    waiting = [h for h in context.registered if h.id not in tested]
    if len(waiting) > FEW_OPEN:
        return []
    left = context.experiments_left or context.brief.budget.max_experiments
    taken: dict[str, Hypothesis] = {}
    try:
        ask(
            line,
            models,
            "ideation",
            lambda text: _take(text, context, taken),
            brief=context.brief,
            cards=[card(family) for family in at_hand(context.brief)],
            findings=context.findings[-SHOWN:],
            open=waiting,
            lessons=context.lessons[:SHOWN],
            literature=context.literature,
            world=_world(context),
            experiments_left=context.experiments_left,
            most=max(1, min(MOST, left // COST)),
            told=told,
            quantity=quantity,
        )
    except NoAnswerError as error:
        if not taken and not context.registered:
            model = models.of("ideation").label
            raise ModelError(f"{model} gave no hypothesis that can be tested; the last fault: {error}") from None
    return sorted(taken.values(), key=lambda h: (-h.priority, h.id))


def _world(context: Context) -> dict[str, list[str]]:
    """What the run's world model knows beyond the findings, the latest of each kind."""
    world = context.world
    if world is None:
        return {}
    learned = (f"{w['statement']}\n{w['text']}" for w in world.lessons() if not w.get("package"))
    return {
        "What holds for everything in this run": _latest(str(w["text"]) for w in world.constraints()),
        "What was tested and stays open": _latest(f"{w['statement']}\n{w['why']}" for w in world.open_questions()),
        "What dead ends of this run have taught": _latest(learned),
    }


def _latest(texts: Iterable[str]) -> list[str]:
    return list(deque(texts, maxlen=SHOWN))


def _take(text: str, context: Context, taken: dict[str, Hypothesis]) -> None:
    """Take what can be measured. Raises UnusableError about the rest."""
    faults: list[str] = []
    for number, idea in enumerate(as_schema(text, Ideas).ideas, start=1):
        try:
            hypothesis = hypothesis_of(idea, context)
        except UnusableError as error:
            faults.append(f"idea {number}: {error}")
        else:
            taken.setdefault(hypothesis.id, hypothesis)
    if faults:
        raise UnusableError(
            f"{len(taken)} ideas were taken; these cannot be tested: {'; '.join(faults)}. Give only mended or other "
            "ideas in their place, or an empty list"
        )
