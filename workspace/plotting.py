"""How every figure looks, and the same bytes for the same data: colours, style, PNG and SVG of a drawn figure."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours that readers with any kind of colour vision tell apart (Okabe and Ito, 2008)."""
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
_drawing = threading.Lock()


def render(size: tuple[float, float], draw: Callable[[Figure], None]) -> tuple[bytes, bytes]:
    """PNG and SVG of what `draw` puts on an empty figure of `size` inches; no dates, fixed identifiers."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with _drawing, matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, for both formats
        png, svg = io.BytesIO(), io.BytesIO()
        figure.savefig(png, format="png", metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return png.getvalue(), svg.getvalue()
