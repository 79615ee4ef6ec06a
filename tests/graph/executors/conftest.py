"""One Ray cluster of two nodes on this machine for all tests, and a worker that differs from all others."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import evidentia
from evidentia.graph.executors import Opening
from evidentia.graph.executors.ray_cluster import connection
from evidentia.graph.executors.ray_cluster.executor import RayExecutor, open_executor
from evidentia.kernels import registry

GIB = 1024**3
NODE: dict[str, Any] = {"num_cpus": 4, "memory": 16 * GIB, "include_log_monitor": False}
# What Ray would do beside its work, and where it listens: the same as for a cluster of the program's own.
SETTINGS = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": ".*"}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A cluster of two nodes with four processors each, to which this process is connected."""
    os.environ.update(SETTINGS)
    pytest.importorskip("ray", reason="ray is not installed: pip install 'evidentia[ray]'")
    from ray.cluster_utils import Cluster

    found: Any = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False, "no_monitor": True})
    found.add_node(**NODE)
    before = os.environ.get(connection.ADDRESS)
    os.environ[connection.ADDRESS] = found.address
    leave = connection.connect(4)
    yield found
    leave()
    found.shutdown()
    if before is None:
        del os.environ[connection.ADDRESS]
    for name in SETTINGS:
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def opening(tmp_path_factory: pytest.TempPathFactory) -> Opening:
    """What an executor of three workers is opened with."""
    folder = tmp_path_factory.mktemp("executors")
    return Opening(folder / "scratch", registry.compile_cache(folder / "numba"), workers=3)


@pytest.fixture(scope="session")
def executor(cluster: Any, opening: Opening) -> Iterator[RayExecutor]:
    """Three slots on the cluster, for the tests that leave them open."""
    opened = open_executor(opening)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def other_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A path that gives a Python another kernel library, another SciPy (by its metadata) and no Landlock."""
    root = tmp_path_factory.mktemp("other")
    package, real = root / "evidentia", Path(evidentia.__file__).parent
    package.mkdir()
    for entry in real.iterdir():
        if entry.name != "kernels":
            (package / entry.name).symlink_to(entry.resolve())
    (package / "kernels").mkdir()
    for entry in (real / "kernels").iterdir():
        (package / "kernels" / entry.name).symlink_to(entry.resolve())
    registry_file = package / "kernels" / "registry.py"
    changed = registry_file.read_bytes() + b"# one more line\n"
    registry_file.unlink()
    registry_file.write_bytes(changed)
    metadata = root / "scipy-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: scipy\nVersion: 1.0\n")
    (root / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'default_worker.py' in ' '.join(sys.orig_argv):\n"
        "    from evidentia.sandbox.linux import landlock\n"
        "    landlock.abi = lambda: 0\n"
    )
    return root


@pytest.fixture
def odd_node(cluster: Any, other_sources: Path) -> Iterator[Any]:
    """A node whose workers have other versions, other library sources and a weaker sandbox, and a card for them."""
    path = os.pathsep.join([str(other_sources), *filter(None, [os.environ.get("PYTHONPATH")])])
    node = cluster.add_node(num_cpus=1, num_gpus=1, memory=64 * GIB, env_vars={"PYTHONPATH": path})
    yield node
    cluster.remove_node(node)


LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


class Process(NamedTuple):
    """A process by its number and the time it began, which no other ever has."""

    pid: int
    parent: int
    began: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The living process of this number, by the kernel's account."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[1]), fields[19])


def with_descendants(*processes: int) -> set[int]:
    """These processes and all that they and theirs have started."""
    parents = {p.pid: p.parent for name in os.listdir("/proc") if name.isdigit() and (p := Process.of(int(name)))}
    found = set(processes)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found
