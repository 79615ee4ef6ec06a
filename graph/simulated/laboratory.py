"""The simulated laboratory: rows drawn from planted truths instead of being measured in a sandbox."""

from __future__ import annotations

import json
import random

from evidentia.agents.minds.protocol import Failure
from evidentia.graph.simulated.planted import Questions
from evidentia.workspace.blobs import BlobStore
from evidentia.workspace.canonical import sha256
from evidentia.workspace.records import Environment, Evidence, Experiment, Row

NOTHING = sha256(b"")
ENVIRONMENT = Environment(
    python="simulated", platform="simulated", processor="simulated", packages={}, commit="", sandbox="simulated",
    variables={},
)  # fmt: skip


class SimulatedLaboratory:
    """Answers like a `Laboratory`, from the planted truth. A crash is drawn, not suffered."""

    def __init__(self, questions: Questions, blobs: BlobStore, seed: int | str = 0) -> None:
        self.questions, self.blobs, self.seed = questions, blobs, seed

    def run(self, experiment: Experiment, family: str) -> tuple[Evidence, Failure | None]:
        """The evidence a measurement would have left, with nothing measured."""
        item = self.questions.item(_number(experiment.cells[0].conditions["capacity"]))
        evidence = Evidence(
            experiment=experiment.id,
            script=experiment.script,
            seeds=experiment.seeds,
            environment=ENVIRONMENT,
            limits=experiment.limits,
            exit_status=1 if item.crashes else 0,
            signal=None,
            exceeded=None,
            wall_seconds=0.0,
            cpu_seconds=0.0,
            peak_memory_bytes=0,
            stdout=NOTHING,
            stderr=NOTHING,
            outputs={} if item.crashes else {"rows.jsonl": NOTHING},
            row_count=0 if item.crashes else len(experiment.seeds) * len(experiment.cells),
        )
        return evidence, Failure(1, None, None, "simulated: planted to crash") if item.crashes else None

    def rows(self, evidence: Evidence) -> list[Row]:
        """The rows of one experiment, drawn again from its script: the same for the same seeds."""
        if not evidence.ok:
            return []
        planned = json.loads(self.blobs.get(evidence.script).splitlines()[-1][1:])
        return [row for number in planned["items"] for s in planned["seeds"] for row in self._rows(number, s)]

    def _rows(self, number: int, seed: int) -> list[Row]:
        item = self.questions.item(number)
        draw = random.Random(f"{self.seed}/{number}/{seed}")
        shared, noise = 40 + 5 * draw.random(), draw.gauss(0.0, item.noise)
        values = zip(item.hypothesis.cells, (shared + item.gap + noise, shared), strict=True)
        return [{"system": c.system, "seed": seed, **c.conditions, "hit_rate": v} for c, v in values]


def _number(capacity: object) -> int:
    assert isinstance(capacity, int)
    return capacity - 1
