"""The first half of a paper: what was asked, what was registered, and how it was measured."""

from __future__ import annotations

from collections.abc import Iterator

from evidentia.hub.exports.paper.document import (
    Block,
    Column,
    Facts,
    Items,
    Line,
    Paragraph,
    Section,
    Table,
    line,
    mono,
    strong,
    table,
)
from evidentia.hub.exports.paper.reading import Source
from evidentia.hub.exports.paper.wording import NOTHING, expected, listed, number, words
from evidentia.kernels import registry
from evidentia.workspace.records import Hypothesis, Value
from evidentia.workspace.units import difference_unit

MOST_LEVELS = 12
ESTIMATORS = {
    "mean": "the mean over seeds",
    "paired_difference": "the difference of the two systems within each seed",
    "paired_ratio": "the ratio of the two systems within each seed, as a geometric mean",
    "power_exponent": "the slope of the metric against the parameter, both on log scales, fitted within each seed",
    "exponential_rate": "the slope of the metric's logarithm against the parameter, fitted within each seed",
    "change_over_range": "the robust (Theil–Sen) change from the first to the last level within each seed",
    "ratio_over_range": "the robust (Theil–Sen) ratio of the last level to the first within each seed",
    "isotonic_change": "the rise, over the range, of the rising curve nearest to the mean curve (isotonic regression)",
    "isotonic_ratio": "the rise, as a ratio, of the rising curve nearest to the mean curve (isotonic regression)",
    "largest_fall": "the most the mean curve falls from one level to any later one",
    "fall_ratio": "the largest ratio of one level of the mean curve to any later one",
    "crossover": "the place where two curves change order, interpolated within each seed",
    "threshold_crossing": "the place where a curve crosses its limit, interpolated within each seed",
    "difference_of_differences": "the difference, between two values of the moderator, of the paired difference",
    "ratio_of_ratios": "the ratio, between two values of the moderator, of the paired ratio",
    "regret": "how much the best level beats the named one within each seed",
    "best_level": "the level that does best, between the outermost ones that no other is known to beat",
    "corner_difference": "the change of the paired difference between two corners of the factorial",
    "corner_ratio": "the change, as a ratio, of the paired ratio between two corners of the factorial",
    "shapley_difference": "the part of that change that one condition accounts for (Shapley value)",
    "shapley_ratio": "the part of that change, as a ratio, that one condition accounts for (Shapley value)",
    "regret_ratio": "the ratio by which the best level beats the named one within each seed",
}


def asked(source: Source) -> Section:
    """The question, the registered hypothesis and what would refute it."""
    h = source.manifest.branch.hypothesis
    facts: list[tuple[str, Line]] = [
        ("Hypothesis", line(strong(_sentence(h.statement)))),
        ("Falsified if", line(h.falsification or NOTHING)),
        ("Smallest effect", line(_smallest(h))),
    ]
    if h.rationale:
        facts.append(("Why this branch", line(h.rationale)))
    if h.trigger:
        facts.append(("What led to it", line(h.trigger)))
    facts.append(("Registered", (*line("as "), mono(h.id), *line(_registered(source)))))
    question = source.manifest.question
    return Section(title="Question and hypothesis", blocks=(Paragraph(line=line(question)), Facts(facts=tuple(facts))))


