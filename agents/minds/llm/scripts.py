"""The script of a model: a head by the host that says what is to be measured, then the model's own code."""

from __future__ import annotations

from collections.abc import Mapping
from pprint import pformat

from evidentia.agents.minds.builtin.design import LIMITS, render
from evidentia.agents.minds.protocol import Design
from evidentia.kernels import registry
from evidentia.workspace.records import Hypothesis

END = "# The code below was written by a language model.\n"
BY_MODEL = "The script below the head was written by a language model"


def by_model(script: str) -> bool:
    """Whether a script holds a model's own code."""
    return END in script


def head(hypothesis: Hypothesis, seeds: tuple[int, ...]) -> str:
    """The names a model's code works with: FAMILY, METRIC, SEEDS and CELLS."""
    cells = [(c.system, dict(c.conditions)) for c in hypothesis.cells]
    return (
        "# Grounding: transcribed (this is the script that ran)\n"
        f"FAMILY = {hypothesis.family!r}\n"
        f"METRIC = {hypothesis.metric!r}\n"
        f"SEEDS = {list(seeds)!r}\n"
        f"CELLS = {pformat(cells, width=116, sort_dicts=False)}\n"
        f"{END}\n"
    )


def library_design(hypothesis: Hypothesis, seeds: tuple[int, ...], limits: Mapping[str, float] = LIMITS) -> Design:
    """The library's own script for the hypothesis's cells."""
    return render(hypothesis, seeds, hypothesis.cells, "measure", limits)


def model_design(
    hypothesis: Hypothesis, seeds: tuple[int, ...], code: str, limits: Mapping[str, float] = LIMITS
) -> Design:
    """The model's code over the hypothesis's cells; timed metrics are measured alone."""
    return Design(
        script=head(hypothesis, seeds) + code,
        seeds=seeds,
        cells=hypothesis.cells,
        limits=dict(limits),
        exclusive=registry.family(hypothesis.family).metric(hypothesis.metric).timed,
        protocol=f"{BY_MODEL}; whether it measures what it says is tested by the library's own script on fresh seeds.",
    )


def nothing(reason: str) -> str:
    """Code that fails with the reason why there is none: the branch becomes a dead end that says so."""
    return f"raise SystemExit({f'the model gave no script: {reason}'!r})\n"


def code_of(design: Design) -> str | None:
    """The model's code in a design; None where the script is the library's."""
    _, found, code = design.script.partition(f"{END}\n")
    return code if found else None
