"""Showing a figure to a vision-capable model: can it be read, and does it show the claim? It decides nothing."""

from __future__ import annotations

from evidentia.agents.minds.llm.asking import NoAnswerError, ask
from evidentia.agents.minds.llm.line import Line
from evidentia.agents.minds.llm.names import Models
from evidentia.agents.minds.llm.prose import sentences
from evidentia.agents.minds.llm.reading import as_schema
from evidentia.agents.minds.llm.schemas import FigureFaults


def critique(line: Line, models: Models, png: bytes, claim: str, caption: str) -> tuple[str, ...] | None:
    """The faults a model sees in a figure, one plain English sentence each, none where it is good; None where the
    model gives no answer that can be used.

    `png` is the figure's file, `claim` what it is to show. Raises ModelError when the model cannot be reached or takes
    no pictures.
    """
    try:
        found = ask(
            line,
            models,
            "figure",
            lambda text: as_schema(text, FigureFaults),
            png=png,
            claim=claim,
            caption=caption,
        )
    except NoAnswerError:
        return None
    told = [f"Labels: {fault}" for fault in found.labels] + [f"Legibility: {fault}" for fault in found.legibility]
    if not found.shows_the_claim:
        told.append(f"It does not show the claim: {found.why or 'no reason given'}")
    return tuple(filter(None, (sentences(fault) for fault in told)))
