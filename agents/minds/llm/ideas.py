"""From a model's idea to a hypothesis: the model says what to test, the host words the claim and writes its check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import ValidationError

from evidentia.agents.brief import Brief
from evidentia.agents.minds.builtin.forms import (
    bound,
    comparison,
    crossover,
    equivalence,
    interaction,
    optimum,
    trend,
)
from evidentia.agents.minds.builtin.forms.drafting import Draft
from evidentia.agents.minds.builtin.reading import Reading
from evidentia.agents.minds.llm.cards import at_hand, usable
from evidentia.agents.minds.llm.prose import sentences
from evidentia.agents.minds.llm.reading import UnusableError
from evidentia.agents.minds.llm.schemas import Idea, Level
from evidentia.agents.minds.protocol import Context, Finding
from evidentia.kernels import registry
from evidentia.kernels.registry import Family, Kernel, Metric
from evidentia.workspace.records import Hypothesis

MAX_LEVELS = 5
BLOCK = 1000
"""Seeds apart: whoever has seen data tests on seeds that no one has seen."""
LAST_BLOCK = 800
"""Those above are for attacks."""
CLAIMS_MORE = ("comparison", "trend", "interaction")
"""The forms that claim an effect: asking for a larger one makes them harder to support, never easier."""
LEAST_LEVELS = {"trend": 3, "crossover": 3, "optimum": 3, "interaction": 2, "equivalence": 2}


def hypothesis_of(idea: Idea, context: Context) -> Hypothesis:
    """The hypothesis of an idea, with one claim. Raises UnusableError that tells the model what to mend."""
    try:
        found = _draft(idea, context)
    except UnusableError:
        raise
    except (KeyError, ValueError, ArithmeticError) as error:
        raise UnusableError(str(error.args[0] if error.args else error)) from None
    why = sentences(idea.why, {k.name for k in registry.kernels(idea.family)} | registry.parameters(idea.family).keys())
    drafted = replace(found, rationale=why or found.rationale, weight=idea.promise)
    hypothesis = _on_its_seeds(drafted, idea, context).finish()
    _measurable(hypothesis)
    _new(hypothesis, context)
    return hypothesis


def _on_its_seeds(draft: Draft, idea: Idea, context: Context) -> Draft:
    if not context.findings:
        return draft
    block = min(len(context.findings), LAST_BLOCK)
    first = context.brief.seeds.first + BLOCK * block
    parent = next((f for f in context.findings if idea.follows and f.hypothesis.id == idea.follows), None)
    if idea.follows and parent is None:
        known = ", ".join(f.hypothesis.id for f in context.findings[:20])
        raise UnusableError(f"follows: no finding {idea.follows!r}; there are {known}")
    if parent is None:
        return replace(draft, first_seed=first)
    return replace(draft, first_seed=first, parent=parent.hypothesis.id, origin="follow-up", trigger=_trigger(parent))


def _trigger(finding: Finding) -> str:
    return f"{finding.hypothesis.title} came out {'undecided' if finding.outcome == 'null' else finding.outcome}"


def _draft(idea: Idea, context: Context) -> Draft:
    families = {f.name: f for f in at_hand(context.brief)}
    if idea.family not in families:
        raise UnusableError(f"family: {idea.family!r} is not at hand; there are {', '.join(families)}")
    family = families[idea.family]
    metric = _metric(family, idea)
    kernels = {k.name: k for k in usable(family.name)}
    for role, name in (("system", idea.system), ("rival", idea.rival)):
        if name and name not in kernels:
            raise UnusableError(f"{role}: no kernel {name!r} in {family.name}; there are {', '.join(kernels)}")
    system = kernels[idea.system]
    rival = kernels[idea.rival] if idea.rival else None
    if rival is not None and rival.name == system.name:
        raise UnusableError("rival: it must be another kernel than the system")
    reading = _reading(idea, context.brief, family, metric, system, rival)
    return _FORMS[idea.form](idea, reading, metric, system, rival)


def _metric(family: Family, idea: Idea) -> Metric:
    metric = family.metric(idea.metric)
    if idea.effect is None:
        return metric
    if idea.form not in CLAIMS_MORE:
        raise UnusableError(f"effect: a hypothesis of the form {idea.form} takes the card's; leave it out")
    if idea.effect < metric.smallest_effect:
        raise UnusableError(
            f"effect: must be at least the smallest effect of interest of {metric.name}, {metric.smallest_effect:g}"
        )
    return replace(metric, smallest_effect=idea.effect)


def _reading(idea: Idea, brief: Brief, family: Family, metric: Metric, system: Kernel, rival: Kernel | None) -> Reading:
    """The idea as the forms read a question."""
    known = registry.parameters(family.name)
    base = {n: v for n, v in brief.conditions.items() if n in known}
    for name, value in idea.conditions.items():
        if name not in known:
            raise UnusableError(f"conditions: no condition {name!r}; there are {', '.join(known)}")
        if base.get(name, value) != value:
            raise UnusableError(f"conditions: the brief fixes {name} at {base[name]}; leave it")
        base[name] = known[name].check(value)
    vary: dict[str, tuple[Level, ...]] = {}
    if idea.parameter:
        if idea.parameter not in known:
            raise UnusableError(f"parameter: no condition {idea.parameter!r}; there are {', '.join(known)}")
        if idea.parameter in base:
            raise UnusableError(f"parameter: {idea.parameter} is fixed in the conditions; it cannot be varied too")
        vary[idea.parameter] = _levels(idea, known[idea.parameter].levels or known[idea.parameter].choices)
    try:
        brief = Brief.model_validate(
            {**brief.model_dump(), "families": (family.name,), "conditions": base, "vary": vary}
        )
    except ValidationError as error:
        raise UnusableError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    systems = (system,) if rival is None else (system, rival)
    return Reading(
        brief=brief,
        family=family,
        systems=systems,
        reference=rival or system,
        named=systems,
        challengers=(),
        ambiguous=(),
        metrics=(metric,),
        varied=vary,
        mentioned=frozenset(vary),
        base=base,
        cues=frozenset(),
    )


def _levels(idea: Idea, usual: Sequence[Level]) -> tuple[Level, ...]:
    levels = tuple(dict.fromkeys(idea.levels or usual))
    least = LEAST_LEVELS.get(idea.form, 0)
    if len(levels) < least:
        raise UnusableError(f"levels: a hypothesis of the form {idea.form} needs at least {least} different levels")
    if len(levels) > MAX_LEVELS:
        raise UnusableError(f"levels: at most {MAX_LEVELS}")
    return levels


def _pair(idea: Idea, rival: Kernel | None) -> Kernel:
    if rival is None:
        raise UnusableError(f"rival: a hypothesis of the form {idea.form} needs one")
    return rival


def _parameter(idea: Idea, *, numeric: bool = True) -> str:
    if not idea.parameter:
        raise UnusableError(f"parameter: a hypothesis of the form {idea.form} needs one, with its levels")
    if numeric and registry.parameters(idea.family)[idea.parameter].kind not in ("int", "float"):
        raise UnusableError(f"parameter: {idea.parameter} has no order; the form {idea.form} needs a number")
    return idea.parameter


def _one_cell(idea: Idea) -> None:
    if idea.parameter or idea.levels:
        raise UnusableError(
            f"parameter: a hypothesis of the form {idea.form} is about one set of conditions; leave parameter and "
            "levels out, and write one idea for each level"
        )


def _comparison(idea: Idea, reading: Reading, metric: Metric, system: Kernel, rival: Kernel | None) -> Draft:
    _one_cell(idea)
    return comparison.draft(reading, metric, system, _pair(idea, rival), reading.grid())


def _bound(idea: Idea, reading: Reading, metric: Metric, system: Kernel, rival: Kernel | None) -> Draft:
    _one_cell(idea)
    optimal = _pair(idea, rival)
    if "optimal" not in optimal.tags or metric.effect != "difference":
        raise UnusableError("rival: a bound is a distance, by difference, to an offline optimum of the family")
    return bound.near(reading, metric, system, optimal)


def _equivalence(idea: Idea, reading: Reading, metric: Metric, system: Kernel, rival: Kernel | None) -> Draft:
    if rival is not None:
        _one_cell(idea)
        return equivalence.draft(reading, metric, system, rival, "")
    name = _parameter(idea)
    levels = reading.varied[name]
    if len(levels) != 2 and idea.levels:
        raise UnusableError("levels: an equivalence of two settings needs exactly two levels")
    return equivalence.setting(reading, metric, system, name, levels[0], levels[-1])


def _trend(idea: Idea, reading: Reading, metric: Metric, system: Kernel, rival: Kernel | None) -> Draft:
    name = _parameter(idea)
    laws = [law for law in system.laws if law.metric == metric.name and law.parameter == name]
    return trend.law(reading, metric, system, laws[0]) if laws else trend.rise(reading, metric, system, name)


def _crossover(idea: Idea, reading: Reading, metric: Metric, system: Kernel, rival: Kernel | None) -> Draft:
    name = _parameter(idea)
    if rival is not None:
        return crossover.exchange(reading, metric, system, rival, name)
    if metric.limit is None:
        raise UnusableError(f"rival: {metric.name} has no limit on record, so a crossover needs a rival")
    return crossover.limit(reading, metric, system, name)


def _optimum(idea: Idea, reading: Reading, metric: Metric, system: Kernel, rival: Kernel | None) -> Draft:
    name = _parameter(idea)
    levels = reading.varied[name]
    if idea.candidate not in levels:
        raise UnusableError(f"candidate: must be one of the levels {', '.join(map(str, levels))}")
    return optimum.draft(reading, metric, system, name, idea.candidate)


def _interaction(idea: Idea, reading: Reading, metric: Metric, system: Kernel, rival: Kernel | None) -> Draft:
    return interaction.gap(reading, metric, system, _pair(idea, rival), _parameter(idea, numeric=False))


_FORMS = {
    "comparison": _comparison,
    "equivalence": _equivalence,
    "bound": _bound,
    "trend": _trend,
    "crossover": _crossover,
    "optimum": _optimum,
    "interaction": _interaction,
}


def _measurable(hypothesis: Hypothesis) -> None:
    """Every cell must hold what is varied, and no two cells may be the same."""
    for name in hypothesis.varied:
        if any(name not in c.conditions for c in hypothesis.cells):
            gates: Mapping[str, object] = registry.parameters(hypothesis.family)[name].when
            needed = " and ".join(f"{g} in {v}" for g, v in gates.items()) or "a kernel that has it"
            raise UnusableError(f"parameter: varying {name} does nothing here; it needs {needed}")


def _new(hypothesis: Hypothesis, context: Context) -> None:
    for other in context.registered:
        same = (other.form, other.statement, other.conditions) == (
            hypothesis.form,
            hypothesis.statement,
            hypothesis.conditions,
        )
        if same:
            raise UnusableError(f"it is registered already as {other.id}; propose something else, or nothing")
