"""The Ray executor: jobs go to slots on the cluster's nodes; what a lost node was at is done again elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from evidentia.graph.executors import Opening
from evidentia.graph.executors.placed import Placed
from evidentia.graph.executors.ray_cluster.arrival import DamagedError, arrived
from evidentia.graph.executors.ray_cluster.connection import connect
from evidentia.graph.executors.ray_cluster.demand import demand_of
from evidentia.graph.executors.ray_cluster.nodes import Nodes
from evidentia.graph.executors.ray_cluster.slots import Held, Slots
from evidentia.graph.executors.ray_cluster.worker import facts
from evidentia.sandbox import Job, SandboxClosedError, SandboxFailedError, strength

_ATTEMPTS = 3
# Beyond a job's own limit: starting the sandbox and compiling what it uses.
_GRACE_SECONDS = 900.0


class RayExecutor:
    """Runs jobs on a cluster that is connected; `disconnect` leaves it once nothing runs any more."""

    def __init__(self, opening: Opening, nodes: Nodes, disconnect: Callable[[], None]) -> None:
        self._opening, self._nodes, self._disconnect = opening, nodes, disconnect
        self._slots = Slots(nodes, opening.workers, opening.devices, str(opening.compiled.parent))
        self._guard = threading.RLock()
        self._inside = 0
        self._connected = True
        self.level = min((w.environment.sandbox for w in nodes.workers), key=strength)

    def run(self, job: Job, *, exclusive: bool = False) -> Placed:
        """Run the job on a free slot, on a node of its own if exclusive. Begun again, at most three times in all, when
        a worker is lost: only the run that was heard to its end is answered with."""
        with self._guard:
            self._inside += 1
        try:
            return self._run(job, exclusive)
        finally:
            with self._guard:
                self._inside -= 1
            if self._slots.closed:
                self._leave()

    def close(self) -> None:
        """Kill what runs; the cluster is left when the last thread is out of `run`."""
        if self._connected:
            self._slots.close()
        self._leave()

    def _leave(self) -> None:
        with self._guard:
            if self._inside or not self._connected:
                return
            self._connected = False
        self._disconnect()

    def _run(self, job: Job, exclusive: bool) -> Placed:
        demand = demand_of(job.limits, self._opening.devices)
        lost: list[str] = []
        avoid: frozenset[str] = frozenset()
        while len(lost) < _ATTEMPTS:
            with self._slots.held(demand, exclusive, avoid) as slot:
                self._nodes.tell(self._opening.notice)
                worker = self._nodes.worker(slot.node)
                try:
                    report = self._report(slot, job)
                    if "failed" in report:
                        raise SandboxFailedError(f"on {worker.host}: {report['failed']}")
                    return arrived(report, worker, len(lost) + 1)
                except (_LostError, DamagedError) as error:
                    self._slots.lose(slot)
                    lost.append(worker.host)
                    avoid |= {slot.node}
                    facts = {"node": slot.node, "host": worker.host, "because": str(error), "attempt": len(lost)}
                    self._opening.notice("worker.lost", facts)
        raise SandboxFailedError(f"{_ATTEMPTS} workers were lost while they ran it ({', '.join(lost)})")

    def _report(self, slot: Held, job: Job) -> dict[str, Any]:
        import ray

        try:
            answer = slot.actor.run.remote(job)
            report: dict[str, Any] = ray.get(answer, timeout=job.limits.wall_seconds + _GRACE_SECONDS)
        except ray.exceptions.RayTaskError as error:
            raise SandboxFailedError(f"the worker failed: {error.cause}") from None
        except ray.exceptions.RayError as error:
            if self._slots.closed:
                raise SandboxClosedError("the executor was closed while the job ran") from None
            raise _LostError(type(error).__name__) from None
        if self._slots.closed and "failed" in report:
            raise SandboxClosedError("the executor was closed while the job ran")
        return report


class _LostError(Exception):
    pass


def open_executor(opening: Opening) -> RayExecutor:
    """Join or start a cluster and judge its nodes. Raises BadInputError when that cannot be, or when none may work."""
    disconnect = connect(opening.workers)
    try:
        nodes = Nodes(facts(), opening.minimum, opening.unlike)
        nodes.look()
        return RayExecutor(opening, nodes, disconnect)
    except BaseException:
        disconnect()
        raise
