"""Two measured claims that do not agree as a dispute that a factorial may explain, and what that would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from evidentia.errors import BadInputError
from evidentia.graph.budget import worst_case
from evidentia.kernels import registry
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.records import Hypothesis, Value


@dataclass(frozen=True)
class Published:
    """One of two values that differ: where it stands, what it is, under which conditions, from which seeds."""

    ref: str
    value: float
    unit: str
    tolerance: float
    conditions: Mapping[str, Value]
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Dispute:
    """Two published values of one quantity, the older first, as plain data.

    `quantity` is ``value`` (of `system` alone), ``difference`` or ``ratio`` (of `system` against `baseline`);
    `unknown` are the conditions that only one of the two states.
    """

    tension: str
    family: str
    metric: str
    system: str
    baseline: str
    quantity: str
    unknown: tuple[str, ...]
    sides: tuple[Published, Published]


class Claimed(Protocol):
    """What a dispute needs of a measured claim; see `evidentia.hub.tensions.Measured`."""

    @property
    def ref(self) -> str: ...
    @property
    def value(self) -> float | None: ...
    @property
    def unit(self) -> str: ...
    @property
    def tolerance(self) -> float | None: ...
    @property
    def conditions(self) -> Mapping[str, Value]: ...
    @property
    def seeds(self) -> tuple[int, ...]: ...
    @property
    def workload(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def system(self) -> str: ...
    @property
    def baseline(self) -> str: ...
    @property
    def quantity(self) -> str: ...


def dispute_of(item: Mapping[str, Any], older: Claimed, newer: Claimed) -> Dispute:
    """A tension as it is listed, and its two claims, as plain data. Raises BadInputError for a claim that states no
    value or no tolerance."""
    family, system, baseline = older.workload.partition("/")[0], item["about"]["system"], item["about"]["baseline"]
    foreign = _settings_of_others(family, system, baseline)
    sides = []
    for claim in (older, newer):
        if claim.value is None or claim.tolerance is None:
            lacking = "value" if claim.value is None else "tolerance"
            raise BadInputError(f"{item['id']} cannot be explained: {claim.ref} states no {lacking}")
        conditions = {k: v for k, v in claim.conditions.items() if k not in foreign}
        sides.append(Published(claim.ref, claim.value, claim.unit, claim.tolerance, conditions, claim.seeds))
    return Dispute(
        tension=item["id"],
        family=family,
        metric=older.metric,
        system=system,
        baseline=baseline,
        quantity=older.quantity,
        unknown=tuple(item["conditions_unknown"]),
        sides=(sides[0], sides[1]),
    )


def _settings_of_others(family: str, *systems: str) -> set[str]:
    """The conditions of a family that are settings of other kernels; none where the library lacks one of these."""
    try:
        own = [registry.parameters(family, registry.kernel(family, system).name) for system in systems if system]
        return set(registry.parameters(family)).difference(*own)
    except KeyError:
        return set()


@dataclass(frozen=True)
class Cost:
    """What a factorial would take: `cells` measured at each of so many seeds, at the first look and at the last;
    `experiments` at most; CPU seconds at either look, going by the packages' own runs (None where those tell
    nothing)."""

    conditions: tuple[str, ...]
    cells: int
    seeds: tuple[int, int]
    experiments: int
    cpu_seconds: tuple[float, float] | None


def cost_of(hypothesis: Hypothesis, packages: tuple[Manifest, ...]) -> Cost:
    """The cost of a planned factorial, reckoned from what a cell took per seed in the packages it is about."""
    cells, looks = len(hypothesis.cells), hypothesis.sample_plan.looks
    runs = [run for manifest in packages for run in manifest.branch.runs]
    rows = sum(len(run.experiment.cells) * len(run.experiment.seeds) for run in runs)
    each = sum(run.evidence.cpu_seconds for run in runs) / rows if rows else None
    cpu = (each * cells * looks[0], each * cells * looks[-1]) if each is not None else None
    return Cost(hypothesis.varied, cells, (looks[0], looks[-1]), worst_case(hypothesis), cpu)
