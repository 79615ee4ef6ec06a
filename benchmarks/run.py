"""What a run costs beside its experiments: per event, per node, per replay, at growing size."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from evidentia.graph.journal import Journal
from evidentia.workspace.eventlog import EventLog, read_events
from evidentia.workspace.records import (
    Cell,
    Check,
    Expectation,
    Hypothesis,
    PlannedClaim,
    SamplePlan,
)


def hypothesis(number: int) -> Hypothesis:
    """One of many alike, told apart by its condition."""
    conditions: dict[str, int | float | str | bool] = {"capacity": number + 1}
    check = Check(
        estimator="mean",
        metric="hit_rate",
        system="lru",
        where=conditions,
        expect=Expectation(relation="above", low=0.0),
    )
    claim = PlannedClaim(
        statement=f"claim {number}", kind="bound", unit="%", tolerance=0.1, conditions=conditions, check=check
    )
    return Hypothesis(
        form="bound", title=f"node {number}", statement="s", rationale="r", family="caching", metric="hit_rate",
        systems=("lru",), conditions=conditions, cells=(Cell(system="lru", conditions=conditions),), claims=(claim,),
        smallest_effect=0.5, effect="difference", falsification="f", sample_plan=SamplePlan(),
    )  # fmt: skip


def main() -> None:
    """Register nodes one by one and print the time per node at growing trees, then the replay."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        log = EventLog(path, "bench")
        journal = Journal(log)
        brief = {"question": "How flat is it?", "budget": {}, "seeds": {}}
        journal.append("run.started", {"brief": brief, "mind": "builtin", "workers": 1}, "bench")
        start, last, marks = time.perf_counter(), 0, (100, 1000, 3000, 10_000)
        for number in range(max(marks)):
            planned = hypothesis(number)
            payload = {
                "id": planned.id, "node": f"N{number:05d}", "parent": "N000", "pivot": None,
                "hypothesis": planned.to_json(),
            }  # fmt: skip
            journal.append("hypothesis.registered", payload, "bench")
            if number + 1 in marks:
                now = time.perf_counter()
                each = 1000 * (now - start) / (number + 1 - last)
                print(f"nodes {last:6d}–{number + 1:6d}: {each:6.2f} ms per node (fsync, hash chain, tree, indexes)")
                start, last = time.perf_counter(), number + 1
        log.close()
        start = time.perf_counter()
        count = sum(1 for _ in read_events(path))
        print(f"read and verify {count} events: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
