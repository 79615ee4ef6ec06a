"""Planning an explanation: the hypothesis that the conditions in which two published values differ account for it.

All corners between the two settings are measured; Shapley values attribute the change to the conditions, and the
factorial's own ends are held against what was published.
"""

from __future__ import annotations

from collections.abc import Mapping

from evidentia.agents.wording import listed, told, words
from evidentia.errors import BadInputError
from evidentia.graph.disputes import Dispute
from evidentia.graph.factorial_claims import ATTRIBUTED, ESTIMATORS, claims_of, pair_of, value_of, what_of
from evidentia.kernels import registry
from evidentia.kernels.registry import Metric
from evidentia.workspace.quantities import figure
from evidentia.workspace.records import Cell, Hypothesis, SamplePlan, Value
from evidentia.workspace.sequential import simultaneous
from evidentia.workspace.shapley import corners

MOST_CONDITIONS = 4
"""A factorial of more conditions is not run: 2^5 corners would be 32."""
FIRST_SEED = 500_000
"""Seeds that no hypothesis and no attack uses, so that the explanation stands on data of its own."""
LOOKS = (5, 10, 20, 40, 80)
"""More than a hypothesis has: what is left over is small, and told from nothing only by many seeds."""


def plan(dispute: Dispute) -> Hypothesis:
    """The hypothesis that explains a dispute, with all corners as cells and a check for every claim.

    Raises BadInputError, in one sentence, for a dispute that a factorial cannot explain.
    """
    metric = _metric(dispute)
    start, end = _ends(dispute)
    common = {k: v for k, v in dispute.sides[0].conditions.items() if k not in start}
    systems = tuple(s for s in (dispute.system, dispute.baseline) if s)
    cells = _cells(dispute, systems, common, start, end)
    first = max(FIRST_SEED, 1 + max((s for p in dispute.sides for s in p.seeds), default=0))
    seeds = SamplePlan(looks=LOOKS, first_seed=first)
    claims = claims_of(dispute, metric, _shared(cells, start), start, end)
    share = simultaneous(seeds.confidence, seeds.looks, len(claims))
    names = listed([words(n) for n in start])
    what, unit = what_of(dispute), claims[-1].unit
    values = [value_of(dispute, side, metric) for side in dispute.sides]
    sides = [f"{figure(v)} {unit} at {told(at)}" for v, at in zip(values, (start, end), strict=True)]
    return Hypothesis(
        form="interaction",
        title=f"Why {pair_of(dispute)} differs on {words(dispute.metric)}",
        statement=f"{names} {'explain' if len(start) > 1 else 'explains'} why {what} is {sides[0]} and {sides[1]}",
        rationale=f"{dispute.sides[0].ref} and {dispute.sides[1].ref} do not agree, and differ in {names}.",
        family=dispute.family,
        metric=dispute.metric,
        systems=systems,
        conditions=common,
        varied=tuple(start),
        cells=cells,
        claims=tuple(c.model_copy(update={"check": c.check.model_copy(update={"confidence": share})}) for c in claims),
        smallest_effect=metric.smallest_effect,
        effect=metric.effect,
        falsification=f"The factorial's ends do not give the published values, or {names} account for less than "
        f"{100 * ATTRIBUTED:g} % of their difference.",
        sample_plan=seeds,
        origin="follow-up",
        trigger=f"the tension {dispute.tension}",
    )


def _metric(dispute: Dispute) -> Metric:
    if dispute.quantity not in ESTIMATORS:
        kind = dispute.quantity.partition(";")[0].replace("_", " ")
        raise BadInputError(
            f"{dispute.tension} cannot be explained by a factorial: it is about a {kind}, and only a value, a "
            "difference or a ratio of two systems at fixed conditions can be measured at every corner"
        )
    try:
        for system in filter(None, (dispute.system, dispute.baseline)):
            registry.kernel(dispute.family, system)
        return registry.family(dispute.family).metric(dispute.metric)
    except KeyError as error:
        raise BadInputError(f"{dispute.tension} cannot be measured with this library: {error.args[0]}") from None


def _ends(dispute: Dispute) -> tuple[dict[str, Value], dict[str, Value]]:
    """The differing conditions with the older and with the newer value, numeric ones first."""
    if dispute.unknown:
        raise BadInputError(
            f"{dispute.tension} cannot be explained: only one of its claims states {listed(dispute.unknown)}, and a "
            "value that nobody stated cannot be set"
        )
    first, second = (side.conditions for side in dispute.sides)
    names = [name for name in first if first[name] != second[name]]
    if not names:
        raise BadInputError(
            f"{dispute.tension} cannot be explained by a factorial: its claims state the same conditions, so what "
            "differs is not recorded; verify both packages (`evidentia verify`) to see which one comes out again"
        )
    if len(names) > MOST_CONDITIONS:
        raise BadInputError(
            f"{dispute.tension} cannot be explained by a factorial: its claims differ in {len(names)} conditions "
            f"({', '.join(sorted(names))}) and at most {MOST_CONDITIONS} are varied at once; measure one of the two "
            "closer to the other first"
        )
    own = registry.parameters(dispute.family)
    for name in names:
        if name not in own:
            raise BadInputError(
                f"{dispute.tension} cannot be explained by a factorial: {name} is no condition this library can set"
            )
    names.sort(key=lambda n: isinstance(first[n], str | bool))
    return {n: first[n] for n in names}, {n: second[n] for n in names}


def _cells(
    dispute: Dispute,
    systems: tuple[str, ...],
    common: Mapping[str, Value],
    start: Mapping[str, Value],
    end: Mapping[str, Value],
) -> tuple[Cell, ...]:
    """Every system at every corner; a setting of one system makes no further cells of the other."""
    unique: dict[str, Cell] = {}
    for _, corner in corners(start, end):
        for system in systems:
            try:
                cell = Cell(system=system, conditions=registry.complete(dispute.family, system, {**common, **corner}))
            except ValueError as error:
                raise BadInputError(f"{dispute.tension} cannot be measured with this library: {error}") from None
            if system == dispute.system and not corner.keys() <= cell.conditions.keys():
                gone = listed(sorted(corner.keys() - cell.conditions.keys()))
                raise BadInputError(f"{dispute.tension} cannot be explained: {gone} does not apply to {system}")
            unique.setdefault(cell.model_dump_json(), cell)
    return tuple(unique.values())


def _shared(cells: tuple[Cell, ...], start: Mapping[str, Value]) -> dict[str, Value]:
    """The columns all checks match: the conditions that all cells have alike, but those that are moved."""
    shared = dict(cells[0].conditions)
    for cell in cells:
        shared = {k: v for k, v in shared.items() if k not in start and cell.conditions.get(k) == v}
    return shared
