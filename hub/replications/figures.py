"""Figures of the answers, well set: lines with intervals, one look each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evidentia.hub.exports.paper.wording import in_unit, number, words
from evidentia.hub.replications.curves import WIDE_RANGE, Curves
from evidentia.workspace.plotting import MARKERS, PALETTE, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (5.6, 3.3)
LARGE = 1e5
"""From which value on numbers are written with k, M and G."""
ROOM = 0.09
"""Least distance between two ticks' labels, as a share of the axis."""


def draw(curves: Curves) -> bytes:
    """The figure as SVG: the same curves give the same bytes."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for i, (label, line) in enumerate(curves.lines.items()):
            x, mean = [p.level for p in line], [p.mean for p in line]
            color, marker = PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]
            around = [p.mean - p.low for p in line], [p.high - p.mean for p in line]
            line_of = axes.errorbar(x, mean, yerr=around, color=color, elinewidth=1, capsize=2.5, label=label)[0]
            line_of.set(marker=marker, markersize=4.5, linewidth=1.4)
        _scale(axes, curves)
        axes.set_xlabel(_axis(curves.parameter.name, curves.parameter.unit))
        axes.set_ylabel(_axis(curves.metric.name, curves.metric.unit))
        if len(curves.lines) > 1:
            figure.legend(fontsize=8, loc="outside upper left", ncols=min(3, len(curves.lines)))
        else:
            axes.set_title(next(iter(curves.lines)), loc="left", fontsize=9)

    return render(SIZE, paint)[1]


def _axis(name: str, unit: str) -> str:
    return words(name) if unit in words(name).split() else in_unit(words(name), unit)


def _scale(axes: Axes, curves: Curves) -> None:
    """Logarithmic where values span decades or the card says so; a tick at every level that has room."""
    from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator

    large = max(point.high for line in curves.lines.values() for point in line) >= LARGE
    if curves.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.yaxis.minorticks_off()
    if large:
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    levels = sorted({point.level for line in curves.lines.values() for point in line})
    if levels[0] > 0 and (curves.parameter.scale == "log" or levels[-1] / levels[0] > WIDE_RANGE["ratio"]):
        axes.set_xscale("log")
    ticks = list(_apart(levels, log=axes.get_xscale() == "log"))
    axes.set_xticks(ticks, [number(level) for level in ticks])
    axes.xaxis.minorticks_off()


def _apart(levels: Sequence[float], *, log: bool) -> Iterator[float]:
    """The levels whose labels do not touch the one before."""

    places = [math.log(v) if log else v for v in levels]
    span, last = places[-1] - places[0], -math.inf
    for level, place in zip(levels, places, strict=True):
        if (place - last) / span >= ROOM:
            yield level
            last = place
