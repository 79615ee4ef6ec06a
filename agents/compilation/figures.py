"""Figures of a package: drawn from cell results and claims, the same bytes for the same data."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evidentia.agents.subjects import metric_of, parameters_of
from evidentia.agents.wording import number, words
from evidentia.workspace.package.manifest import CellResult
from evidentia.workspace.quantities import figure as digits
from evidentia.workspace.records import Branch, Claim

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
STATUS_COLORS = {"supported": PALETTE[0], "refuted": PALETTE[1], "inconclusive": "#777777"}
STATUS_MARKERS = {"supported": "o", "refuted": "s", "inconclusive": "D"}
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


def draw(branch: Branch, results: Sequence[CellResult]) -> Drawing | None:
    """The figure that suits the form of the hypothesis; None where nothing was measured."""
    if not results or all(c.check.estimator == "mean" for c in branch.claims):
        return None  # one number of one system is no effect: the table says it
    form = branch.hypothesis.form
    if form in ("trend", "crossover", "optimum"):
        return _curves(branch, results, branch.claims[0].check.parameter)
    if form == "interaction":
        return _curves(branch, results, branch.claims[0].check.moderator)
    return _effects(branch)


def _series(branch: Branch, results: Sequence[CellResult], name: str) -> dict[str, list[CellResult]]:
    """Curves by label: the system, and the other varied conditions where there are any."""
    others = [v for v in branch.hypothesis.varied if v != name]
    found: dict[str, list[CellResult]] = {}
    for r in results:
        label = ", ".join([r.system, *(f"{words(o)} {number(r.conditions[o])}" for o in others if o in r.conditions)])
        found.setdefault(label, []).append(r)
    return {k: sorted(v, key=lambda r: float(r.conditions[name])) for k, v in found.items()}


def _curves(branch: Branch, results: Sequence[CellResult], name: str) -> Drawing | None:
    if any(name not in r.conditions or isinstance(r.conditions[name], str) for r in results):
        return _effects(branch)
    metric = metric_of(branch.hypothesis)
    parameter = parameters_of(branch.hypothesis)[name]
    series = _series(branch, results, name)
    positive = all(r.mean > 0 for r in results)
    claim = branch.claims[0]

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for i, (label, points) in enumerate(series.items()):
            x = [float(p.conditions[name]) for p in points]
            y = [p.mean for p in points]
            color = PALETTE[i % len(PALETTE)]
            if positive or metric.effect == "difference":
                low = [p.ci[0] if p.ci else p.mean for p in points]
                high = [p.ci[1] if p.ci else p.mean for p in points]
                axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
            axes.plot(x, y, color=color, marker=MARKERS[i % len(MARKERS)], markersize=4.5, linewidth=1.4, label=label)
        if parameter.scale == "log" and all(float(r.conditions[name]) > 0 for r in results):
            axes.set_xscale("log")
        ticks = sorted({float(r.conditions[name]) for r in results})
        axes.set_xticks(ticks, [number(t) for t in ticks])
        axes.minorticks_off()
        if metric.effect == "ratio" and positive:
            axes.set_yscale("log")
        if claim.check.estimator == "threshold_crossing" and metric.limit is not None:
            axes.axhline(metric.limit, color="#666666", linestyle="--", linewidth=1)
            axes.annotate(
                f"limit {metric.limit:g} {metric.unit}",
                (1, metric.limit),
                xycoords=("axes fraction", "data"),
                xytext=(-2, 3),
                textcoords="offset points",
                ha="right",
                fontsize=8,
                color="#666666",
            )
        if claim.check.estimator in ("crossover", "threshold_crossing") and claim.value is not None and claim.ci:
            axes.axvspan(*claim.ci, color="#999999", alpha=0.35, linewidth=0)
            axes.axvline(claim.value, color="#444444", linewidth=0.8)
        axes.set_xlabel(_axis(name, parameter.unit))
        axes.set_ylabel(_axis(metric.name, metric.unit))
        _sample_size(axes, [r.n for r in results])
        if len(series) > 1:
            axes.legend(fontsize=8)
        figure.suptitle(branch.hypothesis.title, fontsize=10, x=0.02, ha="left")

    png, svg = render((5.2, 3.4), paint)
    rows = tuple(
        (label, number(p.conditions[name]), str(p.n), digits(p.mean), _interval(p.ci))
        for label, points in series.items()
        for p in points
    )
    trends = [f"{label} goes from {digits(p[0].mean)} to {digits(p[-1].mean)}" for label, p in series.items()]
    return Drawing(
        png,
        svg,
        branch.hypothesis.title,
        f"{words(metric.name).capitalize()} ({metric.unit}) against {words(name)}: means over seeds, "
        "bands are t intervals of single cells.",
        "line plot",
        _axis(name, parameter.unit) + (" (log)" if parameter.scale == "log" else ""),
        _axis(metric.name, metric.unit) + (" (log)" if metric.effect == "ratio" and positive else ""),
        ("series", words(name), "n", "mean", "interval"),
        rows,
        "; ".join(trends) + ".",
    )


def _axis(name: str, unit: str) -> str:
    return words(name) if unit in ("1", "") else f"{words(name)} ({unit})"


def _interval(ci: tuple[float, float] | None) -> str:
    return f"[{digits(ci[0])}, {digits(ci[1])}]" if ci else "–"


def _effects(branch: Branch) -> Drawing | None:
    shown = [c for c in branch.claims if c.value is not None and c.ci is not None]
    if not shown:
        return None
    metric = metric_of(branch.hypothesis)
    ratio = metric.effect == "ratio"
    step = metric.smallest_effect
    labels = [_place(branch, c) for c in shown]
    versus = _versus(shown[0])
    against = shown[0].check.system + (f" {'over' if ratio else 'minus'} {versus}" if versus else "")

    def paint(figure: Figure) -> None:
        from matplotlib.lines import Line2D

        axes = figure.subplots()
        band = _band(axes, (1 / step, step) if ratio else (-step, step))
        for i, c in enumerate(shown):
            assert c.value is not None
            assert c.ci is not None
            color = STATUS_COLORS[c.status]
            axes.plot(c.ci, (i, i), color=color, linewidth=2, solid_capstyle="butt")
            axes.plot([c.value], [i], marker=STATUS_MARKERS[c.status], color=color, markersize=5)
        if ratio:
            axes.set_xscale("log")
            _plain_log_ticks(axes)
        axes.set_yticks(range(len(shown)), labels)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"{words(metric.name)}: {against} ({shown[0].unit})")
        _sample_size(axes, [c.n for c in shown])
        told = [s for s in STATUS_COLORS if any(c.status == s for c in shown)]
        keys = [
            Line2D([], [], color=STATUS_COLORS[s], marker=STATUS_MARKERS[s], linewidth=2, markersize=5) for s in told
        ]
        names = [*told, "smaller than the smallest effect of interest"]
        figure.legend([*keys, band], names, loc="outside lower left", ncols=len(names), fontsize=7.5)
        figure.suptitle(branch.hypothesis.title, fontsize=10, x=0.02, ha="left")

    png, svg = render((5.6, 1.8 + 0.32 * len(shown)), paint)
    rows = tuple(
        (c.id, label, str(c.n), digits(c.value or 0.0), _interval(c.ci), c.status)
        for c, label in zip(shown, labels, strict=True)
    )
    values = [c.value for c in shown if c.value is not None]
    return Drawing(
        png,
        svg,
        branch.hypothesis.title,
        f"Paired effect on {words(metric.name)}, {against}: one line per cell with its simultaneous interval; the "
        "grey band is smaller than the smallest effect of interest.",
        "interval plot",
        f"{words(metric.name)}, {against} ({shown[0].unit})" + (" (log)" if ratio else ""),
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


def _band(axes: Axes, ends: tuple[float, float]) -> Any:
    return axes.axvspan(*ends, color="#dddddd", linewidth=0, zorder=0)


def _sample_size(axes: Axes, counts: Sequence[int]) -> None:
    """How many seeds stand behind each point, above the axes."""
    low, high = min(counts), max(counts)
    told = str(low) if low == high else f"{low} to {high}"
    axes.set_title(f"n = {told} seeds", loc="right", fontsize=8, color="#555555")


def _plain_log_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    wide = high / low > 20
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
