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
from evidentia.hub.replications.headlines import Headline, headlines
from evidentia.hub.replications.markdown import cell
from evidentia.hub.replications.reading import Answer, Part
from evidentia.hub.replications.tensions import Tension, lines
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Status, Value
from evidentia.workspace.studies import Stated, Study

GROUPS = {
    "attention": "Attention",
    "caching": "Caching and serving",
    "quantization": "Quantization",
    "decoding": "Decoding and experts",
}
NOT_RUN = "not run"
NOT_MEASURED = "*not measured* (needs a CUDA device)"
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


def write(
    path: Path,
    studies: Sequence[Study],
    answers: Mapping[str, Answer],
    gpu: Mapping[str, Sequence[Stated]],
    tensions: Sequence[Tension],
) -> None:
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
        path.write_text("\n".join(page(studies, answers, gpu, told, tensions)), encoding="utf-8")
        verdicts = json.dumps(statuses(answers), indent=1, sort_keys=True)
        path.with_suffix(".json").write_text(verdicts + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"cannot write {path}: {error.strerror}; name another file with --report") from error


def statuses(answers: Mapping[str, Answer]) -> dict[str, dict[str, Status]]:
    """What every claim of every study came to."""
    return {n: {part.stated.id: part.status for part in a.parts if part.tested} for n, a in answers.items()}


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
    studies: Sequence[Study],
    answers: Mapping[str, Answer],
    gpu: Mapping[str, Sequence[Stated]],
    figures: Mapping[str, Sequence[tuple[str, str]]],
    tensions: Sequence[Tension] = (),
) -> Iterator[str]:
    """The lines of the page: what came out in all, what each study states for a CUDA device (`gpu`), then every study
    by group with its `figures`, paths and captions."""
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
        yield f"| [{study.id}](#{study.id}) | {cell(study.figure)} | {outcome} | {rung} | {minutes} |"
    yield from _gpu([s for s in studies if s.id in gpu], answers, gpu)
    yield from lines(tensions)
    for group, title in GROUPS.items():
        own = [s for s in studies if s.group == group]
        if own:
            yield f"\n## {title}"
        for study in own:
            yield from _study(study, answers.get(study.id), gpu.get(study.id, ()), figures.get(study.id, ()))
    yield ""


def _halves(answer: Answer) -> str:
    """Which half holds, of what replicated in part."""
    if answer.outcome != "partly replicated":
        return ""
    counted = [part for part in answer.parts if part.tested and part.stated.part != "why"]
    by = {told: ", ".join(p.stated.id for p in counted if p.status == status) for status, told in MARKS.items()}
    return "; " + "; ".join(f"{told}: {names}" for told, names in by.items() if names)


def _gpu(studies: Sequence[Study], answers: Mapping[str, Answer], gpu: Mapping[str, Sequence[Stated]]) -> Iterator[str]:
    """All that is stated for a CUDA device in one table."""
    if not studies:
        return
    yield "\n## Stated for a GPU\n"
    yield "Measured by `evidentia replicate --all --device cuda` where there is a CUDA device, in runs of their own.\n"
    yield "| study | the paper's figure | claim | registered | found | device |"
    yield "|---|---|---|---|---|---|"
    for study in studies:
        for row in headlines(gpu[study.id], answers.get(study.id)):
            found = f"{cell(row.found)}: {MARKS[row.status]}" if row.status else NOT_MEASURED
            claim = f"{cell(row.says)} | {cell(row.registered)} | {found} | {cell(row.accelerator) or '–'}"
            yield f"| [{study.id}](#{study.id}) | {cell(study.figure)} | {claim} |"


def _gpu_row(row: Headline) -> str:
    label = _label(row.stated)
    if row.status is None:
        return f"| {label}: {cell(row.says)} | {cell(row.registered)} | {NOT_MEASURED} | |"
    found = f"{cell(row.found)}, on {cell(row.accelerator)}"
    return f"| {label}: {cell(row.says)} | {cell(row.registered)} | {found} | {MARKS[row.status]} |"


def _study(
    study: Study, answer: Answer | None, gpu: Sequence[Stated], figures: Sequence[tuple[str, str]]
) -> Iterator[str]:
    yield f"\n### {study.id}\n"
    came = answer.outcome if answer else NOT_RUN
    yield f"**{cell(study.title)}: {came}.** {cell(study.source)}: {cell(study.figure)}.\n"
    if answer or gpu:
        yield "| claim | registered | found | |"
        yield "|---|---|---|---|"
    own = [part for part in answer.parts if part.stated.device == "cpu"] if answer else []
    for part in own:
        yield from _rows(part)
    for row in headlines(gpu, answer):
        yield _gpu_row(row)
    if answer:
        held = _common(own)
        if held:
            yield f"\nConditions of all{' but those on a CUDA device' if gpu else ''}: {conditions(held)}."
        stated = [s.id for s in answer.stated if s.part != "why" and s.device == "cpu"]
        missing = [name for name in stated if name not in {p.stated.id for p in own}]
        if missing:
            yield f"\n{'Not decided within the budget' if own else 'Not run'}: {', '.join(missing)}."
        for path, caption in figures:
            yield f"\n![{cell(caption)}]({path})\n\n*{cell(caption)}*"
        names = ", ".join(f"`{part.manifest.id}`" for part in answer.parts)
        yield f"\nPackages: {names}."
    if study.untested:
        yield f"\nNot tested here: {cell(study.untested)}."


def _label(stated: Stated) -> str:
    return f"why not “{stated.unless}”" if stated.part == "why" else stated.part


def _rows(part: Part) -> Iterator[str]:
    common = _common([part])
    for claim in part.manifest.branch.claims:
        bounds = f"{expected(claim.check.expect)} {claim.unit if claim.unit != '1' else ''}".strip()
        place = {
            k: v
            for k, v in claim.conditions.items()
            if k not in common and f"{k.replace('_', ' ')} " not in claim.statement
        }
        at = f" ({conditions(place)})" if place else ""
        yield (
            f"| {_label(part.stated)}: {cell(claim.statement)}{cell(at)} | {bounds} | {cell(quantity(claim))} | "
            f"{MARKS[claim.status]} |"
        )
    if not part.manifest.branch.claims:
        yield f"| {cell(part.manifest.branch.hypothesis.statement)} | | crashed before it could be decided | |"


def _common(parts: Sequence[Part]) -> dict[str, Value]:
    """The conditions that all claims of the parts share."""
    every = [claim.conditions for part in parts for claim in part.manifest.branch.claims]
    return {k: v for k, v in every[0].items() if all(c.get(k) == v for c in every)} if every else {}
