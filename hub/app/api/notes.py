"""A person's notes into their own run: decisions, dead ends and changes of direction."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Body
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from evidentia.errors import EvidentiaError
from evidentia.hub.app.api.answers import BEARER, WRITES, router
from evidentia.hub.app.api.runs import Run
from evidentia.hub.app.session import Home, Writer
from evidentia.hub.journals import journal

routes = router("Runs", "/runs")
PATIENCE = 5.0
"""Seconds to wait for another program that writes to the run."""
Words = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Node = Annotated[str, StringConstraints(max_length=40, pattern=r"^[A-Za-z0-9]*$")]


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid")
    at: Node = Field("", description="The node it hangs below; without it the run's own rule.")


class Decision(_Note):
    """What was decided, and what was not chosen."""

    kind: Literal["decision"]
    choice: Words
    alternatives: Annotated[tuple[Words, ...], Field(min_length=1, max_length=20)]


class DeadEnd(_Note):
    """What did not work; with `at` naming a recorded experiment it takes that one's evidence."""

    kind: Literal["dead_end"]
    title: Words
    hypothesis: Words
    failure: Words
    lesson: Words


class Pivot(_Note):
    """A change of direction and what caused it."""

    kind: Literal["pivot"]
    title: Words
    origin: Words
    target: Words
    because: Words


class Noted(BaseModel):
    """The node that a note became."""

    run: str
    node: str


Note = Annotated[Decision | DeadEnd | Pivot, Body(discriminator="kind")]


@routes.post("/{run}/notes", status_code=201, dependencies=[Writer], responses=WRITES, openapi_extra=BEARER)
def note(home: Home, run: Run, note: Note) -> Noted:
    """Note something in a run of a person (`evidentia capture`); runs of a mind are steered on their own page."""
    from evidentia.graph.capture.entries import entry
    from evidentia.graph.capture.notes import note_dead_end, note_decision, note_pivot
    from evidentia.workspace.records import PERSON

    if journal(home, run).mind != PERSON:
        raise EvidentiaError(f"{run} is not a person's run, and only those take notes; begin one with `evidentia note`")
    with entry(home, run, patience=PATIENCE) as book:
        if isinstance(note, Decision):
            node = note_decision(book, note.choice, note.alternatives, note.at)
        elif isinstance(note, DeadEnd):
            node = note_dead_end(book, note.title, note.hypothesis, note.failure, note.lesson, note.at)
        else:
            node = note_pivot(book, note.title, note.origin, note.target, note.because, note.at)
    return Noted(run=run, node=node)
