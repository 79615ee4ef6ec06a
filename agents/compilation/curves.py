"""Curves: a metric against a parameter, one line per system, with the bands of single cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evidentia.agents.compilation import drawing
from evidentia.agents.compilation.drawing import Drawing
from evidentia.agents.subjects import metric_of, parameters_of
from evidentia.agents.wording import number, words
from evidentia.workspace.package.manifest import CellResult
from evidentia.workspace.plotting import MARKERS, PALETTE
from evidentia.workspace.quantities import figure as digits
from evidentia.workspace.records import Branch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (5.2, 3.4)
_MARKED = ("crossover", "threshold_crossing")


def curves(branch: Branch, results: Sequence[CellResult], name: str) -> Drawing | None:
    """The metric against the parameter `name`; None where not every cell has a number of it."""
    if any(name not in r.conditions or isinstance(r.conditions[name], str) for r in results):
        return None
    metric, style = metric_of(branch.hypothesis), branch.figure
    parameter = parameters_of(branch.hypothesis)[name]
    series = _series(branch, results, name)
    positive = all(r.mean > 0 for r in results)
    x_log = drawing.is_log(style.x_scale, parameter.scale == "log", [float(r.conditions[name]) for r in results])
    y_log = drawing.is_log(style.y_scale, metric.effect == "ratio", [r.mean for r in results])

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
        if x_log:
            axes.set_xscale("log")
        ticks = sorted({float(r.conditions[name]) for r in results})
        axes.set_xticks(ticks, [number(t) for t in ticks])
        axes.minorticks_off()
        drawing.ticked(axes, style)
        if y_log:
            axes.set_yscale("log")
        _mark(axes, branch, metric.limit, metric.unit)
        axes.set_xlabel(drawing.axis(name, parameter.unit))
        axes.set_ylabel(drawing.axis(metric.name, metric.unit))
        drawing.sample_size(axes, [r.n for r in results])
        if len(series) > 1:
            drawing.legend(figure, axes, style.legend, "inside", 8)
        drawing.headed(figure, branch)

    png, svg = drawing.render(SIZE, paint, style)
    rows = tuple(
        (label, number(p.conditions[name]), str(p.n), digits(p.mean), drawing.interval(p.ci))
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
        drawing.axis(name, parameter.unit) + (" (log)" if x_log else ""),
        drawing.axis(metric.name, metric.unit) + (" (log)" if y_log else ""),
        ("series", words(name), "n", "mean", "interval"),
        rows,
        "; ".join(trends) + ".",
    )


def _series(branch: Branch, results: Sequence[CellResult], name: str) -> dict[str, list[CellResult]]:
    """Curves by label: the system, and the other varied conditions where there are any."""
    others = [v for v in branch.hypothesis.varied if v != name]
    found: dict[str, list[CellResult]] = {}
    for r in results:
        label = ", ".join([r.system, *(f"{words(o)} {number(r.conditions[o])}" for o in others if o in r.conditions)])
        found.setdefault(label, []).append(r)
    return {k: sorted(v, key=lambda r: float(r.conditions[name])) for k, v in found.items()}


def _mark(axes: Axes, branch: Branch, limit: float | None, unit: str) -> None:
    """Where the first claim puts a crossing, with its interval, and the limit that is crossed."""
    claim = branch.claims[0]
    if claim.check.estimator == "threshold_crossing" and limit is not None:
        axes.axhline(limit, color="#666666", linestyle="--", linewidth=1)
        axes.annotate(
            f"limit {limit:g} {unit}",
            (1, limit),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 3),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color="#666666",
        )
    if claim.check.estimator in _MARKED and claim.value is not None and claim.ci:
        axes.axvspan(*claim.ci, color="#999999", alpha=0.35, linewidth=0)
        axes.axvline(claim.value, color="#444444", linewidth=0.8)
