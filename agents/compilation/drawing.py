"""What all figures of a package share: sizes, the style asked for, legends, and what is said of them in words."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evidentia.agents.wording import words
from evidentia.workspace import plotting
from evidentia.workspace.figure_style import FigureStyle, Place, Scale
from evidentia.workspace.quantities import figure as digits
from evidentia.workspace.records import Branch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZES = {"usual": (1.0, 1.0), "wide": (1.4, 1.0), "tall": (1.0, 1.4), "large": (1.4, 1.4)}
"""By what width and height are multiplied."""
LARGER = 1.25
MOST_TICKS = 5
TITLE_COLUMNS = 84


@dataclass(frozen=True)
class Drawing:
    """A figure with what its Markdown sibling says: axes, data table, trend."""

    png: bytes
    svg: bytes
    title: str
    caption: str
    kind: str
    x: str
    y: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    trend: str


def render(
    size: tuple[float, float], draw: Callable[[Figure], None], style: FigureStyle | None = None
) -> tuple[bytes, bytes]:
    """PNG and SVG of what `draw` puts on an empty figure of `size` inches; no dates, fixed identifiers."""
    wider, taller = SIZES[style.size if style else "usual"]

    def drawn(figure: Figure) -> None:
        draw(figure)
        if style and style.text == "large":
            _enlarge(figure)

    return plotting.render((size[0] * wider, size[1] * taller), drawn)


def _enlarge(figure: Figure) -> None:
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_fontsize(float(text.get_fontsize()) * LARGER)


def is_log(asked: Scale, usual: bool, values: Sequence[float]) -> bool:
    """Whether an axis with these values is logarithmic, asked for or as usual; never where one is not positive."""
    return (asked == "log" or (asked == "usual" and usual)) and all(v > 0 for v in values)


def legend(
    figure: Figure, axes: Axes, place: Place, usual: Place, size: float, keys: dict[str, Any] | None = None
) -> None:
    """The legend inside the axes or beside them; `keys` are its handles by label, if not those of the axes."""
    where = usual if place == "usual" else place
    handles, labels = axes.get_legend_handles_labels() if keys is None else (list(keys.values()), list(keys))
    if where == "inside":
        axes.legend(handles, labels, fontsize=size)
    elif where == "right":
        figure.legend(handles, labels, fontsize=size, loc="outside right upper")
    else:
        figure.legend(handles, labels, fontsize=size, loc="outside lower left", ncols=len(labels))


def headed(figure: Figure, branch: Branch) -> None:
    """The title that the branch's style asks for, of the hypothesis or of its first claim."""
    if branch.figure.title == "none":
        return
    claim = branch.claims[0].statement if branch.claims else branch.hypothesis.title
    told = branch.hypothesis.title if branch.figure.title == "usual" else textwrap.fill(claim, TITLE_COLUMNS)
    figure.suptitle(told, fontsize=10, x=0.02, ha="left")


def ticked(axes: Axes, style: FigureStyle) -> None:
    """Labels of the horizontal axis thinned out or turned, where the style asks for it."""
    if style.ticks == "turned":
        axes.tick_params(axis="x", labelrotation=45)
    elif style.ticks == "fewer":
        labels = [label for label in axes.get_xticklabels() if label.get_text()]
        step = -(-len(labels) // MOST_TICKS)
        for number, label in enumerate(labels):
            label.set_visible(not step or number % step == 0)


def sample_size(axes: Axes, counts: Sequence[int]) -> None:
    """How many seeds stand behind each point, above the axes."""
    low, high = min(counts), max(counts)
    told = str(low) if low == high else f"{low} to {high}"
    axes.set_title(f"n = {told} seeds", loc="right", fontsize=8, color="#555555")


def axis(name: str, unit: str) -> str:
    """A quantity with its unit, which the number one has not."""
    return words(name) if unit in ("1", "") else f"{words(name)} ({unit})"


def interval(ci: tuple[float, float] | None) -> str:
    """An interval as a table says it."""
    return f"[{digits(ci[0])}, {digits(ci[1])}]" if ci else "–"
