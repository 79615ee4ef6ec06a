"""Experiments on a cluster of two nodes: the same bytes as here, nothing lost with a node, nothing counted twice."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evidentia.agents.brief import Brief
from evidentia.agents.minds.builtin.mind import BuiltinMind
from evidentia.agents.minds.protocol import Context
from evidentia.errors import BadInputError
from evidentia.graph.executors import Opening
from evidentia.graph.executors.local import open_executor as open_local
from evidentia.graph.executors.ray_cluster.executor import RayExecutor, open_executor
from evidentia.graph.executors.ray_cluster.worker import facts
from evidentia.graph.laboratory import Laboratory
from evidentia.kernels import registry
from evidentia.sandbox import Job, Limits, SandboxClosedError, SandboxFailedError, strict_json_lines
from evidentia.workspace.blobs import BlobStore
from evidentia.workspace.records import Experiment
from tests.graph.executors.conftest import GIB, LINUX, NODE, with_descendants

pytestmark = pytest.mark.xdist_group("ray")

SMALL = Limits(wall_seconds=30, cpu_seconds=30, memory_bytes=GIB)
SPAN = """
import json, time
begun = time.time()
time.sleep({seconds})
with open("rows.jsonl", "w") as rows:
    rows.write(json.dumps({{"name": {name}, "begun": begun, "ended": time.time()}}) + "\\n")
"""


def span(name: int, seconds: float) -> Job:
    """A job that sleeps and leaves when it did so, by the machine's clock."""
    return Job(SPAN.format(name=name, seconds=seconds), ("rows.jsonl",), limits=SMALL)


def row(data: bytes) -> dict[str, Any]:
    (found,) = strict_json_lines(data)
    return found


def small_brief() -> Brief:
    return Brief(
        question="Does the group size of round-to-nearest quantization matter?",
        families=("quantization",),
        conditions={"in_features": 128, "out_features": 32},
    )


def experiments(blobs: BlobStore, count: int) -> list[tuple[Experiment, str]]:
    """Real experiments, as the planner designs them."""
    mind = BuiltinMind()
    found = []
    for hypothesis in itertools.islice(mind.propose(Context(small_brief(), (), (), ())), count):
        design = mind.design(hypothesis, (0, 1, 2))
        planned = {
            "hypothesis": hypothesis.id, "role": "measure", "look": 0, "seeds": design.seeds, "cells": design.cells,
            "script": blobs.put(design.script.encode()), "limits": dict(design.limits), "exclusive": design.exclusive,
        }  # fmt: skip
        found.append((Experiment.model_validate(planned), hypothesis.family))
    return found


def test_real_experiments_leave_the_same_bytes_as_on_this_machine_alone(
    executor: RayExecutor, opening: Opening, tmp_path: Path
) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    planned = experiments(blobs, 4)
    local = open_local(opening)
    try:
        here = [Laboratory(local, blobs).run(experiment, family)[0] for experiment, family in planned]
    finally:
        local.close()
    with ThreadPoolExecutor(4) as pool:
        there = [e for e, _ in pool.map(lambda p: Laboratory(executor, blobs).run(*p), planned)]
    assert all(evidence.ok and evidence.row_count for evidence in here)
    (told,) = {(e.environment.host, e.environment.library) for e in there}
    assert told == (_ray().nodes()[0]["NodeManagerHostname"], registry.compile_cache(Path()).name)
    assert not any(e.environment.host for e in here)
    assert [(e.experiment, e.outputs, e.stdout) for e in there] == [(e.experiment, e.outputs, e.stdout) for e in here]


def test_an_outcome_says_where_it_was_measured(executor: RayExecutor, cluster: Any, opening: Opening) -> None:
    found = executor.run(Job("print(1)", limits=SMALL))
    local = open_local(opening)
    try:
        assert found.environment.sandbox == found.level == local.level
    finally:
        local.close()
    assert found.node in {node["NodeID"] for node in _ray().nodes()}
    assert found.host == _ray().nodes()[0]["NodeManagerHostname"]
    assert found.library == registry.compile_cache(Path()).name
    assert (found.attempts, found.differs) == (1, ())
    assert found.environment.processor