def _sentence(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else text.rstrip() + "."


def _smallest(h: Hypothesis) -> str:
    if h.effect == "ratio":
        return f"a ratio of {number(h.smallest_effect)}"
    unit = metric_unit(h.family, h.metric, "")
    unit = difference_unit(unit) if unit not in ("", "1") else ""
    return f"a difference of {number(h.smallest_effect)} {unit}".rstrip()


def _registered(source: Source) -> str:
    log = source.log
    if log is None or log.registered is None:
        return "; the package holds no log line of it"
    if log.planned is None:
        return f" at event {log.registered} of the log; no experiment was planned"
    order = "before" if log.registered < log.planned else "only after"
    return f" at event {log.registered} of the log, {order} its first experiment was planned (event {log.planned})"


def metric_unit(family: str, metric: str, otherwise: str) -> str:
    """The unit the library's card gives a metric; `otherwise` where there is no card."""
    try:
        return registry.family(family).metric(metric).unit
    except KeyError:
        return otherwise


def method(source: Source) -> Section:
    """Systems, metric, conditions, sample plan, estimator and error control."""
    blocks: list[Block] = [Paragraph(line=_metric(source)), *_systems(source.manifest.branch.hypothesis)]
    workload = _conditions(source.manifest.branch.hypothesis)
    if workload:
        blocks.append(workload)
    blocks += [Paragraph(line=(strong("Sample plan. "), *line(_plan(source))))]
    blocks += [Paragraph(line=(strong("Analysis. "), *line(_analysis(source.manifest.branch.hypothesis))))]
    return Section(title="Method", blocks=tuple(blocks))


def _metric(source: Source) -> Line:
    h, unit = source.manifest.branch.hypothesis, source.manifest.unit
    told = f"{words(h.metric)}{f' in {unit}' if unit not in ('', '1') else ''}"
    try:
        card = registry.family(h.family).metric(h.metric)
    except KeyError:
        return (strong("Metric. "), *line(f"The metric is {told}."))
    return (
        strong("Metric. "),
        *line(f"The metric is {told}: {card.purpose.rstrip('.')}. Its better direction is {card.direction}."),
    )


def _systems(h: Hypothesis) -> Iterator[Block]:
    items: list[Line] = []
    for name in h.systems:
        try:
            card = registry.kernel(h.family, name)
        except KeyError:
            items.append((mono(name),))
            continue
        paper = ", ".join(t for t in (card.paper.title, card.paper.section) if t)
        purpose = card.purpose.rstrip(".")
        items.append((mono(name), *line(f": {purpose}{f' ({paper})' if paper else ''}.")))
    if items:
        told = "The systems compared are:" if len(items) > 1 else "The system measured is:"
        yield Paragraph(line=(strong("Systems. "), *line(told)))
        yield Items(items=tuple(items))


def _conditions(h: Hypothesis) -> Table | None:
    """Every condition with its values, varied ones first."""
    levels: dict[str, list[Value]] = {}
    for values in (h.conditions, *(c.conditions for c in h.cells)):
        for name, value in values.items():
            seen = levels.setdefault(name, [])
            if value not in seen:
                seen.append(value)
    if not levels:
        return None
    cards = _parameters(h.family)
    rows = []
    for name in sorted(levels, key=lambda n: (len(levels[n]) < 2, n)):
        card = cards.get(name)
        told = [number(v) for v in levels[name][:MOST_LEVELS]]
        more = len(levels[name]) - len(told)
        values_told = "; ".join(told) + (f"; and {more} more" if more > 0 else "")
        unit = card.unit if card and card.unit not in ("", "1") else NOTHING
        role = "varied" if len(levels[name]) > 1 else "fixed"
        rows.append((line(words(name)), line(values_told), line(unit), line(role), line(card.purpose if card else "")))
    heads = (("condition", 0.9), ("values", 1.2), ("unit", 0.0), ("role", 0.0), ("meaning", 2.2))
    return table(
        caption=line("Workload and conditions."),
        columns=tuple(Column(head=head, share=share) for head, share in heads),
        rows=tuple(rows),
    )


def _parameters(family: str) -> dict[str, registry.Parameter]:
    try:
        return registry.parameters(family)
    except KeyError:
        return {}


def _plan(source: Source) -> str:
    h, runs = source.manifest.branch.hypothesis, source.manifest.branch.runs
    plan = h.sample_plan
    told = ["No cell was registered."]
    if h.cells:
        cells = f"{len(h.cells)} cell{'s' if len(h.cells) != 1 else ''}"
        told = [f"The plan has {cells}, each of them one system under one full set of conditions."]
    if plan.looks:
        looks = listed([number(n) for n in plan.looks])
        first = f"The data are looked at after {looks} seeds, beginning with seed {plan.first_seed}"
        told.append(f"{first}; the measurement stops at the first look that decides.")
    return " ".join([*told, *dict.fromkeys(r.experiment.protocol for r in runs if r.experiment.protocol)])


def _analysis(h: Hypothesis) -> str:
    kinds = list(dict.fromkeys(c.check.estimator for c in h.claims))
    told = "; ".join(ESTIMATORS.get(k, words(k)) for k in kinds)
    if not told:
        return "No claim was registered."
    rule = "; ".join(dict.fromkeys(f"{expected(c.check.expect)} {_plain(c.unit)}".rstrip() for c in h.claims))
    single = listed(list(dict.fromkeys(f"{c.check.confidence:.4g}" for c in h.claims)))
    made = listed(list(dict.fromkeys(INTERVALS[c.check.interval] for c in h.claims)))
    both = " (equivalence also by two one-sided tests)" if any(c.check.two_one_sided for c in h.claims) else ""
    return (
        f"Estimated is {told}, with {made} over seeds{both}. A claim is supported when its whole interval "
        f"satisfies what was registered for it ({rule}), refuted when the whole interval violates it, and inconclusive "
        f"otherwise. The error is shared {_shared(h)}: single intervals are made at a confidence of {single}, so that "
        f"all of them hold together at {h.sample_plan.confidence:g}."
    )


INTERVALS = {
    "student": "a Student t interval",
    "bootstrap": "a studentised bootstrap interval",
    "wider": "the wider of a Student t and a studentised bootstrap interval at either end",
    "inverted": "an interval of inverted Student t tests",
}


def _shared(h: Hypothesis) -> str:
    """How claims and looks share the error: earlier packages divide it among the looks too."""
    plan = h.sample_plan
    divided = 1 - (1 - plan.confidence) / (len(plan.looks) * len(h.claims))
    if all(abs(c.check.confidence - divided) < 1e-6 for c in h.claims):
        return "among all looks and claims (Bonferroni)"
    return "among the claims (Bonferroni), and among the looks of a claim by Pocock's constant level"


def _plain(unit: str) -> str:
    return "" if unit in ("", "1", "fraction") else "×" if unit == "x" else unit
