"""What came back from another machine: an outcome with the worker that it was measured on."""

from __future__ import annotations

from dataclasses import dataclass

from evidentia.graph.environment import describe
from evidentia.sandbox import Outcome
from evidentia.workspace.records import Environment


@dataclass(frozen=True)
class Placed(Outcome):
    """An outcome with where it was measured.

    `environment` is the worker's own account of itself, `host` its name, `node` its id in the cluster, `library` the
    fingerprint of its kernel library's sources; `differs` says in words what sets it apart from the coordinator,
    where such a worker was allowed. `attempts` counts how often the job was begun: more than one if workers were
    lost.
    """

    environment: Environment
    host: str
    node: str
    library: str
    differs: tuple[str, ...] = ()
    attempts: int = 1


def environment_of(outcome: Outcome, devices: tuple[str, ...], seed: int, weak_allowed: bool) -> Environment:
    """The environment an outcome was measured in, for its evidence: the worker's where there was one, else this
    process's with the `devices` passed in and the generators' `seed`."""
    if isinstance(outcome, Placed):
        worker = {"host": outcome.host, "library": outcome.library, "differs": outcome.differs}
        return outcome.environment.model_copy(update={**worker, "weak_allowed": weak_allowed})
    return describe(outcome.level, outcome.accounting, devices, seed, weak_allowed)
