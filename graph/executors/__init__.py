"""Where experiments are executed: one small interface; `local` runs them in sandboxes on this machine."""

from __future__ import annotations

from typing import Protocol

from evidentia.sandbox import Job, Outcome


class Executor(Protocol):
    """Runs jobs. `run` blocks its thread until the job has ended; several threads may call it."""

    level: str

    def run(self, job: Job, *, exclusive: bool = False) -> Outcome:
        """Run one job; `exclusive` runs it with no other job beside it, for timing."""

    def close(self) -> None:
        """Kill what runs and refuse more."""


EXECUTORS = ("local",)
