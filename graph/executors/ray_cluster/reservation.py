"""Keeping others off a node while a timed job runs: what nobody holds is asked for, and held."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from evidentia.graph.executors.ray_cluster.nodes import alive
from evidentia.sandbox import SandboxFailedError

_PATIENCE = 600.0


@contextmanager
def reserved(node: str, cpus: float, check_open: Callable[[], None]) -> Iterator[None]:
    """Hold so many processors of a node, once those who have them have finished.

    `check_open` is called while waiting, and may raise. Raises SandboxFailedError when the node does not become free.
    """
    from ray.util.placement_group import placement_group, remove_placement_group

    if cpus <= 0:
        yield
        return
    group = placement_group([{"CPU": cpus}], bundle_label_selector=[{"ray.io/node-id": node}])
    try:
        deadline = time.monotonic() + _PATIENCE
        while not group.wait(timeout_seconds=0.2):
            check_open()
            if time.monotonic() > deadline:
                raise SandboxFailedError(
                    f"a timed experiment needs a node of the Ray cluster for itself, and others have kept theirs busy "
                    f"for {_PATIENCE:.0f} s"
                )
            if node not in alive():
                break
        yield
    finally:
        remove_placement_group(group)
