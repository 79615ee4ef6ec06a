"""What an experiment asks of a machine, taken from its limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from evidentia.sandbox import Limits

_CARD = re.compile(r"/dev/nvidia(\d+)")


@dataclass(frozen=True)
class Demand:
    """Processors, bytes of memory and graphics cards. Jobs are held to one thread, so they ask for one processor."""

    cpus: int = 1
    memory_bytes: int = 0
    gpus: int = 0

    def covers(self, other: Demand) -> bool:
        """Whether a slot that asked for this has room for a job that asks for `other`."""
        return self.cpus >= other.cpus and self.memory_bytes >= other.memory_bytes and self.gpus >= other.gpus

    def fits(self, resources: Mapping[str, float]) -> int:
        """How many such slots a machine with these resources (as Ray counts them) has room for."""
        asked = {"CPU": self.cpus, "memory": self.memory_bytes, "GPU": self.gpus}
        return min(int(resources.get(name, 0) // needed) for name, needed in asked.items() if needed)

    def __str__(self) -> str:
        cards = f" and {self.gpus} graphics card(s)" if self.gpus else ""
        return f"{self.cpus} processor, {self.memory_bytes / 2**30:.4g} GiB of memory{cards}"


def demand_of(limits: Limits, devices: tuple[str, ...]) -> Demand:
    """What a job of these limits and devices asks for."""
    return Demand(1, limits.memory_bytes, sum(bool(_CARD.fullmatch(device)) for device in devices))


def assigned(devices: tuple[str, ...], cards: tuple[int, ...]) -> tuple[str, ...]:
    """The device files of a slot: the n-th card that was asked for becomes the n-th of the `cards` it was given."""
    given = iter(cards)
    return tuple(
        f"/dev/nvidia{next(given, match[1])}" if (match := _CARD.fullmatch(device)) else device for device in devices
    )
