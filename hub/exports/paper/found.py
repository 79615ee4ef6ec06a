"""The second half of a paper: what came out, what tried to refute it, where the branch ended, what it does not say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evidentia.hub.exports.paper.document import (
    Block,
    Column,
    Facts,
    Figure,
    Items,
    Line,
    Paragraph,
    References,
    Section,
    Span,
    Table,
    joined,
    line,
    mono,
    strong,
    table,
)
from evidentia.hub.exports.paper.reading import Source
from evidentia.hub.exports.paper.wording import (
    NOTHING,
    aligned,
    aligned_intervals,
    averaged,
    conditions,
    in_unit,
    measured,
    number,
    planner,
    words,
)
from evidentia.workspace.package.manifest import CELL_CONFIDENCE, CellResult
from evidentia.workspace.quantities import figure, quantity
from evidentia.workspace.records import Claim, Node

MOST_CLAIMS, MOST_CELLS, MOST_ITEMS = 500, 2000, 200
MOST_COLUMNS = 4
SIGN = {"supported": "supported", "refuted": "refuted", "null": "not decided", "crashed": "crashed"}
SURVIVED = {True: "survived", False: "did not survive", None: "undecided"}


def verdict(source: Source) -> str:
    """One sentence: what became of the hypothesis, and how many claims were decided."""
    claims, outcome = source.manifest.branch.claims, source.manifest.outcome
    if not claims:
        return (
            "The experiment gave no rows: nothing could be decided." if outcome == "crashed" else "No claim was made."
        )
    decided = [c for c in claims if c.status != "inconclusive"]
    seeds = max(c.n for c in claims)
    told = f"The hypothesis is {SIGN[outcome]}: {len(decided)} of {len(claims)} claims {_are(decided)} decided"
    return f"{told}, over up to {seeds} seeds." if len({c.n for c in claims}) > 1 else f"{told}, over {seeds} seeds."


def _are(decided: Sequence[Claim]) -> str:
    return "is" if len(decided) == 1 else "are"


def results(source: Source) -> Section:
    """Claims, figures and cells."""
    branch = source.manifest.branch
    blocks: list[Block] = [Paragraph(line=line(verdict(source)))]
    if branch.claims:
        blocks.append(_claims(branch.claims, branch.hypothesis.sample_plan.confidence))
    for picture in source.pictures:
        caption = picture.caption or picture.title or "A figure of the package."
        blocks.append(Figure(file=picture.file, caption=line(caption), instead=caption))
    if source.left_out:
        told = joined([line(why) for why in source.left_out], "; ")
        blocks.append(Paragraph(line=(*line("Not shown: "), *told, *line("."))))
    if source.manifest.results:
        blocks.append(_cells(source))
    elif branch.claims:
        blocks.append(Paragraph(line=line("The package records no means of single cells.")))
    return Section(title="Results", blocks=tuple(blocks))


def _claims(all_claims: Sequence[Claim], confidence: float) -> Table:
    claims = all_claims[:MOST_CLAIMS]
    told = [measured(c) for c in claims]
    units = list(dict.fromkeys(c.unit for c in claims))
    one = len(units) == 1
    columns = [Column(head="claim"), Column(head="statement", share=1.0)]
    columns.append(Column(head=in_unit("value", units[0]) if one else "value", align="right"))
    if not one:
        columns.append(Column(head="unit"))
    columns += [Column(head="interval", align="right"), Column(head="n", align="right"), Column(head="status")]
    values, spans = aligned([v for v, _ in told]), aligned_intervals([i for _, i in told])
    counts = aligned([str(c.n) for c in claims])
    rows = []
    for claim, value, span, count in zip(claims, values, spans, counts, strict=True):
        unit = () if one else (line(in_unit("", claim.unit).strip(" ()") or NOTHING),)
        name = mono(claim.id)
        rows.append(((name,), line(claim.statement), value, *unit, span, count, line(claim.status)))
    notes = [(mono(c.id), *line(f": {c.note}.")) for c in claims if c.note]
    if any(not c.headline for c in claims):
        minor = joined([(mono(c.id),) for c in claims if not c.headline])
        notes.append((*line("Not headline claims: "), *minor, *line(".")))
    notes += _cut(len(all_claims), len(claims))
    caption = f"The claims. Intervals hold together, for all claims and looks, at a confidence of {confidence:g}; n "
    return table(caption=line(caption + "counts seeds."), columns=tuple(columns), rows=tuple(rows), notes=tuple(notes))


def _cut(count: int, kept: int) -> list[Line]:
    return [line(f"Shown are the first {kept} of {count}; all are in manifest.json.")] if count > kept else []


def _cells(source: Source) -> Table:
    h, every = source.manifest.branch.hypothesis, source.manifest.results
    cells = every[:MOST_CELLS]
    names = _telling(cells)
    together = len(names) > MOST_COLUMNS
    columns = [Column(head="system", share=0.0 if _short(c.system for c in cells) else 1.0)]
    sides: list[list[Line]] = []
    if together:
        columns.append(Column(head="conditions", share=2.0))
        sides.append([line(conditions({n: c.conditions[n] for n in names if n in c.conditions})) for c in cells])
    for name in [] if together else names:
        levels = [c.conditions.get(name, NOTHING) for c in cells]
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in levels)
        told = [number(v) for v in levels]
        columns.append(
            Column(head=words(name), align="right" if numeric else "left", share=0.0 if _short(told) else 1.0)
        )
        sides.append(aligned(told) if numeric else [line(t) for t in told])
    heads = ("n", in_unit("mean", source.manifest.unit), "interval", "sd")
    columns += [Column(head=head, align="right") for head in heads]
    means = [averaged(c.mean, c.ci) for c in cells]
    sides += [
        aligned([str(c.n) for c in cells]),
        aligned([m for m, _ in means]),
        aligned_intervals([i for _, i in means]),
        aligned([figure(c.sd, c.sd) if c.sd else NOTHING if c.sd is None else "0" for c in cells]),
    ]
    rows = tuple((line(c.system), *(side[i] for side in sides)) for i, c in enumerate(cells))
    caption = f"{words(h.metric).capitalize()} by system and condition: mean over seeds, t interval of the single cell "
    return table(
        caption=line(f"{caption}at a confidence of {CELL_CONFIDENCE:g}, standard deviation over seeds."),
        columns=tuple(columns),
        rows=rows,
        notes=tuple(_cut(len(every), len(cells))),
    )


def _telling(cells: Sequence[CellResult]) -> list[str]:
    """The conditions in which the cells differ."""
    names = dict.fromkeys(n for c in cells for n in c.conditions)
    return [n for n in names if len({c.conditions.get(n, NOTHING) for c in cells}) > 1]


def _short(texts: Iterator[str] | Sequence[str]) -> bool:
    return all(len(t) <= 22 for t in texts)


def attacks(source: Source) -> Section:
    """What tried to refute the claims, and what came of it."""
    every = source.manifest.branch.attacks
    if not every:
        told = "Nothing was attacked: the package records no falsification test."
        return Section(title="Attacks", blocks=(Paragraph(line=line(told)),))
    rows = tuple(
        (line(a.kind), line(a.description), line(a.finding), line(SURVIVED[a.survived])) for a in every[:MOST_ITEMS]
    )
    heads = (("attack", 0.0), ("what was done", 1.0), ("what came of it", 1.3), ("verdict", 0.0))
    tests = table(
        caption=line("Falsification tests. Attacks can only take back a claim, never add one."),
        columns=tuple(Column(head=head, share=share) for head, share in heads),
        rows=rows,
        notes=tuple(_cut(len(every), len(rows))),
    )
    return Section(title="Attacks", blocks=(tests,))


def dead_ends(source: Source) -> Section | None:
    """Why the branch ended, in the words the next run needs; None where no branch of the package ended dead."""
    branch = source.manifest.branch
    blocks: list[Block] = []
    if branch.dead_end:
        end = branch.dead_end
        blocks.append(_end(end.hypothesis, end.failure_mode, end.lesson))
    told = branch.dead_end.failure_mode if branch.dead_end else None
    for node in (*branch.path, *branch.siblings)[:MOST_ITEMS]:
        if node.type == "dead_end" and node.fields.get("failure_mode") != told:
            blocks.append(Paragraph(line=(mono(node.id), *line(f" {node.title}"))))
            blocks.append(_end(*(_field(node, name) for name in ("hypothesis", "failure_mode", "lesson"))))
    return Section(title="Dead ends" if len(blocks) > 1 else "Dead end", blocks=tuple(blocks)) if blocks else None


def _field(node: Node, name: str) -> str:
    return str(node.fields.get(name, NOTHING))


def _end(hypothesis: str, failure_mode: str, lesson: str) -> Facts:
    told = (("Hypothesis", hypothesis), ("Failure mode", failure_mode), ("Lesson", lesson))
    return Facts(facts=tuple((name, line(text)) for name, text in told))


def limits(source: Source) -> Section:
    """What the package does not say."""
    branch = source.manifest.branch
    told: list[Line] = [line(text) for text in branch.limits[:MOST_ITEMS]]
    told.append(line(f"Planned by {planner(branch.mind)}."))
    return Section(title="Limits", blocks=(Items(items=tuple(told)),))


def references(source: Source) -> Section | None:
    """What the manifest cites; None where it cites nothing."""
    cited = source.manifest.branch.citations[:MOST_ITEMS]
    items = []
    for c in cited:
        spans: list[Span] = [*line(f"{c.authors} ({c.year}). "), Span(text=c.title, style="emphasis"), *line(". ")]
        if c.arxiv:
            spans += [mono(f"arXiv:{c.arxiv}"), *line(". ")]
        items.append((*spans, *line(c.note)))
    return Section(title="References", blocks=(References(items=tuple(items)),)) if items else None


def summary(source: Source) -> tuple[tuple[str, Line], ...]:
    """The abstract: what was asked, tested and found, with the first claims in full."""
    manifest = source.manifest
    branch = manifest.branch
    facts: list[tuple[str, Line]] = [
        ("Question", line(manifest.question)),
        ("Hypothesis", line(branch.hypothesis.statement)),
        ("Finding", (*line(verdict(source)), *_headlines(branch.claims))),
    ]
    if branch.dead_end and not branch.claims:
        facts.append(("Failure mode", line(branch.dead_end.failure_mode)))
    return tuple(facts)


def _headlines(claims: Sequence[Claim], most: int = 4) -> Line:
    headline = [c for c in claims if c.headline]
    if not headline:
        return ()
    shown = headline if len(headline) <= most else headline[:most]
    parts = joined([line(" ", strong(c.id), f" {c.status}, {quantity(c)}") for c in shown], ";")
    more = "; the others stand in the table of claims." if len(headline) > len(shown) else "."
    return (*parts, *line(more))
