"""From a hypothesis to a script: the cells it registered, measured once per seed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from evidentia.agents.minds.protocol import Design
from evidentia.kernels import registry
from evidentia.workspace.records import Cell, Hypothesis

if TYPE_CHECKING:
    from jinja2 import Template

LIMITS: Mapping[str, float] = {"wall_seconds": 120.0, "cpu_seconds": 120.0, "memory_bytes": float(2 * 1024**3)}
GPU_MEMORY = float(16 * 1024**3)
"""Where a kernel needs a CUDA device: its libraries, context and pinned buffers lie in the host's memory too."""
RAISED = 2.0
"""By how much a limit is raised, once, after a script exceeded it."""


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    environment.filters["pyrepr"] = repr
    text = files("evidentia.agents.minds.builtin").joinpath("experiment.py.j2").read_text(encoding="utf-8")
    return environment.from_string(text)


def limits(hypothesis: Hypothesis) -> Mapping[str, float]:
    """What one script about the hypothesis may use at first."""
    if any(k.needs_gpu and k.name in hypothesis.systems for k in registry.kernels(hypothesis.family)):
        return {**LIMITS, "memory_bytes": GPU_MEMORY}
    return LIMITS


def render(
    hypothesis: Hypothesis, seeds: tuple[int, ...], cells: tuple[Cell, ...], role: str, limits: Mapping[str, float]
) -> Design:
    """The design that measures `cells` with `seeds`; exclusive where the metric is timed."""
    metric = registry.family(hypothesis.family).metric(hypothesis.metric)
    script = _template().render(
        hypothesis=hypothesis.id,
        role=role,
        family=hypothesis.family,
        systems=", ".join(dict.fromkeys(c.system for c in cells)),
        metrics=[hypothesis.metric],
        seeds=list(seeds),
        cells=[(c.system, dict(c.conditions)) for c in cells],
    )
    timing = "timed alone on the machine" if metric.timed else "a function of seed and conditions"
    return Design(
        script=script,
        seeds=seeds,
        cells=cells,
        limits=dict(limits),
        exclusive=metric.timed,
        protocol=f"Every cell measured once per seed; systems share the workload of a seed (paired); {timing}.",
    )
