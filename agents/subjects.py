"""The cards of what a hypothesis is about: the library's, or for a person's own systems, made from the hypothesis."""

from __future__ import annotations

from evidentia.agents.wording import words
from evidentia.kernels import registry
from evidentia.workspace.records import Hypothesis, Value


def in_library(h: Hypothesis) -> bool:
    """Whether the library has the hypothesis's family, metric, systems and conditions."""
    if h.family not in (f.name for f in registry.families()):
        return False
    metrics = {m.name for m in registry.family(h.family).metrics}
    kernels = {k.name for k in registry.kernels(h.family, general=True)}
    known = registry.parameters(h.family).keys()
    conditions = {name for cell in h.cells for name in cell.conditions}
    return h.metric in metrics and kernels.issuperset(h.systems) and known >= conditions


def family_of(h: Hypothesis) -> registry.Family:
    """The family's card; of a person's own systems one that says no more than the hypothesis does."""
    if in_library(h):
        return registry.family(h.family)
    return registry.Family(
        name=h.family,
        purpose="a person's own systems",
        measure="",
        parameters=tuple(parameters_of(h).values()),
        metrics=(metric_of(h),),
    )


def metric_of(h: Hypothesis) -> registry.Metric:
    """The card of the hypothesis's metric: that of the library's family where it has one."""
    for card in registry.families():
        if card.name == h.family and h.metric in (m.name for m in card.metrics):
            return card.metric(h.metric)
    unit = h.claims[0].unit if h.claims else "1"
    unit = "%" if unit == "pp" else unit  # points are what two per cents differ by
    lower = bool(h.claims) and not h.claims[0].check.higher_is_better
    return registry.Metric(
        name=h.metric,
        purpose=f"{words(h.metric)} as the recorded command reports it",
        unit="1" if h.effect == "ratio" else unit,
        direction="lower" if lower else "higher",
        effect=h.effect,
        smallest_effect=h.smallest_effect,
    )


def parameters_of(h: Hypothesis) -> dict[str, registry.Parameter]:
    """The cards of the hypothesis's conditions, by name."""
    if in_library(h):
        return registry.parameters(h.family)
    found: dict[str, Value] = {}
    for cell in h.cells:
        found.update(cell.conditions)
    return {name: _parameter(name, value) for name, value in found.items()}


def _parameter(name: str, value: Value) -> registry.Parameter:
    purpose = f"{words(name)}, a column of the recorded rows"
    if isinstance(value, bool):
        return registry.Parameter(name, purpose, "bool", value)
    if isinstance(value, str):
        return registry.Parameter(name, purpose, "choice", value, choices=(value,))
    return registry.Parameter(name, purpose, "int" if isinstance(value, int) else "float", value)


def source_of(h: Hypothesis, system: str) -> tuple[str, str]:
    """What a system is, with its source, and how it is implemented."""
    if not in_library(h):
        return f"{system}, a system of the person who ran it.", "in the recorded command"
    card = registry.kernel(h.family, system)
    section = f", {card.paper.section}" if card.paper.section else ""
    return f"{card.purpose} Source: {card.paper.title}{section}.", f"implemented as {card.implementation}"
