"""How a figure is drawn, of what may be chosen freely: never its data, its marks, or what its axes measure."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Place = Literal["usual", "inside", "below", "right"]
Scale = Literal["usual", "linear", "log"]


class FigureStyle(BaseModel):
    """Options of a figure; ``usual`` is what suits its form.

    A logarithmic axis is drawn only where every value on it is positive. `ticks` thins out or turns the labels of the
    horizontal axis. `title` is the hypothesis's title, the statement of its first claim, or nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Literal["usual", "wide", "tall", "large"] = "usual"
    text: Literal["usual", "large"] = "usual"
    legend: Place = "usual"
    x_scale: Scale = "usual"
    y_scale: Scale = "usual"
    ticks: Literal["usual", "fewer", "turned"] = "usual"
    title: Literal["usual", "claim", "none"] = "usual"
