"""Showing a figure to a vision-capable model: can it be read, does it show the claim, how should it be drawn?

It decides nothing and changes no number: what comes back is plain sentences and a style of the listed options.
"""

from __future__ import annotations

from typing import get_args

from evidentia.agents.minds.llm.asking import NoAnswerError, ask
from evidentia.agents.minds.llm.line import Line, ModelError
from evidentia.agents.minds.llm.names import Models
from evidentia.agents.minds.llm.prose import sentences
from evidentia.agents.minds.llm.reading import as_schema
from evidentia.agents.minds.llm.schemas import FigureFaults
from evidentia.agents.minds.protocol import Opinion
from evidentia.workspace.figure_style import FigureStyle


def critique(line: Line, models: Models, png: bytes, claim: str, caption: str, style: FigureStyle) -> Opinion | None:
    """The faults a model sees in a figure drawn in `style`, one plain English sentence each, and the style it wants;
    None where the model cannot be reached, takes no pictures, or gives no answer that can be used.

    `png` is the figure's file, `claim` what it is to show.
    """
    options = {name: get_args(field.annotation) for name, field in FigureStyle.model_fields.items()}
    try:
        found = ask(
            line,
            models,
            "figure",
            lambda text: as_schema(text, FigureFaults),
            png=png,
            claim=claim,
            caption=caption,
            style=style.model_dump(),
            options=options,
        )
    except (NoAnswerError, ModelError):
        return None
    told = [f"Labels: {fault}" for fault in found.labels] + [f"Legibility: {fault}" for fault in found.legibility]
    if not found.shows_the_claim:
        told.append(f"It does not show the claim: {found.why or 'no reason given'}")
    return Opinion(tuple(filter(None, (sentences(fault) for fault in told))), found.redraw)
