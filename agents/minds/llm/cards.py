"""The library's cards of the families at hand, as short as a prompt wants them."""

from __future__ import annotations

from evidentia.agents.brief import Brief
from evidentia.agents.minds.builtin.families import families as meant
from evidentia.agents.wording import number
from evidentia.kernels import registry
from evidentia.kernels.registry import Family, Kernel, Parameter


def at_hand(brief: Brief) -> list[Family]:
    """The brief's families, else those its words mean, else all that are a root of their own."""
    names = list(brief.families) or meant(brief.question)
    return [registry.family(n) for n in names] or [f for f in registry.families() if not f.within]


def usable(family: str) -> list[Kernel]:
    """The family's kernels that this machine can measure."""
    return [k for k in registry.kernels(family) if not k.needs_gpu]


def card(family: Family) -> str:
    """A family in a few dozen lines: metrics, conditions with their ranges, kernels with their settings."""
    lines = [f"family {family.name}: {family.purpose}", "metrics:"]
    for m in family.metrics:
        limit = f"; starts to hurt at {m.limit:g}" if m.limit is not None else ""
        lines.append(
            f"- {m.name} ({m.unit}, {m.direction} is better; systems are compared by {m.effect}, smallest effect of "
            f"interest {m.smallest_effect:g}{limit}): {m.purpose}"
        )
    lines.append("conditions:")
    lines += [f"- {_parameter(p)}" for p in family.parameters]
    lines.append("kernels:")
    for k in usable(family.name):
        words = [f"- {k.name}: {k.purpose}"]
        words += [f"baseline {k.baseline}." if k.baseline else "", "offline optimum." if "optimal" in k.tags else ""]
        words += [f"setting {_parameter(p)}." for p in k.parameters]
        words += [f"law: {law.metric} with {law.parameter} ({law.form})." for law in k.laws]
        lines.append(" ".join(w for w in words if w))
    return "\n".join(lines)


def _parameter(p: Parameter) -> str:
    if p.kind == "choice":
        span = "one of " + ", ".join(p.choices)
    elif p.kind == "bool":
        span = "true or false"
    else:
        ends = ("" if end is None else number(end) for end in (p.low, p.high))
        span = (
            f"{p.kind} {' to '.join(ends)}; usual levels {', '.join(number(v) for v in p.levels) or number(p.default)}"
        )
    gates = " and ".join(f"{g} is {' or '.join(map(str, v))}" for g, v in p.when.items())
    return f"{p.name} ({span}; default {p.default}{f'; only where {gates}' if gates else ''}): {p.purpose}"
