"""One session of the command line that kills itself (SIGKILL) at a chosen instant, and notes down what it did.

``python launcher.py PLAN run BRIEF …``. The plan is JSON: ``notes`` is the file that the notes go to, outside the
workspace; ``operation``, ``phase`` and ``number`` name the instant (before, inside or after the n-th fsync, log write,
rename, checkpoint commit, clearing or experiment), ``share`` how far inside. Without an operation it dies of nothing.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

OPERATIONS = {
    "fsync": ("before", "inside", "after"),
    "write": ("before", "inside", "after"),
    "rename": ("before", "after"),
    "commit": ("before", "inside", "after"),
    "clearing": ("before", "inside", "after"),
    "experiment": ("before", "inside", "after"),
}
"""What can be interrupted, and where. `write` is one to the log or the ledger; inside it the line is torn."""
LONGEST = {"fsync": 0.001, "commit": 0.003, "clearing": 0.002, "experiment": 0.15}
"""Seconds into an operation at most; one that ends earlier is interrupted just after."""


class Instant:
    """Counts operations, and dies at the planned one."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan, self.counts = plan, Counter[str]()
        self._guard = threading.Lock()
        self._notes = os.open(plan["notes"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._write = os.write

    def note(self, **fact: Any) -> None:
        """Write one line of notes. It survives the process, as all that has been written does."""
        self._write(self._notes, json.dumps(fact).encode() + b"\n")

    def around(self, operation: str, work: Callable[[], Any], torn: Callable[[float], Any] | None = None) -> Any:
        """Do the work, unless this is the instant."""
        with self._guard:
            self.counts[operation] += 1
            chosen = operation == self.plan.get("operation") and self.counts[operation] == self.plan["number"]
        if not chosen:
            return work()
        if self.plan["phase"] == "before":
            self._die()
        if self.plan["phase"] == "inside" and torn is not None:
            torn(self.plan["share"])
            self._die()
        if self.plan["phase"] == "inside":
            threading.Thread(target=self._die, args=(self.plan["share"] * LONGEST[operation],), daemon=True).start()
        work()
        self.note(returned=operation)
        self._die()

    def _die(self, after: float = 0.0) -> None:
        time.sleep(after)
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)


def watch(instant: Instant) -> None:
    """Put the instant around what the program calls, and note what it acknowledges and executes."""
    fsync, write, replace, rmtree, connect = os.fsync, os.write, os.replace, shutil.rmtree, sqlite3.connect

    def written(handle: int, data: bytes) -> int:
        def torn(share: float) -> int:
            return write(handle, data[: int(share * len(data))])

        if not os.readlink(f"/proc/self/fd/{handle}").endswith(".jsonl"):
            return write(handle, data)
        return int(instant.around("write", lambda: write(handle, data), torn))

    class Connection(sqlite3.Connection):
        def commit(self) -> None:
            instant.around("commit", super().commit)

    def connected(*given: Any, **more: Any) -> sqlite3.Connection:
        opened: sqlite3.Connection = connect(*given, **{"factory": Connection, **more})
        return opened

    def replaced(*given: Any, **more: Any) -> None:
        instant.around("rename", lambda: replace(*given, **more))

    def cleared(*given: Any, **more: Any) -> None:
        instant.around("clearing", lambda: rmtree(*given, **more))

    replacements: list[tuple[Any, str, Any]] = [
        (os, "fsync", lambda handle: instant.around("fsync", lambda: fsync(handle))),
        (os, "write", written),
        (os, "replace", replaced),
        (shutil, "rmtree", cleared),
        (sqlite3, "connect", connected),
    ]

    from evidentia.graph.executors.local import LocalExecutor
    from evidentia.workspace import eventlog
    from evidentia.workspace.canonical import sha256

    log_append, log_sync = eventlog.EventLog.append, eventlog.EventLog.sync
    append_event, run = eventlog.append_event, LocalExecutor.run
    pending: list[tuple[str, str]] = []
    guard = threading.Lock()

    def appended(self: Any, *given: Any, wait: bool = True) -> Any:
        event = log_append(self, *given, wait=False)
        with guard:
            pending.append((str(self.path), event.hash))
        if wait:
            self.sync()
        return event

    def synced(self: Any) -> None:
        """What was written before it is acknowledged when this returns."""
        with guard:
            before = list(pending)
        log_sync(self)
        with guard:
            for fact in before:
                if fact in pending:
                    pending.remove(fact)
                    instant.note(acknowledged=fact[0], hash=fact[1])

    def shared(path: Any, *given: Any, **more: Any) -> Any:
        event = append_event(path, *given, **more)
        instant.note(acknowledged=str(path), hash=event.hash)
        return event

    def executed(self: Any, job: Any, **more: Any) -> Any:
        def work() -> Any:
            instant.note(executed=sha256(job.script.encode()))
            return run(self, job, **more)

        return instant.around("experiment", work)

    replacements += [
        (eventlog.EventLog, "append", appended),
        (eventlog.EventLog, "sync", synced),
        (eventlog, "append_event", shared),
        (LocalExecutor, "run", executed),
    ]
    for owner, name, replacement in replacements:
        setattr(owner, name, replacement)


def main() -> None:
    """Run the command line under the plan."""
    instant = Instant(json.loads(sys.argv[1]))
    watch(instant)
    instant.note(process=os.getpid())
    atexit.register(lambda: instant.note(counts=instant.counts))
    sys.argv[1:] = sys.argv[2:]
    from evidentia.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
