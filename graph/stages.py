"""The experiment manager: which stage a run is in, by criteria over the log alone.

Feasibility first: one branch of each family, until it gave rows. Then each stage in the brief's order while it has open
work and has not taken its share of the experiments; what is left goes to the first stage that has work. Replication
comes when nothing of the stages before it is left to take; its hypotheses are registered then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evidentia.agents.brief import Stages
from evidentia.graph.frontier import Frontier

FEASIBILITY, REPLICATION = "feasibility", "replication"
BUCKETS = ("baseline", "exploration", "ablation", REPLICATION)
"""The stages that hypotheses belong to."""


@dataclass
class Tried:
    """What is known of whether a family can be measured here."""

    measured: bool = False
    crashed: int = 0


@dataclass(frozen=True)
class Standing:
    """The stage to work in, the buckets that may be taken from, and why. `families` are those to be probed, and
    `infeasible` those given up."""

    stage: str
    buckets: tuple[str, ...]
    because: str
    families: tuple[str, ...] = ()
    infeasible: tuple[str, ...] = ()


@dataclass
class Feasibility:
    """Families by whether they gave rows; a projection of the log."""

    families: dict[str, Tried] = field(default_factory=dict)

    def registered(self, family: str) -> None:
        """A hypothesis about it was registered."""
        self.families.setdefault(family, Tried())

    def ended(self, family: str, outcome: str) -> None:
        """A branch about it has ended."""
        tried = self.families.setdefault(family, Tried())
        tried.measured = tried.measured or outcome != "crashed"
        tried.crashed += outcome == "crashed"

    def infeasible(self, tries: int) -> tuple[str, ...]:
        """The families that only crashed, often enough."""
        return tuple(f for f, t in sorted(self.families.items()) if not t.measured and t.crashed >= tries)

    def unknown(self, tries: int) -> tuple[str, ...]:
        """The families that are still to be probed."""
        return tuple(f for f, t in sorted(self.families.items()) if not t.measured and t.crashed < tries)


def stand(
    plan: Stages, frontier: Frontier, feasibility: Feasibility, spent: Mapping[str, int], experiments: int
) -> Standing | None:
    """Where the run stands; None when no stage has open work. `spent` has the experiments by stage, `experiments` is
    the run's budget."""
    gone = feasibility.infeasible(plan.tries) if FEASIBILITY in plan.order else ()
    order = [stage for stage in plan.order if stage != FEASIBILITY]
    if FEASIBILITY in plan.order:
        unknown = tuple(f for f in feasibility.unknown(plan.tries) if frontier.of_family(f))
        if unknown:
            told = f"no branch about {' and '.join(unknown)} has given rows yet"
            return Standing(FEASIBILITY, BUCKETS, told, unknown, gone)
    buckets = {stage: _buckets(stage, plan) for stage in order}
    waiting = [stage for stage in order if frontier.left(buckets[stage])]
    for stage in waiting:
        share = plan.share.get(stage, 1.0) * experiments
        if spent.get(stage, 0) < share:
            left = frontier.left(buckets[stage])
            told = "one hypothesis waits" if left == 1 else f"{left} hypotheses wait"
            return Standing(stage, buckets[stage], told, infeasible=gone)
    if waiting:
        told = "every stage with open work has had its share, and budget is left"
        return Standing(waiting[0], buckets[waiting[0]], told, infeasible=gone)
    return None


def _buckets(stage: str, plan: Stages) -> tuple[str, ...]:
    """What a stage takes: its own bucket; exploration also those of stages that the brief leaves out."""
    missing = tuple(b for b in BUCKETS if b not in plan.order) if stage == "exploration" else ()
    return (stage, *missing)
