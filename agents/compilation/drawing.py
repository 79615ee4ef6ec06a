"""What all figures of a package share: colours, sizes, the style asked for, and the same bytes for the same data."""

from __future__ import annotations

import io
import textwrap
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evidentia.agents.wording import words
from evidentia.workspace.figure_style import FigureStyle, Place, Scale
from evidentia.workspace.quantities import figure as digits
from evidentia.workspace.records import Branch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
_STYLE: Any = {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e5e5e5",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "evidentia",
    "svg.fonttype": "path",
    "figure.dpi": 150,
}
SIZES = {"usual": (1.0, 1.0), "wide": (1.4, 1.0), "tall": (1.0, 1.4), "large": (1.4, 1.4)}
"""By what width and height are multiplied."""
LARGER = 1.25
MOST_TICKS = 5
TITLE_COLUMNS = 84
_drawing = threading.Lock()


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
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wider, taller = SIZES[style.size if style else "usual"]
    with _drawing, matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(size[0] * wider, size[1] * taller), layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        if style and style.text == "large":
            _enlarge(figure)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, for both formats
        png, svg = io.BytesIO(), io.BytesIO()
        figure.savefig(png, format="png", metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return png.getvalue(), svg.getvalue()


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
