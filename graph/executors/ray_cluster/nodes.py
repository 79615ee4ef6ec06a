"""The nodes of the cluster: each is asked once what it is, judged, and taken or refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from evidentia.errors import BadInputError
from evidentia.graph.executors import Notice, Unlike
from evidentia.graph.executors.ray_cluster import worker
from evidentia.graph.executors.ray_cluster.demand import Demand
from evidentia.graph.executors.ray_cluster.judging import Worker, judge

_PATIENCE = 120.0


class Nodes:
    """Who may work. Safe for several threads.

    `mine` are the coordinator's own `facts`, `minimum` the weakest sandbox level allowed (empty: any); `unlike` says
    whether a worker that differs is refused or marked.
    """

    def __init__(self, mine: Mapping[str, Any], minimum: str, unlike: Unlike) -> None:
        self._mine, self._minimum, self._unlike = mine, minimum, unlike
        self._guard = threading.Lock()
        self._taken: dict[str, Worker] = {}
        self._refused: dict[str, str] = {}
        self._untold: list[tuple[str, dict[str, Any]]] = []

    def look(self) -> dict[str, dict[str, float]]:
        """Judge the nodes that are new; the resources of those that are alive and may work, by node.

        Raises BadInputError when no living node may work, with the reason of one.
        """
        with self._guard:
            living = alive()
            new = [node for node in living if node not in self._taken and node not in self._refused]
            self._ask(new)
            found = {node: living[node] for node in self._taken if node in living}
            if not found:
                raise BadInputError(self._nobody([node for node in self._refused if node in living]))
            return found

    def worker(self, node: str) -> Worker:
        """The worker on a node that was taken."""
        return self._taken[node]

    def tell(self, notice: Notice) -> None:
        """Tell what has been decided since the last time."""
        with self._guard:
            untold, self._untold = self._untold, []
        for kind, facts in untold:
            notice(kind, facts)

    @property
    def workers(self) -> tuple[Worker, ...]:
        """All that were taken."""
        return tuple(self._taken.values())

    def _ask(self, nodes: list[str]) -> None:
        """Ask several at once: a node that cannot answer is refused."""
        import ray

        asked = {
            node: ray.remote(worker.facts)
            .options(num_cpus=0, max_retries=0, label_selector={"ray.io/node-id": node})
            .remote()
            for node in nodes
        }
        for node, answer in asked.items():
            try:
                told = ray.get(answer, timeout=_PATIENCE)
            except ray.exceptions.RayError as error:
                cause = getattr(error, "cause", None) or error
                first = next(iter(str(cause).strip().splitlines()), type(error).__name__)
                self._refuse(node, node[:8], f"it could not say what it is: {first}")
                continue
            found = judge(node, told, self._mine, self._minimum)
            if found.differs and self._unlike == "refuse":
                self._refuse(node, found.host, "; ".join(found.differs))
                continue
            self._taken[node] = found
            self._untold.append(("worker.joined", found.to_json()))

    def _refuse(self, node: str, host: str, because: str) -> None:
        self._refused[node] = f"{host}: {because}"
        self._untold.append(("worker.refused", {"node": node, "host": host, "because": because}))

    def _nobody(self, refused: list[str]) -> str:
        if not refused:
            return "the Ray cluster has no node that is alive"
        return (
            f"none of the {len(refused)} node(s) of the Ray cluster may work; {self._refused[refused[0]]}. Install "
            "there what is here, or use such workers all the same and have them marked in the evidence "
            "(--unlike-workers mark)"
        )


def alive() -> dict[str, dict[str, float]]:
    """The resources of all nodes that the cluster believes to be alive, by node."""
    import ray

    listed: Callable[[], list[Any]] = ray.nodes
    return {node["NodeID"]: dict(node["Resources"]) for node in listed() if node["Alive"]}


def room(resources: Mapping[str, Mapping[str, float]], demand: Demand) -> int:
    """How many slots of this demand the nodes have room for in all."""
    return sum(demand.fits(node) for node in resources.values())
