"""Whether a worker is like the coordinator: the same versions, the same library, a sandbox as strong as asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evidentia.sandbox import strength
from evidentia.workspace.records import Environment


@dataclass(frozen=True)
class Worker:
    """A node of the cluster as it described itself, and in words how it `differs` from the coordinator."""

    node: str
    host: str
    environment: Environment
    library: str
    differs: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What the log says of it."""
        kept = {"node": self.node, "host": self.host, "sandbox": self.environment.sandbox, "library": self.library}
        return {**kept, "packages": dict(self.environment.packages), "differs": list(self.differs)}


def judge(node: str, told: Mapping[str, Any], mine: Mapping[str, Any], minimum: str) -> Worker:
    """The worker on a node by the `told` facts of it, compared with the coordinator's own and the level asked for."""
    environment = Environment.model_validate(told["environment"])
    own = Environment.model_validate(mine["environment"])
    differs = [
        f"{name} {theirs or 'missing'} (here {ours or 'missing'})"
        for name, theirs, ours in (
            ("Python", environment.python, own.python),
            *((n, environment.packages.get(n, ""), own.packages.get(n, "")) for n in sorted(own.packages)),
            ("kernel library", told["library"], mine["library"]),
        )
        if theirs != ours
    ]
    if minimum and strength(environment.sandbox) < strength(minimum):
        differs.append(f"sandbox {environment.sandbox} (asked for: {minimum} or stronger)")
    return Worker(node, told["host"], environment, told["library"], tuple(differs))
