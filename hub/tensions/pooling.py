"""Siblings that differ only in their seeds, made one value before anything is compared."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evidentia.hub.tensions.comparing import CONFLICTS, compare
from evidentia.hub.tensions.measured import Measured, position
from evidentia.workspace.units import convert


def pool(siblings: Sequence[Measured]) -> list[Measured]:
    """One value per group of siblings that agree; the first of each group lends it its reference.

    Siblings are of one run and state the same conditions. One whose seeds overlap those of a larger one is left
    out: the same data are never counted twice. A value in conflict with the first of a group is not pooled with it,
    since their disagreement is what is to be found; nor is one that lacks value or spread.
    """
    groups: list[list[Measured]] = []
    for sibling in siblings:
        for group in groups:
            if _usable(sibling) and _agree(sibling, group[0]):
                group.append(sibling)
                break
        else:
            groups.append([sibling])
    return [_merged(group) for group in groups]


def _usable(measured: Measured) -> bool:
    try:
        position(measured, measured.unit)
    except ValueError:
        return False
    return True


def _agree(a: Measured, b: Measured) -> bool:
    return _usable(b) and compare(a, b).verdict not in (*CONFLICTS, "not comparable")


def _merged(group: Sequence[Measured]) -> Measured:
    first, kept = group[0], _distinct(group)
    if len(group) == 1:
        return first
    others = tuple(m.ref for m in group[1:])
    if len(kept) == 1:
        return kept[0].model_copy(update={"ref": first.ref, "created": first.created, "pooled": others})
    centre, sd, n, error = _combined(kept, first.unit)
    tolerances = [convert(m.tolerance, m.unit, first.unit) for m in kept if m.tolerance is not None]
    half = None if error is None else 1.96 * error
    value = math.exp(centre) if first.log else centre
    ends = None if half is None else (centre - half, centre + half)
    return first.model_copy(
        update={
            "value": value,
            "n": n,
            "sd": sd,
            "ci": tuple(math.exp(e) for e in ends) if ends and first.log else ends,
            "confidence": None if half is None else math.erf(1.96 / math.sqrt(2)),
            "tolerance": max(tolerances, default=None),
            "seeds": tuple(sorted({s for m in kept for s in m.seeds})),
            "pooled": others,
        }
    )


def _distinct(group: Sequence[Measured]) -> list[Measured]:
    """The siblings with the most data whose seeds do not overlap; one without known seeds only if it is alone."""
    kept: list[Measured] = []
    for sibling in sorted(group, key=lambda m: (-(m.n or 0), m.ref)):
        seeds = set(sibling.seeds)
        if not kept or (seeds and all(other.seeds and not seeds & set(other.seeds) for other in kept)):
            kept.append(sibling)
    return kept


def _combined(kept: Sequence[Measured], unit: str) -> tuple[float, float | None, int | None, float | None]:
    """Centre, standard deviation, n and standard error of all together.

    Exact from the sums and sums of squares where every sibling states sd and n, else weighted by inverse variance;
    one of the two is left None.
    """
    places = [position(m, unit) for m in kept]
    if all(m.sd is not None and m.n is not None for m in kept):
        counts = [m.n or 0 for m in kept]
        n = sum(counts)
        centre = math.fsum(c * p.centre for c, p in zip(counts, places, strict=True)) / n
        squares = [(c - 1) * c * p.error**2 + c * (p.centre - centre) ** 2 for c, p in zip(counts, places, strict=True)]
        return centre, math.sqrt(math.fsum(squares) / (n - 1)), n, None
    exact = [p for p in places if p.error == 0]
    if exact:
        return exact[0].centre, None, None, 0.0
    weights = [1 / p.error**2 for p in places]
    centre = math.fsum(w * p.centre for w, p in zip(weights, places, strict=True)) / math.fsum(weights)
    return centre, None, None, math.sqrt(1 / math.fsum(weights))
