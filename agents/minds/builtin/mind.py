"""The built-in mind: an agent's questions answered by rules over the typed registry. Not a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evidentia.agents.brief import Brief
from evidentia.agents.minds.builtin import attack, follow, review, words
from evidentia.agents.minds.builtin.design import RAISED, limits, render
from evidentia.agents.minds.builtin.forms import FORMS
from evidentia.agents.minds.builtin.reading import read
from evidentia.agents.minds.protocol import Context, Design, Failure
from evidentia.workspace.records import Attack, Claim, DeadEnd, Hypothesis, Outcome, Review


class BuiltinMind:
    """Plans from the registry; deterministic: the same context gives the same answers."""

    name = "builtin"
    writes_code = False

    def check(self, brief: Brief) -> None:
        """The question must mean at least one kernel of the library."""
        read(brief)

    def propose(self, context: Context) -> list[Hypothesis]:
        """First all forms over the reading of the question, then follow-ups of what was found."""
        readings = read(context.brief)
        known = context.taken
        if not context.registered:
            drafts = [h for reading in readings for propose in FORMS.values() for h in propose(reading)]
        else:
            drafts = [h for reading in readings for h in follow.follow_ups(reading, context)]
        found: dict[str, Hypothesis] = {}
        for hypothesis in drafts:
            if hypothesis.id not in known:
                found.setdefault(hypothesis.id, hypothesis)
        return sorted(found.values(), key=lambda h: (-h.priority, h.id))

    def design(self, hypothesis: Hypothesis, seeds: tuple[int, ...]) -> Design:
        """All registered cells with these seeds."""
        return render(hypothesis, seeds, hypothesis.cells, "measure", limits(hypothesis))

    def debug(self, hypothesis: Hypothesis, design: Design, failure: Failure) -> Design | None:
        """A limit that was exceeded is raised once; anything else is left as it is: the script is not at fault."""
        names = {"wall": "wall_seconds", "cpu": "cpu_seconds", "memory": "memory_bytes"}
        name = names.get((failure.exceeded or "").split(":")[0])
        first = limits(hypothesis)
        if name is None or design.limits[name] > first[name]:
            return None
        raised = {**design.limits, name: first[name] * RAISED}
        return replace(design, limits=raised, protocol=f"{design.protocol} Run again with {name} doubled.")

    def attack(self, hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[Design, dict[str, object]] | None:
        """Fresh seeds for the headline claims and one changed condition, by what refutes likeliest for its cost."""
        if not any(c.headline and c.status != "inconclusive" for c in claims):
            return None
        design, changed = attack.plan(hypothesis, claims)
        return design, dict(changed)

    def review(self, hypothesis: Hypothesis, claims: Sequence[Claim], attacks: Sequence[Attack]) -> Review:
        """Type-aware entailment and scores by rule."""
        return review.review(hypothesis, claims, attacks)

    def conclude(
        self, hypothesis: Hypothesis, outcome: Outcome, claims: Sequence[Claim], failure: Failure | None
    ) -> DeadEnd | None:
        """What failed and what the next run should know."""
        return words.dead_end(hypothesis, outcome, claims, failure)

    def limits(self, hypothesis: Hypothesis, claims: Sequence[Claim]) -> tuple[str, ...]:
        """What the package does not show."""
        return words.limits(hypothesis, claims)
