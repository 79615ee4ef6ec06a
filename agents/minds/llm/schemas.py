"""What models are asked to fill in. Fields that are not asked for are left unread, whatever they say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from evidentia.workspace.figure_style import FigureStyle

Level = bool | int | float | str
Form = Literal["comparison", "equivalence", "bound", "trend", "crossover", "optimum", "interaction"]
MOST_IDEAS = 12


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Idea(Answer):
    """A hypothesis in terms of the library: what it claims is worded and checked by the host."""

    form: Form
    family: str
    metric: str
    system: str
    rival: str = ""
    parameter: str = ""
    levels: tuple[Level, ...] = Field((), max_length=12)
    candidate: Level | None = None
    conditions: dict[str, Level] = Field(default_factory=dict, max_length=40)
    effect: float | None = None
    why: str = Field("", max_length=4000)
    follows: str = ""
    promise: float = Field(0.5, ge=0, le=1)


class Ideas(Answer):
    """The ideas of one round, none if the question is exhausted."""

    ideas: tuple[Idea, ...] = Field(max_length=MOST_IDEAS)


class Move(Answer):
    """The one condition that an attack changes."""

    parameter: str
    value: Level


class Objection(Answer):
    """A reviewer's word on one claim."""

    claim: str
    verdict: Literal["supported", "overstated", "wrong", "cannot tell"]
    reason: str = Field("", max_length=4000)


class Critique(Answer):
    """A review of a branch: it can only make the verdicts by rule worse."""

    claims: tuple[Objection, ...] = Field((), max_length=40)
    summary: str = Field("", max_length=8000)
    would_change_my_mind: str = Field("", max_length=4000)


class Lesson(Answer):
    """What the next run should know of a branch that did not hold."""

    lesson: Annotated[str, Field(min_length=1, max_length=8000)]


class FigureFaults(Answer):
    """What a reader would miss in a figure; empty lists where it is good."""

    labels: tuple[str, ...] = Field((), max_length=10)
    legibility: tuple[str, ...] = Field((), max_length=10)
    shows_the_claim: bool
    why: str = Field("", max_length=4000)
    redraw: FigureStyle | None = None