def test_a_script_that_fails_is_a_result_and_is_not_run_again(executor: RayExecutor) -> None:
    found = executor.run(Job("import sys; print('why', file=sys.stderr); sys.exit(3)", ("rows.jsonl",), limits=SMALL))
    assert (found.exit_status, found.stderr, found.attempts) == (3, b"why\n", 1)
    assert found.refused == {"rows.jsonl": "missing"}


def test_large_outputs_arrive_whole(executor: RayExecutor) -> None:
    script = "open('a.bin', 'wb').write(bytes(range(256)) * 40960)\nopen('b.bin', 'wb').write(b'')"
    found = executor.run(Job(script, ("a.bin", "b.bin"), limits=SMALL))
    assert found.outputs == {"a.bin": bytes(range(256)) * 40960, "b.bin": b""}


@LINUX
def test_what_a_lost_node_was_at_is_done_elsewhere_and_each_result_comes_once(
    cluster: Any, opening: Opening, capsys: pytest.CaptureFixture[str]
) -> None:
    doomed = cluster.add_node(**NODE)
    heard: list[tuple[str, dict[str, Any]]] = []
    found = open_executor(replace(opening, notice=lambda kind, facts: heard.append((kind, facts))))
    try:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(found.run, [span(n, 0.3) for n in range(3)]))
            waiting = [pool.submit(found.run, span(n, 1.5)) for n in range(3)]
            _until(lambda: sum(s.busy for s in found._slots._slots) == 3)
            there = sum(s.node == doomed.node_id for s in found._slots._slots)
            assert not wait(waiting, 0.5).done
            # As if its power had gone: Ray's process of the node, and all that came of it.
            gone = with_descendants(doomed.all_processes["raylet"][0].process.pid)
            cluster.remove_node(doomed, allow_graceful=False)
            for pid in gone:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            outcomes = [future.result() for future in as_completed(waiting)]
    finally:
        found.close()
    assert there, "nothing ran on the node that was killed: that would show nothing"
    assert sorted(row(o.outputs["rows.jsonl"])["name"] for o in outcomes) == [0, 1, 2]
    assert doomed.node_id not in {o.node for o in outcomes}
    lost = [facts for kind, facts in heard if kind == "worker.lost"]
    assert [facts["node"] for facts in lost] == [doomed.node_id] * there
    assert sorted(o.attempts for o in outcomes) == [1] * (3 - there) + [2] * there
    assert capsys.readouterr().out == "", "standard output is for what --json prints"


def test_a_timed_experiment_runs_alone_on_its_node(executor: RayExecutor) -> None:
    with ThreadPoolExecutor(8) as pool:
        futures = {pool.submit(executor.run, span(n, 0.1), exclusive=n % 4 == 3): n for n in range(16)}
        found = [(futures[f] % 4 == 3, f.result()) for f in as_completed(futures)]
    spans = [(alone, o.node, *_times(o.outputs["rows.jsonl"])) for alone, o in found]
    together = 0
    for one, other in itertools.combinations(spans, 2):
        overlap = min(one[3], other[3]) > max(one[2], other[2])
        if overlap and one[1] == other[1]:
            assert not one[0]
            assert not other[0]
        together += overlap
    assert together, "nothing ever ran beside anything: that would show nothing"


def test_a_timed_experiment_waits_for_strangers_on_its_node(cluster: Any, executor: RayExecutor) -> None:
    ray = _ray()
    executor.run(Job("", limits=SMALL))
    holds = [
        ray.remote(_Stranger).options(num_cpus=1, label_selector={"ray.io/node-id": n["NodeID"]}).remote()
        for n in ray.nodes()
        if n["Alive"]
    ]
    ray.get([stranger.here.remote() for stranger in holds])
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(executor.run, Job("print(1)", limits=SMALL), exclusive=True)
        future.add_done_callback(lambda _: done.set())
        try:
            assert not done.wait(0.8)
        finally:
            for stranger in holds:
                ray.kill(stranger)
        assert future.result(60).stdout == b"1\n"


