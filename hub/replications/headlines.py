"""What studies state for a CUDA device: each claim as it was measured there, with the card's name, or not measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evidentia.hub.exports.paper.wording import expected, number
from evidentia.hub.replications.reading import Answer
from evidentia.kernels import registry
from evidentia.workspace.quantities import quantity
from evidentia.workspace.records import Status
from evidentia.workspace.studies import Stated
from evidentia.workspace.units import difference_unit


@dataclass(frozen=True)
class Headline:
    """One claim in words: what it is stated for, what it says, the bounds registered, and, where it was measured, the
    value with interval and n, its status and the card's name."""

    stated: Stated
    says: str
    registered: str
    found: str = ""
    status: Status | None = None
    accelerator: str = ""


def headlines(stated: Sequence[Stated], answer: Answer | None) -> Iterator[Headline]:
    """Every claim of `stated`, those that a study states for a CUDA device, with what `answer` holds of it; one that
    asks why is there only where it was measured."""
    parts = {part.stated.id: part for part in answer.parts if part.tested} if answer else {}
    for claim in stated:
        if claim.id not in parts:
            if claim.part != "why":
                yield Headline(claim, _sentence(claim), _bounds(claim))
            continue
        part = parts[claim.id]
        for decided in part.manifest.branch.claims:
            unit = decided.unit if decided.unit != "1" else ""
            bounds = f"{expected(decided.check.expect)} {unit}".strip()
            yield Headline(claim, decided.statement, bounds, quantity(decided), decided.status, part.accelerator)


def unmeasured(stated: Sequence[Stated], answer: Answer | None) -> list[str]:
    """The names of the claims of `stated` that nobody measured; those that ask why wait for another and are left
    out."""
    measured = {part.stated.id for part in answer.parts if part.tested} if answer else set()
    return [claim.id for claim in stated if claim.part != "why" and claim.id not in measured]


def _sentence(claim: Stated) -> str:
    against = f" against {claim.versus}" if claim.versus else ""
    return claim.says or f"{claim.metric.replace('_', ' ')} of {claim.system}{against}"


def _bounds(claim: Stated) -> str:
    if claim.above is not None and claim.below is not None:
        bounds = f"in [{number(claim.above)}, {number(claim.below)}]"
    else:
        bounds = f"> {number(claim.above)}" if claim.above is not None else f"< {number(claim.below or 0.0)}"
    unit = _unit(claim)
    return bounds if unit in ("", "1") else f"{bounds} {unit}"


def _unit(claim: Stated) -> str:
    """The unit of what will be estimated; empty where the library knows no such metric."""
    try:
        metric = registry.family(claim.family).metric(claim.metric)
    except KeyError:
        return ""
    if not claim.versus:
        return metric.unit
    return "x" if metric.effect == "ratio" else difference_unit(metric.unit)
