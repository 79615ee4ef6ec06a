"""Ideation: ask the mind for hypotheses and keep those that can be tested."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.agents.minds.protocol import Context, Lesson, Mind
from evidentia.agents.stating import stated
from evidentia.errors import EvidentiaError
from evidentia.kernels import registry
from evidentia.workspace.records import Hypothesis


def ideate(mind: Mind, context: Context) -> list[Hypothesis]:
    """New hypotheses: those that the brief states, then the mind's, best first, unless the brief wants no others.

    Raises EvidentiaError for what cannot be measured.
    """
    proposed = mind.propose(context) if context.brief.search.explore else []
    found: dict[str, Hypothesis] = {}
    for hypothesis in (*stated(context), *proposed):
        if hypothesis.id not in context.taken:
            found.setdefault(hypothesis.id, hypothesis)
    for hypothesis in found.values():
        _check(hypothesis)
    return list(found.values())


def repetitions(found: Sequence[Hypothesis], lessons: Sequence[Lesson]) -> dict[str, Lesson]:
    """Those of the hypotheses, by id, that an earlier run has shown to fail in the very same test: the same cells,
    checks and seeds. Never one that is timed, which may come out otherwise."""
    shown = {lesson.hypothesis: lesson for lesson in lessons if lesson.hypothesis}
    return {h.id: shown[h.id] for h in found if h.id in shown and not registry.family(h.family).metric(h.metric).timed}


def _check(hypothesis: Hypothesis) -> None:
    """Every cell must be measurable and every claim must read cells that are registered."""
    try:
        registry.family(hypothesis.family).metric(hypothesis.metric)
        for cell in hypothesis.cells:
            registry.complete(hypothesis.family, cell.system, cell.conditions)
    except (KeyError, ValueError) as error:
        raise EvidentiaError(f"the hypothesis “{hypothesis.title}” cannot be measured: {error}") from error
    for name in hypothesis.varied:
        if any(name not in c.conditions for c in hypothesis.cells):
            raise EvidentiaError(f"the hypothesis “{hypothesis.title}” varies {name}, which some of its cells lack")
    measured = {c.system for c in hypothesis.cells}
    for claim in hypothesis.claims:
        systems = {claim.check.system, claim.check.versus} - {""}
        if not systems <= measured:
            missing = ", ".join(sorted(systems - measured))
            raise EvidentiaError(f"the claim “{claim.statement}” needs {missing}, which no cell measures")
