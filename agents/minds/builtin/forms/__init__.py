"""The forms of hypothesis the planner knows; a new one is one file with `propose(reading)` and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from evidentia.agents.minds.builtin.forms import (
    bound,
    comparison,
    crossover,
    equivalence,
    interaction,
    optimum,
    trend,
)
from evidentia.agents.minds.builtin.reading import Reading
from evidentia.workspace.records import Hypothesis

FORMS: dict[str, Callable[[Reading], Iterable[Hypothesis]]] = {
    "comparison": comparison.propose,
    "trend": trend.propose,
    "crossover": crossover.propose,
    "optimum": optimum.propose,
    "interaction": interaction.propose,
    "equivalence": equivalence.propose,
    "bound": bound.propose,
}
