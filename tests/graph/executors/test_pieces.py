"""What needs no cluster: demands, judgement, verified arrival, the registry of executors, clear refusals."""

from __future__ import annotations

import copy
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import BadInputError
from evidentia.graph.executors import Opening, open_executor
from evidentia.graph.executors.placed import environment_of
from evidentia.graph.executors.ray_cluster.arrival import DamagedError, arrived
from evidentia.graph.executors.ray_cluster.connection import ADDRESS, connect
from evidentia.graph.executors.ray_cluster.demand import Demand, assigned, demand_of
from evidentia.graph.executors.ray_cluster.judging import judge
from evidentia.graph.executors.ray_cluster.worker import Slot, facts
from evidentia.kernels import registry
from evidentia.sandbox import Job, Limits, open_sandbox

SIZES = st.integers(0, 8)


@given(st.builds(Demand, st.just(1), SIZES, SIZES), st.builds(Demand, st.just(1), SIZES, SIZES), SIZES, SIZES, SIZES)
@settings(deadline=None, derandomize=True)
def test_a_machine_with_room_for_the_larger_has_room_for_the_smaller(
    one: Demand, other: Demand, cpus: int, memory: int, gpus: int
) -> None:
    resources = {"CPU": float(cpus), "memory": float(memory), "GPU": float(gpus)}
    count = one.fits(resources)
    for name, needed in (("CPU", one.cpus), ("memory", one.memory_bytes), ("GPU", one.gpus)):
        assert count * needed <= resources[name]
    assert any((count + 1) * n > resources[k] for k, n in (("CPU", 1), ("memory", one.memory_bytes), ("GPU", one.gpus)))
    if one.covers(other):
        assert other.fits(resources) >= count


def test_limits_and_devices_say_what_is_asked_for() -> None:
    devices = ("/dev/nvidia3", "/dev/nvidiactl", "/dev/nvidia0")
    assert demand_of(Limits(memory_bytes=5), devices) == Demand(1, 5, 2)
    assert assigned(devices, (6, 1)) == ("/dev/nvidia6", "/dev/nvidiactl", "/dev/nvidia1")
    assert assigned(("/dev/kvm",), ()) == ("/dev/kvm",)


@pytest.fixture(scope="module")
def mine() -> dict[str, Any]:
    return facts()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda told: told["environment"].update(python="3.11.0"), "Python 3.11.0 (here "),
        (lambda told: told["environment"]["packages"].update(numpy="0.1"), "numpy 0.1 (here "),
        (lambda told: told["environment"]["packages"].pop("torch"), "torch missing (here "),
        (lambda told: told.update(library="f00"), "kernel library f00 (here "),
        (lambda told: told["environment"].update(sandbox="process"), "sandbox process (asked for: bubblewrap or"),
    ],
)
def test_a_difference_is_named(mine: dict[str, Any], change: Any, words: str) -> None:
    told = copy.deepcopy(mine)
    told["environment"]["sandbox"] = "bubblewrap"
    assert judge("n", told, mine, "bubblewrap").differs == ()
    change(told)
    (found,) = judge("n", told, mine, "bubblewrap").differs
    assert found.startswith(words)


def test_another_host_and_processor_are_no_difference(mine: dict[str, Any]) -> None:
    told = copy.deepcopy(mine)
    told["host"] = "elsewhere"
    told["environment"].update(processor="another", platform="another")
    assert judge("n", told, mine, "").differs == ()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a slot really reports, without Ray between."""
    slot = Slot((), "")
    slot._sandbox = open_sandbox(tmp_path_factory.mktemp("slot"))
    try:
        return slot.run(Job("print('out')\nopen('rows.jsonl', 'w').write('{}')", ("rows.jsonl",)))
    finally:
        slot.close()


def test_what_arrives_whole_is_taken(report: dict[str, Any], mine: dict[str, Any]) -> None:
    found = arrived(report, judge("n", mine, mine, ""), 1)
    assert (found.stdout, found.stderr, found.outputs) == (b"out\n", b"", {"rows.jsonl": b"{}"})
    assert found.ok
    told = environment_of(found, (), 0, True)
    assert (told.packages, told.sandbox, told.weak_allowed) == (found.environment.packages, found.level, True)


@pytest.mark.parametrize("data", [b"{} ", b"", None], ids=["changed", "emptied", "missing"])
def test_what_arrives_damaged_is_not_believed(report: dict[str, Any], mine: dict[str, Any], data: bytes | None) -> None:
    for digest in report["blobs"]:
        damaged = {**report, "blobs": {k: v for k, v in report["blobs"].items() if k != digest}}
        if data is not None:
            damaged["blobs"][digest] = data + b"?"
        with pytest.raises(DamagedError):
            arrived(damaged, judge("n", mine, mine, ""), 1)


def test_the_registry_opens_by_name_and_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    opening = Opening(tmp_path / "scratch", registry.compile_cache(tmp_path / "numba"))
    opened = open_executor("local", opening)
    assert opened.run(Job("print(1)")).stdout == b"1\n"
    opened.close()
    with pytest.raises(BadInputError, match="no executor 'slurm'; there are local, ray"):
        open_executor("slurm", opening)


def test_without_ray_one_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delenv(ADDRESS, raising=False)
    with pytest.raises(BadInputError, match=r"--executor ray needs the package ray .*pip install 'evidentia\[ray\]'"):
        open_executor("ray", Opening(tmp_path, tmp_path))


@pytest.mark.parametrize("address", ["ray://127.0.0.1:10001", "somewhere", ":6379", "127.0.0.1:", "127.0.0.1:port"])
def test_an_address_that_is_none_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, address)
    with pytest.raises(BadInputError, match=r"RAY_ADDRESS: .* is no HOST:PORT of a Ray cluster"):
        connect(1)


@pytest.mark.parametrize("port", ["99999", "closed", "no ray"])
def test_an_address_where_no_cluster_answers_is_refused_at_once(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        if port == "closed":
            server.close()
        if port == "no ray":
            monkeypatch.setattr("evidentia.graph.executors.ray_cluster.connection._PATIENCE", 0.2)
        monkeypatch.setenv(ADDRESS, f"127.0.0.1:{number if port != '99999' else port}")
        with pytest.raises(BadInputError, match=r"RAY_ADDRESS: no Ray cluster answers at 127\.0\.0\.1:"):
            connect(1)
