"""Where the experiments of a run are run, and that a resumed run goes on there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evidentia.graph.executors import Unlike
from evidentia.workspace.records import Event


@dataclass(frozen=True)
class Place:
    """Where experiments run: so many at once, by an executor; what becomes of workers that differ; whether a person
    lets code run in a weaker sandbox than the brief asks for."""

    workers: int = 2
    executor: str = "local"
    unlike: Unlike = "refuse"
    allow_weak: bool = False

    @property
    def told(self) -> dict[str, Any]:
        """What the log keeps of it, for the next session."""
        return {"workers": self.workers, "executor": self.executor, "unlike": self.unlike}


def last_place(events: Sequence[Event], **asked: Any) -> Place:
    """What is asked for, and where that is None what the run was last worked on with."""
    last: dict[str, Any] = {}
    for event in events:
        if event.kind in ("run.started", "run.resumed"):
            last |= {name: event.payload[name] for name in ("workers", "executor", "unlike") if name in event.payload}
    return Place(**{**last, **{name: value for name, value in asked.items() if value is not None}})
