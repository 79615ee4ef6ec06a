"""The mind of a run that a person makes by hand: it plans nothing and says what was recorded."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.agents.brief import Brief
from evidentia.agents.minds.builtin import review, words
from evidentia.agents.minds.protocol import Context, Design, Failure
from evidentia.agents.wording import told
from evidentia.errors import BadInputError
from evidentia.workspace.records import PERSON, Attack, Claim, DeadEnd, Hypothesis, Outcome, Review

NOTED_BEFORE = "A person registered this before the command was started."
NOTED_AT_START = "A person registered this in the moment the command was started, before its output."
RECORDED = "A person recorded a command; nothing was registered before it."
DEAD_END = "A person noted a dead end; nothing was measured for it here."


class PersonMind:
    """What the steps of a run ask, answered for one whose experiments a person chose and ran."""

    name = PERSON
    writes_code = False

    def check(self, brief: Brief) -> None:
        """Always raises BadInputError: a person's run does not go by itself."""
        raise BadInputError("a person's run does not go by itself: record what you do with `evidentia capture`")

    def propose(self, context: Context) -> list[Hypothesis]:
        """None: hypotheses are the person's."""
        return []

    def design(self, hypothesis: Hypothesis, seeds: tuple[int, ...]) -> Design:
        """Always raises BadInputError: experiments are the person's."""
        raise BadInputError(f"the experiment for “{hypothesis.title}” is a person's: run it with `evidentia capture`")

    def debug(self, hypothesis: Hypothesis, design: Design, failure: Failure) -> Design | None:
        """None: the person mends their own command and records it again."""
        return None

    def attack(self, hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[Design, dict[str, object]] | None:
        """None: a command whose parameters are not known cannot be moved."""
        return None

    def review(self, hypothesis: Hypothesis, claims: Sequence[Claim], attacks: Sequence[Attack]) -> Review:
        """Type-aware entailment and scores by rule."""
        return review.review(hypothesis, claims, attacks)

    def conclude(
        self, hypothesis: Hypothesis, outcome: Outcome, claims: Sequence[Claim], failure: Failure | None
    ) -> DeadEnd | None:
        """Failure mode and lesson where a claim did not hold or a command failed; None where nothing was claimed."""
        if outcome == "crashed":
            mode = failure.mode if failure else "the command left no rows"
            lesson = f"The command gave nothing that could decide this: {mode}. What it printed is in evidence/logs."
            return DeadEnd(hypothesis=hypothesis.statement, failure_mode=mode, lesson=lesson)
        return words.dead_end(hypothesis, outcome, claims, failure) if claims else None

    def limits(self, hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[str, ...]:
        """What a reader must not conclude from a recorded command."""
        if hypothesis.rationale == DEAD_END:
            return ("This is a person's word: the package holds no run that shows it.",)
        found = [
            "A person ran this as themselves, outside any sandbox: what it read, and whether it used the network, is "
            "not known.",
        ]
        if not claims:
            found.append("Nothing was claimed before the command ended, so nothing is decided.")
            return tuple(found)
        under = f" ({told(hypothesis.conditions)})" if hypothesis.conditions else ""
        found.append(f"The claim holds for the recorded rows{under} and was not tested elsewhere.")
        found.append(
            "The seeds are those of the rows; who ran the command could look before going on, and the interval does "
            "not know of it."
        )
        if hypothesis.rationale == NOTED_AT_START:
            found.append("The claim was registered together with the start of the command, not ahead of it.")
        return tuple(found)
