"""The mind that asks language models. They propose, write code and criticise; the host words claims and decides."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.agents.brief import Brief
from evidentia.agents.minds.builtin import words
from evidentia.agents.minds.builtin.design import LIMITS
from evidentia.agents.minds.builtin.mind import BuiltinMind
from evidentia.agents.minds.llm import attack, figures, ideation, review
from evidentia.agents.minds.llm.asking import NoAnswerError, ask
from evidentia.agents.minds.llm.line import Line
from evidentia.agents.minds.llm.names import Models
from evidentia.agents.minds.llm.prose import sentences
from evidentia.agents.minds.llm.reading import UnusableError, as_schema, as_script
from evidentia.agents.minds.llm.schemas import Lesson
from evidentia.agents.minds.llm.scripts import code_of, library_design, model_design, nothing
from evidentia.agents.minds.llm.settings import Settings, current
from evidentia.agents.minds.protocol import Context, Design, Failure, Opinion, Spending
from evidentia.kernels import registry
from evidentia.workspace.figure_style import FigureStyle
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Attack, Claim, DeadEnd, Hypothesis, Outcome, Review

LIBRARY, STOP = "LIBRARY", "STOP"


class LLMMind:
    """Answers through LangChain chat models. Safe for several threads.

    What is asked and answered is kept by `Settings.answers`, so that a resumed run takes the same decisions.
    """

    writes_code = True

    def __init__(self, models: Models, settings: Settings | None = None) -> None:
        self.models, self.name = models, models.label
        self.line = Line(settings or current())
        self._rules = BuiltinMind()
        self._mended: dict[str, str] = {}

    def check(self, brief: Brief) -> None:
        """Every model can be opened: its package is installed and its key is known."""
        for model in self.models.every():
            self.line.open(model)

    def spent(self) -> Spending:
        """What the models of this process have used so far."""
        return self.line.settings.account.spending()

    def stop(self) -> None:
        """Give up every request in flight, and send none any more: whoever waits gets RunInterruptedError. Safe in a
        handler of signals."""
        self.line.stop()

    def propose(self, context: Context) -> list[Hypothesis]:
        """Ideas of the model that the library can measure, worded by the host."""
        return ideation.propose(self.line, self.models, context)

    def design(self, hypothesis: Hypothesis, seeds: tuple[int, ...]) -> Design:
        """The model's script for the registered cells, or the library's where the model wants that; asked for once
        per hypothesis. A model that gives none gets a script that fails and says why."""
        code = self._mended.get(hypothesis.id) or self._code(hypothesis)
        return library_design(hypothesis, seeds) if code == LIBRARY else model_design(hypothesis, seeds, code)

    def _code(self, hypothesis: Hypothesis) -> str:
        metric = registry.family(hypothesis.family).metric(hypothesis.metric)
        try:
            return ask(self.line, self.models, "experiment", _code, hypothesis=hypothesis, metric=metric, limits=LIMITS)
        except NoAnswerError as error:
            return nothing(str(error))

    def debug(self, hypothesis: Hypothesis, design: Design, failure: Failure) -> Design | None:
        """A mended script; None where the model gives up or changes nothing. The library's own script is not at fault:
        at most its limits are raised."""
        code = code_of(design)
        if code is None:
            return self._rules.debug(hypothesis, design, failure)
        if failure.exceeded and (raised := self._rules.debug(hypothesis, design, failure)):
            return raised
        try:
            mended = ask(
                self.line,
                self.models,
                "debug",
                lambda text: STOP if _word(text) == STOP else _code(text),
                hypothesis=hypothesis,
                code=code,
                failure=failure,
                limits=design.limits,
            )
        except NoAnswerError:
            return None
        if mended in (STOP, code):
            return None
        self._mended[hypothesis.id] = mended
        if mended == LIBRARY:
            return library_design(hypothesis, design.seeds, design.limits)
        return model_design(hypothesis, design.seeds, mended, design.limits)

    def attack(self, hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[Design, dict[str, object]] | None:
        """Fresh seeds, and the condition the model thinks most dangerous; always measured by the library's script."""
        if not any(c.headline and c.status != "inconclusive" for c in claims):
            return None
        design, changed = attack.plan(self.line, self.models, hypothesis, claims)
        return design, dict(changed)

    def looks_at_figures(self) -> bool:
        """Only where a model is named for the role: not every model takes pictures."""
        return "figure" in self.models.roles

    def look(self, png: bytes, claim: str, caption: str, style: FigureStyle) -> Opinion | None:
        """The faults that the role's model sees, and how it would draw the figure."""
        return figures.critique(self.line, self.models, png, claim, caption, style)

    def review(self, hypothesis: Hypothesis, claims: Sequence[Claim], attacks: Sequence[Attack]) -> Review:
        """The review by rule, made stricter where the model objects."""
        code = None if not claims else self._mended.get(hypothesis.id) or self._code(hypothesis)
        shown = None if code == LIBRARY else code
        return review.review(self.line, self.models, hypothesis, claims, attacks, shown)

    def conclude(
        self, hypothesis: Hypothesis, outcome: Outcome, claims: Sequence[Claim], failure: Failure | None
    ) -> DeadEnd | None:
        """The dead end by rule, with the model's lesson after it."""
        found = words.dead_end(hypothesis, outcome, claims, failure)
        if found is None:
            return None
        try:
            answer = ask(
                self.line,
                self.models,
                "conclusion",
                lambda text: _lesson(text, hypothesis),
                hypothesis=hypothesis,
                outcome=outcome,
                claims=claims,
                failure=failure,
                quantity=quantity,
            )
        except NoAnswerError:
            return found
        return found.model_copy(update={"lesson": f"{found.lesson} In the words of a language model: {answer}"})

    def limits(self, hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[str, ...]:
        """What a reader must not conclude, and what the language model had to do with it."""
        return (
            *words.limits(hypothesis, claims),
            "A language model chose the hypothesis and may have written the script; the library worded the claim, and "
            "numbers come from recorded rows only.",
        )


def _word(text: str) -> str:
    return text.strip().strip("`*.\"'").strip().upper()


def _code(text: str) -> str:
    return LIBRARY if _word(text) == LIBRARY else as_script(text)


def _lesson(text: str, hypothesis: Hypothesis) -> str:
    known = {*hypothesis.systems, hypothesis.metric, *hypothesis.conditions}
    said = sentences(as_schema(text, Lesson).lesson, known)
    if not said:
        raise UnusableError("lesson: write one or two English sentences without any number")
    return said
