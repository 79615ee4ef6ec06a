"""Taking in what a worker reported: every byte is checked against its hash before anything is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evidentia.graph.executors.placed import Placed
from evidentia.graph.executors.ray_cluster.judging import Worker
from evidentia.workspace.canonical import sha256
from evidentia.workspace.records import Environment


class DamagedError(Exception):
    """A report whose bytes are not what their hashes say."""


def arrived(report: Mapping[str, Any], worker: Worker, attempts: int) -> Placed:
    """The outcome a report tells of. Raises DamagedError when bytes are missing or are not what was hashed."""
    blobs: Mapping[str, bytes] = report["blobs"]

    def checked(digest: str) -> bytes:
        data = blobs.get(digest)
        if data is None or sha256(data) != digest:
            raise DamagedError(f"the bytes {digest[:12]}… did not arrive as they were sent")
        return data

    outcome = dict(report["outcome"])
    outcome["stdout"], outcome["stderr"] = checked(outcome["stdout"]), checked(outcome["stderr"])
    outcome["outputs"] = {name: checked(digest) for name, digest in outcome["outputs"].items()}
    return Placed(
        **outcome,
        environment=Environment.model_validate(report["environment"]),
        host=worker.host,
        node=worker.node,
        library=worker.library,
        differs=worker.differs,
        attempts=attempts,
    )
