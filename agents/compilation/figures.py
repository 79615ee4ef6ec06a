"""The figure of a package: curves or effects, by the form of its hypothesis."""

from __future__ import annotations

from collections.abc import Sequence

from evidentia.agents.compilation.curves import curves
from evidentia.agents.compilation.drawing import Drawing
from evidentia.agents.compilation.effects import effects
from evidentia.workspace.package.manifest import CellResult
from evidentia.workspace.records import Branch

__all__ = ["Drawing", "draw"]


def draw(branch: Branch, results: Sequence[CellResult]) -> Drawing | None:
    """The figure that suits the form of the hypothesis, in the branch's style; None where nothing was measured."""
    if not results or all(c.check.estimator == "mean" for c in branch.claims):
        return None  # one number of one system is no effect: the table says it
    form = branch.hypothesis.form
    swept = form in ("trend", "crossover", "optimum", "interaction")
    if not swept:
        return effects(branch)
    check = branch.claims[0].check
    name = check.moderator if form == "interaction" else check.parameter
    return curves(branch, results, name) or effects(branch)