def test_a_slot_that_is_too_small_makes_room_for_a_larger_one(executor: RayExecutor) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(executor.run, [span(n, 0.1) for n in range(3)]))
    large = replace(SMALL, memory_bytes=3 * GIB)
    assert executor.run(Job("print(1)", limits=large)).stdout == b"1\n"
    assert max(slot.demand.memory_bytes for slot in executor._slots._slots) == 3 * GIB


def test_an_experiment_that_no_node_has_room_for_is_refused_in_words(executor: RayExecutor) -> None:
    with pytest.raises(SandboxFailedError, match=r"no node of the Ray cluster has room for .* 1000 GiB"):
        executor.run(Job("", limits=replace(SMALL, memory_bytes=1000 * GIB)))


def test_workers_that_differ_are_refused_or_marked(cluster: Any, odd_node: Any, opening: Opening) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []
    strict = replace(opening, workers=1, minimum="landlock+seccomp", notice=lambda *told: heard.append(told))
    large = Job("print(1)", limits=replace(SMALL, memory_bytes=40 * GIB))
    refusing = open_executor(strict)
    with pytest.raises(SandboxFailedError, match="no node of the Ray cluster has room"):
        refusing.run(large)
    refusing.run(Job("", limits=SMALL))
    refusing.close()
    because = {f["node"]: f["because"] for kind, f in heard if kind == "worker.refused"}
    assert because.keys() == {odd_node.node_id}
    for part in ("scipy 1.0 (here ", "kernel library ", "sandbox "):
        assert part in because[odd_node.node_id]
    marking = open_executor(replace(strict, unlike="mark"))
    try:
        found = marking.run(large)
    finally:
        marking.close()
    assert found.node == odd_node.node_id
    assert found.environment.packages["scipy"] == "1.0"
    assert found.library != registry.compile_cache(Path()).name
    assert "; ".join(found.differs) == because[odd_node.node_id]


def test_with_no_worker_left_nothing_is_begun(cluster: Any, opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {**facts(), "library": "0" * 16}
    monkeypatch.setattr("evidentia.graph.executors.ray_cluster.executor.facts", lambda: mine)
    with pytest.raises(BadInputError, match=r"none of the 2 node\(s\) .* may work; .*kernel library .*mark"):
        open_executor(opening)


@LINUX
def test_closing_ends_what_runs_and_leaves_no_process(cluster: Any, opening: Opening) -> None:
    before = _sandboxes(cluster)
    found = open_executor(opening)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(found.run, Job("while True: pass", limits=SMALL)) for _ in range(2)]
        _until(lambda: len(_sandboxes(cluster) - before) >= 4)
        found.close()
        for future in waiting:
            with pytest.raises(SandboxClosedError):
                future.result(60)
    _until(lambda: not _sandboxes(cluster) - before)
    with pytest.raises(SandboxClosedError):
        found.run(Job(""))
    found.close()


def _sandboxes(cluster: Any) -> set[int]:
    """The warm processes and jobs that descend from the cluster's nodes, by the kernel's account."""
    raylets = [n.all_processes["raylet"][0].process.pid for n in (cluster.head_node, *cluster.worker_nodes)]
    found = set()
    for pid in set().union(*map(with_descendants, raylets)):
        with contextlib.suppress(OSError):
            if b"evidentia.sandbox" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


def _until(true: Any, patience: float = 120.0) -> None:
    waited = threading.Event()
    for _ in range(int(patience / 0.02)):
        if true():
            return
        waited.wait(0.02)
    raise AssertionError("it did not come about")


def _times(data: bytes) -> tuple[float, float]:
    found = json.loads(data)
    return found["begun"], found["ended"]


class _Stranger:
    def here(self) -> bool:
        return True


def _ray() -> Any:
    import ray

    return ray
