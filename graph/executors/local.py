"""The local executor: at most `workers` sandboxed jobs at once, timed ones alone."""

from __future__ import annotations

import threading

from evidentia.graph.executors import Opening
from evidentia.sandbox import Job, Outcome, Sandbox, open_sandbox


class LocalExecutor:
    """Slots on this machine. An exclusive job waits for all slots and holds them."""

    def __init__(self, sandbox: Sandbox, workers: int) -> None:
        self.sandbox, self.workers, self.level = sandbox, workers, sandbox.level
        self._slots = threading.Semaphore(workers)
        self._turnstile = threading.Lock()

    def run(self, job: Job, *, exclusive: bool = False) -> Outcome:
        """Run the job when a slot (all slots, if exclusive) is free."""
        needed = self.workers if exclusive else 1
        with self._turnstile:
            for _ in range(needed):
                self._slots.acquire()
        try:
            return self.sandbox.run(job)
        finally:
            self._slots.release(needed)

    def close(self) -> None:
        """Kill what runs."""
        self.sandbox.close()


def open_executor(opening: Opening) -> LocalExecutor:
    """Open the strongest sandbox of this machine; whether it is strong enough is asked before a run begins."""
    sandbox = open_sandbox(opening.scratch, compile_cache=opening.compiled, devices=opening.devices)
    return LocalExecutor(sandbox, opening.workers)
