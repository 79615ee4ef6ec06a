"""Effects: one line per cell with the interval of its claim, beside the band that is too small to matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evidentia.agents.compilation import drawing
from evidentia.agents.compilation.drawing import Drawing
from evidentia.agents.subjects import metric_of
from evidentia.agents.wording import number, words
from evidentia.workspace.plotting import PALETTE
from evidentia.workspace.quantities import figure as digits
from evidentia.workspace.records import Branch, Claim

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, LINE = 5.6, 1.8, 0.32
"""Inches; LINE is what each claim adds to the height."""
STATUS_COLORS = {"supported": PALETTE[0], "refuted": PALETTE[1], "inconclusive": "#777777"}
STATUS_MARKERS = {"supported": "o", "refuted": "s", "inconclusive": "D"}


def effects(branch: Branch) -> Drawing | None:
    """The effects of all claims that have an interval; None where none has."""
    shown = [c for c in branch.claims if c.value is not None and c.ci is not None]
    if not shown:
        return None
    metric, style = metric_of(branch.hypothesis), branch.figure
    ratio = metric.effect == "ratio"
    log = ratio and style.x_scale != "linear"
    step = metric.smallest_effect
    band = (1 / step, step) if ratio else (-step, step)
    values = [c.value for c in shown if c.value is not None]
    labels = [_place(branch, c) for c in shown]
    versus = _versus(shown[0])
    against = shown[0].check.system + (f" {'over' if ratio else 'minus'} {versus}" if versus else "")

    def paint(figure: Figure) -> None:
        from matplotlib.lines import Line2D

        axes = figure.subplots()
        too_small = axes.axvspan(*band, color="#dddddd", linewidth=0, zorder=0)
        for i, c in enumerate(shown):
            assert c.value is not None
            assert c.ci is not None
            color = STATUS_COLORS[c.status]
            axes.plot(c.ci, (i, i), color=color, linewidth=2, solid_capstyle="butt")
            axes.plot([c.value], [i], marker=STATUS_MARKERS[c.status], color=color, markersize=5)
        if log:
            axes.set_xscale("log")
            _plain_log_ticks(axes)
        drawing.ticked(axes, style)
        axes.set_yticks(range(len(shown)), labels)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"{words(metric.name)}: {against} ({shown[0].unit})")
        drawing.sample_size(axes, [c.n for c in shown])
        told = [s for s in STATUS_COLORS if any(c.status == s for c in shown)]
        keys: dict[str, Any] = {
            s: Line2D([], [], color=STATUS_COLORS[s], marker=STATUS_MARKERS[s], linewidth=2, markersize=5) for s in told
        }
        keys["smaller than the smallest effect of interest"] = too_small
        drawing.legend(figure, axes, style.legend, "below", 7.5, keys)
        drawing.headed(figure, branch)

    png, svg = drawing.render((WIDTH, HEIGHT + LINE * len(shown)), paint, style)
    rows = tuple(
        (c.id, label, str(c.n), digits(c.value or 0.0), drawing.interval(c.ci), c.status)
        for c, label in zip(shown, labels, strict=True)
    )
    return Drawing(
        png,
        svg,
        branch.hypothesis.title,
        f"Paired effect on {words(metric.name)}, {against}: one line per cell with its simultaneous interval; the "
        "grey band is smaller than the smallest effect of interest.",
        "interval plot",
        f"{words(metric.name)}, {against} ({shown[0].unit})" + (" (log)" if log else ""),
        "cells",
        ("claim", "cell", "n", "effect", "interval", "status"),
        rows,
        f"the effect lies between {digits(min(values))} and {digits(max(values))} {shown[0].unit}.",
    )


def _versus(claim: Claim) -> str:
    check = claim.check
    if check.versus_at:
        return ", ".join(f"{words(k)} {number(v)}" for k, v in check.versus_at.items())
    return check.versus


def _place(branch: Branch, claim: Claim) -> str:
    names = [n for n in branch.hypothesis.varied if n in claim.conditions]
    return ", ".join(f"{words(n)} {number(claim.conditions[n])}" for n in names) or "all"


def _plain_log_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    wide = high / low > 20
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
