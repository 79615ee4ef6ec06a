"""The mind looks at a branch's figure before it is packaged, and has it drawn again in another style: twice at most.

Only the style can change. What was seen and chosen is an event, so that a resumed run draws the same figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evidentia.agents.compilation import drawing_of
from evidentia.agents.minds.protocol import FigureCritic
from evidentia.graph.branch import Branch
from evidentia.graph.packaging import material_of
from evidentia.workspace.figure_style import FigureStyle

if TYPE_CHECKING:
    from evidentia.graph.branch_steps import BranchSteps

MOST_REDRAWN = 2


def review_figure(steps: BranchSteps, branch: Branch) -> None:
    """Show the figure and draw it anew until nothing is wanted of it; `branch.figure_style` says what was kept."""
    mind = steps.mind
    if not isinstance(mind, FigureCritic) or not mind.looks_at_figures() or not branch.claims:
        return
    style: FigureStyle | None = FigureStyle()
    for number in range(MOST_REDRAWN + 1):
        if style is None:
            return
        if number == len(branch.figures) and not _looked(steps, branch, mind, style, number):
            return
        wanted = branch.figures[number]["next"]
        style = FigureStyle.model_validate(wanted) if wanted else None


def _looked(steps: BranchSteps, branch: Branch, mind: FigureCritic, style: FigureStyle, number: int) -> bool:
    """Whether there was a figure to look at, and the budget to; the event says what was seen, and what to draw next."""
    if steps.ledger.no_more_thinking():
        return False
    material = material_of(steps.journal, steps.mind, branch).model_copy(update={"figure": style})
    drawing = drawing_of(material, steps.workspace)
    if drawing is None:
        return False
    png = steps.workspace.blobs.put(drawing.png)
    if any(told["png"] == png for told in branch.figures):
        return False  # what was wished for changes nothing in this figure
    claim = next((c for c in branch.claims if c.headline), branch.claims[0])
    opinion = mind.look(drawing.png, claim.statement, drawing.caption, style)
    tried = [style.model_dump(), *(told["style"] for told in branch.figures)]
    wanted = opinion.style.model_dump() if opinion and opinion.faults and opinion.style else None
    redrawn = wanted is not None and wanted not in tried and number < MOST_REDRAWN
    payload = {
        "hypothesis": branch.id,
        "number": number,
        "style": style.model_dump(),
        "png": png,
        "faults": list(opinion.faults) if opinion else None,
        "next": wanted if redrawn else None,
    }
    steps.notice("figure.judged", payload, f"figures/{steps.mind.name}")
    return True
