"""The warm level's own promises: nothing secret in the zygote, nothing carried over, and a new one when it dies."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evidentia.sandbox import (
    Job,
    Limits,
    Sandbox,
    SandboxClosedError,
    SandboxFailedError,
    available_levels,
    open_sandbox,
)
from tests.sandbox.attacks.catalogue import ATTACKS
from tests.sandbox.attacks.host import Host

LEVEL = "namespaces+landlock+seccomp"
WARM = ("import numpy, torch; from evidentia.kernels import registry",)
DEVICES = ("/dev/fuse", "/dev/net/tun", "/dev/kvm", "/dev/loop-control", "/dev/ppp", "/dev/rtc0", "/dev/tty0")

pytestmark = [
    pytest.mark.skipif(
        (LEVEL, True) not in [found[:2] for found in available_levels()], reason=f"no {LEVEL} on this machine"
    ),
    # One worker for all: the tests look for zygotes that are children of their own process.
    pytest.mark.xdist_group("attacks"),
]


@pytest.fixture
def others() -> frozenset[int]:
    """The zygotes that were there before the test's own."""
    return frozenset(zygotes())


@pytest.fixture
def box(others: frozenset[int], tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of this level."""
    sandbox = open_sandbox(tmp_path / "scratch", level=LEVEL)
    yield sandbox
    sandbox.close()


def zygotes() -> list[int]:
    """The zygotes of all sandboxes that this process has open."""
    launchers = [
        int(name)
        for name in os.listdir("/proc")
        if name.isdigit() and _parent(name) == os.getpid() and b"evidentia.sandbox.zygote" in _read(name, "cmdline")
    ]
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _parent(name) in launchers]


def _read(pid: int | str, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _parent(pid: str) -> int:
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def test_the_zygote_has_no_threads_and_nothing_of_its_hosts(
    others: frozenset[int], box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = f"sk-planted-{secrets.token_hex(16)}"
    monkeypatch.setenv("PLANTED_API_KEY", secret)
    assert box.run(Job("pass", warm=WARM)).ok
    (zygote,) = set(zygotes()) - others
    status = _read(zygote, "status").decode()
    assert "\nThreads:\t1\n" in status
    assert secret.encode() in _memory(os.getpid())
    assert secret.encode() not in _memory(zygote)
    assert secret.encode() not in _read(zygote, "environ")
    assert b"numpy" in _memory(zygote)


def _memory(pid: int) -> bytes:
    """All that a process has written to its memory."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in _read(pid, "maps").decode().splitlines():
            span, permissions = line.split()[:2]
            low, high = (int(word, 16) for word in span.split("-"))
            if permissions.startswith("rw"):
                try:
                    memory.seek(low)
                    found.append(memory.read(high - low))
                except (OSError, OverflowError):
                    continue
    return b"".join(found)


def test_a_killed_zygote_is_replaced(others: frozenset[int], box: Sandbox) -> None:
    assert box.run(Job("print(1)")).stdout == b"1\n"
    for zygote in set(zygotes()) - others:
        os.kill(zygote, signal.SIGKILL)
    assert box.run(Job("print(2)", warm=WARM)).stdout == b"2\n"


def test_a_job_whose_zygote_is_killed_ends_as_killed(others: frozenset[int], box: Sandbox) -> None:
    box.run(Job("pass"))
    (zygote,) = set(zygotes()) - others
    threading.Timer(0.3, os.kill, (zygote, signal.SIGKILL)).start()
    started = time.monotonic()
    seen = box.run(Job("import time\ntime.sleep(30)"))
    assert (seen.exit_status, seen.signal) == (None, signal.SIGKILL)
    assert time.monotonic() - started < 10
    assert box.run(Job("print(3)")).stdout == b"3\n"


def test_closing_does_not_wait_for_what_is_being_loaded(box: Sandbox) -> None:
    found: list[BaseException] = []

    def work() -> None:
        try:
            box.run(Job("pass", warm=("import time; time.sleep(60)",)))
        except BaseException as error:
            found.append(error)

    box.run(Job("pass"))
    thread = threading.Thread(target=work)
    thread.start()
    threading.Event().wait(0.3)
    started = time.monotonic()
    box.close()
    thread.join()
    assert time.monotonic() - started < 5
    assert [type(error) for error in found] == [SandboxClosedError]


def test_inputs_that_do_not_fit_are_told(box: Sandbox) -> None:
    with pytest.raises(SandboxFailedError, match="scratch folder"):
        box.run(Job("pass", inputs={"big": bytes(3 * 2**20)}, limits=Limits(disk_bytes=2**20)))
    assert box.run(Job("pass")).ok


def test_figures_can_be_drawn(box: Sandbox) -> None:
    script = (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.title('hit rate')\n"
        "plt.savefig('figure.png')\nplt.savefig('figure.svg')\n"
    )
    seen = box.run(Job(script, ("figure.png", "figure.svg")))
    assert seen.ok, seen.stderr
    assert seen.outputs["figure.png"].startswith(b"\x89PNG")
    assert b"<svg" in seen.outputs["figure.svg"]


def test_processes_of_ones_own_work(box: Sandbox) -> None:
    script = (
        "import multiprocessing as mp, subprocess, sys\nmp.set_start_method('fork')\n"
        "with mp.Pool(2) as pool: print(pool.map(abs, [-1, -2]))\n"
        "print(subprocess.run([sys.executable, '-c', 'print(3)'], capture_output=True, text=True).stdout)"
    )
    seen = box.run(Job(script, limits=Limits(wall_seconds=20)))
    assert seen.stdout.split() == [b"[1,", b"2]", b"3"], seen.stderr


def test_a_device_is_there_only_when_it_is_passed_in(tmp_path: Path) -> None:
    device = next((d for d in DEVICES if Path(d).is_char_device()), None)
    if device is None:
        pytest.skip(f"none of {', '.join(DEVICES)} exists here")
    script = f"import os, stat\nprint(stat.S_ISCHR(os.stat({device!r}).st_mode))"
    for devices, expected in (((), b""), ((device,), b"True\n")):
        sandbox = open_sandbox(tmp_path / "scratch", level=LEVEL, devices=devices)
        assert sandbox.run(Job(script)).stdout == expected
        sandbox.close()


def test_a_confinement_that_cannot_be_made_runs_nothing(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from evidentia.sandbox.zygote import warm

    monkeypatch.setattr(warm, "_map_users", lambda launcher: 4242)
    with pytest.raises(SandboxFailedError, match="confine"):
        box.run(Job("print('ran')"))


HONEST = {
    "numpy": "import numpy as np\nrows = [float(x) for x in np.linalg.svd(np.random.rand(20, 20))[1]]\n",
    "torch": "import torch\na = torch.randn(64, 64)\nrows = torch.softmax(a @ a.T, -1).diagonal().tolist()\n",
    "random": "import random\nrows = [random.random() for _ in range(50)]\n",
    "hash": "rows = [hash(str(n)) for n in range(50)]\n",
    "kernels": (
        "from evidentia.kernels import registry\n"
        "rows = [registry.measure('caching', k, ['hit_rate'], seed=3, requests=2000)['hit_rate']"
        " for k in ('lru', 's3-fifo')]\n"
    ),
}
COMPILED = ("from evidentia.kernels import registry; [registry.warm('caching', k) for k in ('lru', 's3-fifo')]",)
WRITE = "import json\njson.dump(rows, open('rows.json', 'w'))\n"
SLOW = ("wall:", "cpu:")


@pytest.mark.timeout(600)
def test_a_thousand_experiments_among_attacks_measure_what_they_measure_alone(tmp_path: Path) -> None:
    def job(name: str) -> Job:
        return Job(HONEST[name] + WRITE, ("rows.json",), warm=(*WARM, *COMPILED))

    alone = {}
    for name in HONEST:
        sandbox = open_sandbox(tmp_path / name, level=LEVEL, compile_cache=tmp_path / "compiled")
        seen = sandbox.run(job(name))
        assert seen.ok, seen.stderr
        alone[name] = seen.outputs["rows.json"]
        sandbox.close()

    draw = random.Random(1)
    attacks = [a for a in ATTACKS if not (a.exceeded or "").startswith(SLOW) and a.aim != "resources"]
    attacks += [a for a in ATTACKS if a.name in ("fork_bomb", "memory_bomb", "disk_fill", "descriptor_exhaustion")]
    order = [draw.choice(sorted(HONEST)) if draw.random() < 0.5 else draw.choice(attacks) for _ in range(1000)]
    with Host(tmp_path / "planted") as host:
        shared = open_sandbox(host.scratch_root, level=LEVEL, compile_cache=host.cache)
        target = json.dumps(host.target("evidentia-mixed")).encode()

        def run(item: object) -> tuple[str, bytes] | None:
            if isinstance(item, str):
                return item, shared.run(job(item)).outputs.get("rows.json", b"")
            script, limits = item.path.read_text(), Limits(wall_seconds=1, cpu_seconds=1, memory_bytes=2**28)  # type: ignore[attr-defined]
            shared.run(Job(script, inputs={"target.json": target}, limits=limits))
            return None

        with ThreadPoolExecutor(2) as pool:
            found = [pair for pair in pool.map(run, order) if pair]
        shared.close()
    assert len(found) > 400
    assert [name for name, rows in found if rows != alone[name]] == []
