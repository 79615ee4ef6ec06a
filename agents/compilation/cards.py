"""What the library's cards say of a hypothesis: concepts and parameters for the package."""

from __future__ import annotations

from evidentia.agents.subjects import metric_of, parameters_of, source_of
from evidentia.agents.wording import number, words
from evidentia.kernels import registry
from evidentia.workspace.records import Hypothesis


def concepts(h: Hypothesis) -> list[dict[str, str]]:
    """The terms of a hypothesis: its metric, its systems, what it varies."""
    metric = metric_of(h)
    related = ", ".join((*h.systems, *h.varied))
    found = [
        {
            "name": words(metric.name),
            "notation": metric.name,
            "definition": f"{metric.purpose} ({metric.unit}; {metric.direction} is better).",
            "boundary": "measured as the protocol of each experiment says",
            "related": related,
        }
    ]
    for system in h.systems:
        definition, boundary = source_of(h, system)
        found.append(
            {
                "name": system,
                "notation": system,
                "definition": definition,
                "boundary": boundary,
                "related": metric.name,
            }
        )
    known = parameters_of(h)
    found += [
        {
            "name": words(v),
            "notation": v,
            "definition": f"{known[v].purpose}.",
            "boundary": _range(known[v]),
            "related": metric.name,
        }
        for v in h.varied
    ]
    return found


def parameters(h: Hypothesis) -> list[dict[str, str]]:
    """Every parameter of the cells with its values and whether it was varied."""
    known = parameters_of(h)
    found = []
    for name in dict.fromkeys(k for c in h.cells for k in c.conditions):
        values = list(dict.fromkeys(c.conditions[name] for c in h.cells if name in c.conditions))
        varied = name in h.varied
        found.append(
            {
                "name": name,
                "value": ", ".join(number(v) for v in values),
                "rationale": "varied by this hypothesis" if varied else "held fixed",
                "range": _range(known[name]),
                "sensitivity": "measured here" if varied else "not measured here",
            }
        )
    return found


def _range(parameter: registry.Parameter) -> str:
    if parameter.kind == "choice":
        return ", ".join(parameter.choices)
    return "true or false" if parameter.kind == "bool" else "see the registry card"
