"""The page of answers: every study with the paper's figure beside ours, generated from packages alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from evidentia.errors import BadInputError
from evidentia.hub.exports.paper.wording import conditions, expected
from evidentia.hub.replications.curves import curves
from evidentia.hub.replications.figures import draw
from evidentia.hub.replications.reading import Answer, Part
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Status, Value
from evidentia.workspace.studies import Study

GROUPS = {
    "attention": "Attention",
    "caching": "Caching and serving",
    "quantization": "Quantization",
    "decoding": "Decoding and experts",
}
NOT_RUN = "not run"
HEAD = """# Replications

Published claims, answered by the same pipeline as any brief (`examples/studies/ID.toml` holds each): hypotheses are
registered before data, experiments run in the sandbox, claims are attacked before they are accepted, packages are
verified by running them again. An outcome follows from the statuses of the claims; nobody sets it.

A small model on two cores proves little about a large one on an accelerator: read every outcome with its conditions.
What could not be tested is said with each study.

In a figure every point is a mean over the same n seeds (geometric on a logarithmic axis); its 95 % interval leaves
out what a seed shifts at every point alike (Cousineau, 2005; Morey, 2008).

Written by `evidentia replicate --report docs/replications.md` from the packages; `evidentia replicate --all` makes
them.
"""
MARKS = {"supported": "holds", "refuted": "does not hold", "inconclusive": "undecided"}


def write(path: Path, studies: Sequence[Study], answers: Mapping[str, Answer]) -> None:
    """Write the page, beside it as JSON what each claim came to, and in a folder of its name the figures. Raises
    BadInputError when that cannot be done."""
    found = {name: curves(answer) for name, answer in answers.items()}
    folder = path.with_suffix("")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.svg"):
            old.unlink()
        for name, figures in found.items():
            for number, figure in enumerate(figures, start=1):
                (folder / f"{name}-{number}.svg").write_bytes(draw(figure))
        told = {n: [(f"{folder.name}/{n}-{i}.svg", c.caption) for i, c in enumerate(f, 1)] for n, f in found.items()}
        path.write_text("\n".join(page(studies, answers, told)), encoding="utf-8")
        verdicts = json.dumps(statuses(answers), indent=1, sort_keys=True)
        path.with_suffix(".json").write_text(verdicts + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"cannot write {path}: {error.strerror}; name another file with --report") from error


def statuses(answers: Mapping[str, Answer]) -> dict[str, dict[str, Status]]:
    """What every claim of every study came to."""
    return {name: {part.stated.id: part.status for part in answer.parts} for name, answer in answers.items()}


def changed(path: Path, answers: Mapping[str, Answer]) -> list[str]:
    """One sentence for every claim that `write` once recorded as decided and that is not decided so now. A claim that
    was undecided may come to anything, and one that was not tested here is left out.

    Raises BadInputError when the file does not hold such verdicts.
    """
    try:
        before = json.loads(path.read_bytes())
        decided = [(s, c, was) for s, claims in before.items() for c, was in claims.items() if was in MARKS]
    except (OSError, ValueError, AttributeError) as error:
        raise BadInputError(f"{path} does not hold the verdicts of studies: {error}") from error
    now = statuses(answers)
    return [
        f"{study}: {claim} was {was}, and is {now[study][claim]}"
        for study, claim, was in decided
        if was != "inconclusive" and now.get(study, {}).get(claim, was) != was
    ]


def page(
    studies: Sequence[Study], answers: Mapping[str, Answer], figures: Mapping[str, Sequence[tuple[str, str]]]
) -> Iterator[str]:
    """The lines of the page: what came out in all, then every study by group with its `figures`, paths and captions."""
    outcomes = Counter(answers[s.id].outcome if s.id in answers else NOT_RUN for s in studies)
    yield HEAD
    yield ", ".join(f"{count} {name}" for name, count in outcomes.most_common()) + f": {len(studies)} studies.\n"
    yield "| study | the paper's figure | outcome here | verified | minutes |"
    yield "|---|---|---|---|---:|"
    for study in studies:
        answer = answers.get(study.id)
        outcome, rung, minutes = (
            (f"{answer.outcome}{_halves(answer)}", f"L{answer.rung}", f"{answer.seconds / 60:.1f}")
            if answer
            else (NOT_RUN, "–", "–")
        )
        yield f"| [{study.id}](#{study.id}) | {_cell(study.figure)} | {outcome} | {rung} | {minutes} |"
    for group, title in GROUPS.items():
        own = [s for s in studies if s.group == group]
        if own:
            yield f"\n## {title}"
        for study in own:
            yield from _study(study, answers.get(study.id), figures.get(study.id, ()))
    yield ""


def _halves(answer: Answer) -> str:
    """Which half holds, of what replicated in part."""
    if answer.outcome != "partly replicated":
        return ""
    counted = [part for part in answer.parts if part.stated.part != "why"]
    by = {told: ", ".join(p.stated.id for p in counted if p.status == status) for status, told in MARKS.items()}
    return "; " + "; ".join(f"{told}: {names}" for told, names in by.items() if names)


def _study(study: Study, answer: Answer | None, figures: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"\n### {study.id}\n"
    came = answer.outcome if answer else NOT_RUN
    yield f"**{_cell(study.title)}: {came}.** {_cell(study.source)}: {_cell(study.figure)}.\n"
    if answer:
        yield "| claim | registered | found | |"
        yield "|---|---|---|---|"
        for part in answer.parts:
            yield from _rows(part)
        held = _common(answer.parts)
        if held:
            yield f"\nConditions of all: {conditions(held)}."
        missing = [s.id for s in answer.stated if s.part != "why" and s.id not in {p.stated.id for p in answer.parts}]
        if missing:
            yield f"\nNot decided within the budget: {', '.join(missing)}."
        for path, caption in figures:
            yield f"\n![{_cell(caption)}]({path})\n\n*{_cell(caption)}*"
        names = ", ".join(f"`{part.manifest.id}`" for part in answer.parts)
        yield f"\nPackages: {names}."
    if study.untested:
        yield f"\nNot tested here: {_cell(study.untested)}."


def _rows(part: Part) -> Iterator[str]:
    common = _common([part])
    for claim in part.manifest.branch.claims:
        label = {"headline": "headline", "mechanism": "mechanism", "why": f"why not “{part.stated.unless}”"}
        bounds = f"{expected(claim.check.expect)} {claim.unit if claim.unit != '1' else ''}".strip()
        place = {
            k: v
            for k, v in claim.conditions.items()
            if k not in common and f"{k.replace('_', ' ')} " not in claim.statement
        }
        at = f" ({conditions(place)})" if place else ""
        yield (
            f"| {label[part.stated.part]}: {_cell(claim.statement)}{_cell(at)} | {bounds} | {_cell(quantity(claim))} | "
            f"{MARKS[claim.status]} |"
        )
    if not part.manifest.branch.claims:
        yield f"| {_cell(part.manifest.branch.hypothesis.statement)} | | crashed before it could be decided | |"


def _common(parts: Sequence[Part]) -> dict[str, Value]:
    """The conditions that all claims of the parts share."""
    every = [claim.conditions for part in parts for claim in part.manifest.branch.claims]
    return {k: v for k, v in every[0].items() if all(c.get(k) == v for c in every)} if every else {}


def _cell(text: str) -> str:
    """Text for a cell of a table: one line, nothing of it read as Markdown's own."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "|<>*_`[]#" else c for c in flat)
