"""The slots of a run on a cluster: taken for a job, given back, lost with their node, and closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evidentia.graph.executors.ray_cluster.demand import Demand
from evidentia.graph.executors.ray_cluster.nodes import Nodes, room
from evidentia.graph.executors.ray_cluster.reservation import reserved
from evidentia.graph.executors.ray_cluster.worker import Slot
from evidentia.sandbox import SandboxClosedError, SandboxFailedError

_LOOK = 0.1
_FAREWELL = 3.0


@dataclass(eq=False)
class Held:
    """An actor on some node with what it asked for; it is `busy` with one job at a time."""

    actor: Any
    demand: Demand
    node: str
    busy: bool = True


class Slots:
    """At most `workers` slots on the nodes that may work. Safe for several threads."""

    def __init__(self, nodes: Nodes, workers: int, devices: tuple[str, ...], compiled: str) -> None:
        self._nodes, self._workers, self._devices, self._compiled = nodes, workers, devices, compiled
        self._closed = threading.Event()
        # A signal's handler may close them in a thread that is just here.
        self._changed = threading.Condition(threading.RLock())
        self._slots: list[Held] = []
        self._starting: list[Any] = []
        self._alone: set[str] = set()

    @property
    def closed(self) -> bool:
        """Whether they were closed."""
        return self._closed.is_set()

    @contextmanager
    def held(self, demand: Demand, exclusive: bool, avoid: frozenset[str]) -> Iterator[Held]:
        """A slot with room for the demand, if it can be on none of the nodes to `avoid`; if `exclusive`, with nothing
        beside it on its node. Raises SandboxClosedError, and SandboxFailedError where no node is large enough."""
        while True:
            slot = self._take(demand, avoid)
            try:
                if not exclusive:
                    yield slot
                    return
                with self._changed:
                    if mine := slot.node not in self._alone:
                        self._alone.add(slot.node)
                if mine:
                    try:
                        self._wait_until_alone(slot)
                        with reserved(slot.node, self._of_others(slot.node), self._check_open):
                            yield slot
                    finally:
                        with self._changed:
                            self._alone.discard(slot.node)
                    return
            finally:
                self._give(slot)

    def lose(self, slot: Held) -> None:
        """Never use a slot again, nor those that went with it; whatever it may still be doing is killed."""
        import ray

        with self._changed:
            suspects = [s for s in self._slots if s is slot or (s.node == slot.node and not s.busy)]
            self._slots = [s for s in self._slots if s not in suspects]
            self._changed.notify_all()
        for lost in suspects:
            ray.kill(lost.actor)

    def close(self) -> None:
        """Kill what runs: the slots end their jobs and clean up, and are killed if they cannot."""
        self._closed.set()
        # Another thread, since the caller's may be in the midst of Ray, interrupted by a signal.
        farewell = threading.Thread(target=self._kill_all)
        farewell.start()
        farewell.join(2 * _FAREWELL)

    def _kill_all(self) -> None:
        import ray

        actors = [slot.actor for slot in list(self._slots)]
        if actors:
            ray.wait([a.close.remote() for a in actors], num_returns=len(actors), timeout=_FAREWELL)
        for actor in [*actors, *list(self._starting)]:
            ray.kill(actor)
        self._slots = []

    def _check_open(self) -> None:
        if self.closed:
            raise SandboxClosedError("the executor is closed")

    def _take(self, demand: Demand, avoid: frozenset[str]) -> Held:
        while True:
            self._check_open()
            if not avoid and (idle := self._idle(demand, avoid)):
                return idle
            resources = self._nodes.look()
            possible = room(resources, demand)
            if not possible:
                raise SandboxFailedError(f"no node of the Ray cluster has room for an experiment of {demand}")
            where = {n for n in resources if demand.fits(resources[n])}
            avoid = avoid if where - avoid else frozenset()
            with self._changed:
                if idle := self._idle(demand, avoid):
                    return idle
                alone = frozenset(self._alone)
                full = len(self._slots) + len(self._starting) >= min(self._workers, possible)
                given_up = self._replaceable(demand, avoid) if full else None
                nodes = sorted(where - avoid - alone)
                if not nodes or (full and given_up is None):
                    self._changed.wait(_LOOK)
                    continue
                if given_up:
                    self._slots.remove(given_up)
                actor = self._start(demand, nodes)
                self._starting.append(actor)
            if given_up:
                self._retire(given_up)
            if started := self._placed(actor, demand, alone):
                return started

    def _idle(self, demand: Demand, avoid: frozenset[str]) -> Held | None:
        """Take an idle slot, if there is one."""
        with self._changed:
            for slot in self._slots:
                if not slot.busy and slot.node not in self._alone | avoid and slot.demand.covers(demand):
                    slot.busy = True
                    return slot
        return None

    def _replaceable(self, demand: Demand, avoid: frozenset[str]) -> Held | None:
        """An idle slot that is of no use to the job."""
        idle = (s for s in self._slots if not s.busy)
        return next((s for s in idle if s.node in avoid or not s.demand.covers(demand)), None)

    def _start(self, demand: Demand, nodes: list[str]) -> Any:
        import ray

        return (
            ray.remote(Slot)
            .options(
                num_cpus=demand.cpus,
                num_gpus=demand.gpus,
                memory=demand.memory_bytes or None,
                max_concurrency=2,
                max_restarts=0,
                scheduling_strategy="SPREAD",
                label_selector={"ray.io/node-id": f"in({','.join(nodes)})"},
            )
            .remote(self._devices, self._compiled)
        )

    def _placed(self, actor: Any, demand: Demand, alone: frozenset[str]) -> Held | None:
        """Wait until Ray has found a place; None when none is needed any more, or when a node has been reserved."""
        import ray

        answer = actor.open.remote()
        slot = None
        try:
            while not ray.wait([answer], timeout=_LOOK)[0]:
                self._check_open()
                with self._changed:
                    if self._alone != alone or any(not s.busy and s.demand.covers(demand) for s in self._slots):
                        return None
            slot = Held(actor, demand, ray.get(answer))
            return slot
        except ray.exceptions.RayTaskError as error:
            raise SandboxFailedError(f"a worker could not open its sandbox: {error.cause}") from None
        except ray.exceptions.RayError:
            # Its node went while it began: the next look finds another.
            self._check_open()
            return None
        finally:
            with self._changed:
                self._starting.remove(actor)
                if slot is not None and not self.closed:
                    self._slots.append(slot)
                self._changed.notify_all()
            if slot is None or self.closed:
                ray.kill(actor)

    def _give(self, slot: Held) -> None:
        with self._changed:
            slot.busy = False
            self._changed.notify_all()

    def _retire(self, slot: Held) -> None:
        import ray

        ray.wait([slot.actor.close.remote()], timeout=_FAREWELL)
        ray.kill(slot.actor)

    def _wait_until_alone(self, slot: Held) -> None:
        """Until no other slot of the node is busy and none is about to start; new ones no longer come to it."""
        with self._changed:
            while self._starting or any(s.busy for s in self._slots if s.node == slot.node and s is not slot):
                self._check_open()
                self._changed.wait(_LOOK)

    def _of_others(self, node: str) -> float:
        """The processors of a node that are not held by these slots."""
        with self._changed:
            own = sum(s.demand.cpus for s in self._slots if s.node == node)
        return self._nodes.look().get(node, {}).get("CPU", 0.0) - own
