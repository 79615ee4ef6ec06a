"""Which values are compared: a bounded number of pairs for every new one, never all with all.

Claims of one key (the same quantity of the same things) are first made findings: siblings of one run that differ
only in their seeds are pooled. A finding is compared with the oldest and the latest findings of its own protocol,
and, if it is the first of that protocol, with the first ones of the nearest other protocols.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evidentia.hub.tensions.comparing import Comparison, compare, conditions_differing
from evidentia.hub.tensions.measured import Measured, position
from evidentia.hub.tensions.pooling import pool
from evidentia.kernels import registry

REPLICATIONS = 4
"""With how many of the latest findings of its own protocol a finding is compared, besides the first."""
HORIZON = 128
"""Among how many protocols before and after its own the nearest ones are looked for."""
NEIGHBOURS = 16
"""With how many other protocols a new protocol is compared: those that differ in the fewest conditions."""


@dataclass(frozen=True)
class Pair:
    """Two findings, the older first, and what they are to one another."""

    older: Measured
    newer: Measured
    comparison: Comparison

    @property
    def apart(self) -> frozenset[str]:
        """The names of all conditions in which the two are not known to agree."""
        return frozenset(self.comparison.differing + self.comparison.unknown)


def findings(claims: Sequence[Measured]) -> list[Measured]:
    """The claims of one key, oldest first, with the siblings of each run pooled."""
    groups: dict[tuple[str, str], list[Measured]] = {}
    for claim in claims:
        groups.setdefault((claim.run or claim.package, claim.protocol), []).append(claim)
    pooled = [finding for siblings in groups.values() for finding in pool(siblings)]
    return sorted(pooled, key=lambda f: (f.created, f.ref))


def pairs(claims: Sequence[Measured], new: set[str]) -> Iterator[Pair]:
    """The comparisons of the findings that hold a claim of `new`, those that another says better left out.

    A pair is said better by one of the same two packages that shares a claim with it and differs in fewer
    conditions: where both packages measured at several levels, equal levels are compared.
    """
    found = list(_compared(findings(claims), new))
    apart: dict[tuple[str, str], list[frozenset[str]]] = {}
    for pair in found:
        for ref, other in ((pair.older.ref, pair.newer.package), (pair.newer.ref, pair.older.package)):
            apart.setdefault((ref, other), []).append(pair.apart)
    for pair in found:
        rivals = apart[pair.older.ref, pair.newer.package] + apart[pair.newer.ref, pair.older.package]
        if not any(rival < pair.apart for rival in rivals):
            yield pair


def _compared(all_findings: Sequence[Measured], new: set[str]) -> Iterator[Pair]:
    by_protocol: dict[str, list[int]] = {}
    for place, finding in enumerate(all_findings):
        by_protocol.setdefault(finding.protocol, []).append(place)
    first = {protocol: _first(all_findings, places) for protocol, places in by_protocol.items()}
    order = sorted(first, key=lambda p: first[p])
    rank = {protocol: number for number, protocol in enumerate(order)}
    fresh = [not new.isdisjoint({f.ref, *f.pooled}) for f in all_findings]
    done: set[tuple[int, int]] = set()
    for place, finding in enumerate(all_findings):
        if not fresh[place]:
            continue
        same = by_protocol[finding.protocol]
        others = {same[0], first[finding.protocol], *same[-REPLICATIONS:]}
        if place == first[finding.protocol]:
            until = rank[finding.protocol]
            latest = order[max(0, until - HORIZON) : until] + order[until + 1 : until + HORIZON]
            near = sorted(latest, key=lambda p: (_distance(finding, all_findings[first[p]]), -rank[p]))
            others |= {first[p] for p in near[:NEIGHBOURS]}
        for other in sorted(others - {place}):
            a, b = sorted((place, other))
            if (a, b) not in done and (pair := _pair(all_findings[a], all_findings[b])):
                yield pair
            done.add((a, b))


def _first(all_findings: Sequence[Measured], places: Sequence[int]) -> int:
    """The oldest finding of a protocol that has a value and a spread, else the oldest."""
    return next((p for p in places if _weighable(all_findings[p])), places[0])


def _weighable(finding: Measured) -> bool:
    try:
        position(finding, finding.unit)
    except ValueError:
        return False
    return True


def _distance(a: Measured, b: Measured) -> int:
    return sum(map(len, conditions_differing(a, b)))


def _pair(older: Measured, newer: Measured) -> Pair | None:
    """The comparison of two findings; none within a package, nor where a condition was varied by plan: by one run, or
    to explain what others measured."""
    if older.package == newer.package:
        return None
    by_plan = bool(older.run) and older.run == newer.run
    if (by_plan or older.explains or newer.explains) and any(conditions_differing(older, newer)):
        return None
    return Pair(older, newer, compare(older, newer))


def leader(group: Sequence[Pair]) -> Pair:
    """The pair that stands for others of the same two packages, class and conditions: the one measured nearest to
    the library's defaults, then the one furthest apart."""
    return min(group, key=lambda p: (-_defaults(p), -(p.comparison.z or 0.0), p.older.ref, p.newer.ref))


def _defaults(pair: Pair) -> int:
    """How many of the conditions that the two share have the library's default value."""
    try:
        cards = registry.parameters(pair.older.workload.partition("/")[0])
    except KeyError:
        return 0
    shared = {k: v for k, v in pair.older.conditions.items() if pair.newer.conditions.get(k) == v}
    return sum(name in cards and cards[name].default == value for name, value in shared.items())
