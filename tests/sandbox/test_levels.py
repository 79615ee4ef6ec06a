"""What every level promises, at every level that this machine has: limits, measurement, outputs, nothing left over."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidentia.sandbox import (
    Job,
    Limits,
    Outcome,
    Sandbox,
    SandboxClosedError,
    SandboxFailedError,
    available_levels,
    open_sandbox,
    strength,
    strongest_level,
)
from evidentia.sandbox.outputs import take

MIB = 1024 * 1024
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and prctl")


HERE = [name for name, available, _ in available_levels() if available]


@pytest.fixture(params=HERE)
def level(request: pytest.FixtureRequest) -> str:
    """Each level that this machine has."""
    return str(request.param)


@pytest.fixture
def box(tmp_path: Path, level: str) -> Iterator[Sandbox]:
    """A sandbox of that level, which leaves nothing when it is closed."""
    sandbox = open_sandbox(tmp_path / "scratch", level=level)
    yield sandbox
    sandbox.close()
    assert list((tmp_path / "scratch").iterdir()) == []


def run(box: Sandbox, script: str, *outputs: str, **limits: float) -> Outcome:
    return box.run(Job(script=script, outputs=outputs, limits=Limits(**{"wall_seconds": 20, **limits})))  # type: ignore[arg-type]


def test_an_honest_script_is_measured_and_its_output_taken(box: Sandbox, level: str) -> None:
    seen = run(box, "import json\nprint('hello')\njson.dump([1], open('out.json', 'w'))", "out.json")
    assert seen.ok
    assert (seen.exit_status, seen.signal, seen.exceeded) == (0, None, None)
    assert seen.stdout == b"hello\n"
    assert seen.outputs == {"out.json": b"[1]"}
    assert 0 < seen.cpu_seconds < seen.wall_seconds + 1
    assert MIB // 8 < seen.peak_memory_bytes < 60 * MIB
    assert seen.level == level


def test_cpu_and_memory_are_the_hosts_count(box: Sandbox) -> None:
    seen = run(
        box,
        "x = bytearray(200 * 2**20)\nimport time\nt = time.process_time()\nwhile time.process_time() - t < 0.3: pass",
    )
    assert seen.peak_memory_bytes > 200 * MIB
    assert 0.3 <= seen.cpu_seconds < 3


def test_a_failure_tells_the_line_of_the_script(box: Sandbox) -> None:
    seen = run(box, "x = 1\nraise ValueError('bad')")
    assert seen.exit_status == 1
    assert not seen.ok
    assert b'File "experiment.py", line 2' in seen.stderr
    assert seen.stderr.rstrip().endswith(b"ValueError: bad")


EXCEEDING: dict[str, tuple[str, dict[str, float], str]] = {
    "wall": ("import time\ntime.sleep(60)", {"wall_seconds": 0.4}, "wall: 0.4 s limit"),
    "loop": ("while True: pass", {"wall_seconds": 0.4}, "wall: 0.4 s limit"),
    "cpu": ("while True: pass", {"cpu_seconds": 0.5}, "cpu: 0.5 s limit"),
    "memory": ("x = []\nwhile True: x.append(bytearray(10**7))", {"memory_bytes": 150 * MIB}, "memory: 150 MiB limit"),
    "disk": (
        "i = 0\nwhile True:\n  i += 1\n  open(f'f{i}', 'wb').write(b'x' * 10**6)",
        {"disk_bytes": 20 * MIB},
        "disk: 20 MiB limit",
    ),
    "output": ("while True: print('x' * 10000)", {"output_bytes": MIB}, "output: 1 MiB limit"),
    "error output": (
        "import sys\nwhile True: sys.stderr.write('x' * 10000)",
        {"output_bytes": MIB},
        "output: 1 MiB limit",
    ),
    "ignores SIGTERM": (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)",
        {"wall_seconds": 0.5},
        "wall: 0.5 s limit",
    ),
}


@pytest.mark.parametrize("name", sorted(EXCEEDING))
def test_what_was_exceeded_is_named(box: Sandbox, name: str) -> None:
    script, limits, expected = EXCEEDING[name]
    started = time.monotonic()
    seen = run(box, script, **limits)
    assert seen.exceeded == expected
    assert not seen.ok
    assert time.monotonic() - started < 10


@linux
def test_a_fork_bomb_is_stopped_and_nothing_of_it_lives_on(box: Sandbox, tmp_path: Path) -> None:
    seen = run(box, "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", processes=24)
    assert seen.exceeded == "processes: 24 limit"
    assert _living_below(tmp_path) == []


@linux
@pytest.mark.parametrize(
    "escape",
    [
        "os.setsid()",
        "os.setsid()\n  if os.fork(): os._exit(0)",
        "os.setpgid(0, 0)",
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); os.setsid()",
    ],
)
def test_a_daemon_does_not_outlive_the_job(box: Sandbox, tmp_path: Path, escape: str) -> None:
    script = (
        f"import os, signal, time\nif os.fork() == 0:\n  {escape}\n  time.sleep(60)\n  os._exit(0)\ntime.sleep(0.1)"
    )
    assert run(box, script).exit_status == 0
    assert _living_below(tmp_path) == []


def _living_below(folder: Path) -> list[int]:
    """Living processes whose home is a scratch folder below `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"HOME={folder}".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_the_parents_environment_is_not_visible(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_API_KEY", "sk-planted")
    seen = run(box, "import os\nprint(dict(os.environ))")
    assert b"planted" not in seen.stdout
    assert b"PYTHONHASHSEED" in seen.stdout


def test_threads_hashes_and_generators_are_fixed(box: Sandbox) -> None:
    script = (
        "import os, random\nimport numpy as np\n"
        "print(os.environ['OMP_NUM_THREADS'], hash('evidence'), random.random(), np.random.rand())"
    )
    first, second = run(box, script), run(box, script)
    assert first.ok
    assert first.stdout == second.stdout
    assert box.run(Job(script=script, seed=1)).stdout != first.stdout


def test_descriptors_of_the_parent_are_closed(box: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with secret.open() as file:
        os.set_inheritable(file.fileno(), True)
        script = (
            "import os\nfor fd in range(3, 256):\n  try: print(fd, os.readlink(f'/proc/self/fd/{fd}'))\n"
            "  except OSError: pass"
        )
        assert run(box, script).stdout == b""


HOSTILE_OUTPUTS = {
    "symbolic link": "import os\nos.symlink('/etc/passwd', 'out')",
    "hard link": "import os\nopen('a', 'w').write('x')\nos.link('a', 'out')",
    "not a regular file": "import os\nos.mkfifo('out')",
    "missing": "pass",
}


@pytest.mark.parametrize("reason", sorted(HOSTILE_OUTPUTS))
def test_hostile_outputs_are_refused_with_the_reason(box: Sandbox, reason: str) -> None:
    seen = run(box, HOSTILE_OUTPUTS[reason], "out")
    assert seen.outputs == {}
    assert seen.refused == {"out": reason}
    assert not seen.ok


def test_a_sparse_giant_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        file.truncate(10**12)
    handle = os.open(tmp_path, os.O_RDONLY)
    assert take(handle, ("out",), MIB) == ({}, {"out": f"larger than {MIB} bytes"})
    os.close(handle)


def test_a_giant_cannot_even_be_made(box: Sandbox) -> None:
    assert run(box, "open('out', 'wb').truncate(10**12)", "out", disk_bytes=MIB).exit_status == 1


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../out"])
def test_outputs_outside_the_scratch_are_refused(box: Sandbox, name: str) -> None:
    assert run(box, "pass", name).refused == {name: "path leaves the scratch directory"}


def test_a_linked_folder_on_the_way_to_an_output_is_refused(box: Sandbox) -> None:
    seen = run(box, "import os\nos.symlink('/etc', 'd')", "d/passwd")
    assert seen.refused == {"d/passwd": "symbolic link"}


def test_odd_leftovers_are_removed(box: Sandbox) -> None:
    script = (
        "import os, socket\nos.makedirs('a/b/c')\nopen('a/b/c/f', 'w').write('x')\nos.mkfifo('p')\n"
        "try: socket.socket(socket.AF_UNIX).bind('s')\nexcept PermissionError: pass\n"
        "os.chmod('a/b', 0)\nos.symlink('/etc', 'l')"
    )
    assert run(box, script).exit_status == 0


SHOW = "import ctypes\nctypes.CDLL(None).prctl(15, b'{name}', 0, 0, 0)\n"
"""A script's way of telling the host, from anywhere, that it has begun: the name of its process."""


def _named(name: str) -> list[int]:
    """The living processes of that name."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == name:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _wait_until(count: int, name: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while len(_named(name)) != count:
        assert time.monotonic() < deadline, f"{len(_named(name))} processes {name}, not {count}"
        threading.Event().wait(0.01)


@linux
def test_everything_dies_with_its_host(tmp_path: Path, level: str) -> None:
    name = secrets.token_hex(6)
    script = SHOW.format(name=name) + "import os, time\nos.fork()\ntime.sleep(60)"
    host = (
        "import pathlib\nfrom evidentia.sandbox import Job, open_sandbox\n"
        f"open_sandbox(pathlib.Path({str(tmp_path / 'scratch')!r}), level={level!r}).run(Job({script!r}))"
    )
    process = subprocess.Popen([sys.executable, "-I", "-c", host])
    _wait_until(2, name)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # A weak level's own child dies with the host; what that child has forked is looked for by a living host only.
    _wait_until(1 if level in ("process", "landlock+seccomp") else 0, name, 5)
    for pid in _named(name):
        os.kill(pid, signal.SIGKILL)


@linux
def test_closing_kills_what_runs_and_refuses_more(tmp_path: Path, level: str) -> None:
    sandbox = open_sandbox(tmp_path / "scratch", level=level)
    failures: list[BaseException] = []
    name = secrets.token_hex(6)

    def work() -> None:
        try:
            sandbox.run(Job(script=SHOW.format(name=name) + "import time\ntime.sleep(60)"))
        except SandboxClosedError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    _wait_until(1, name)
    sandbox.close()
    thread.join(5)
    assert len(failures) == 1
    assert _named(name) == []
    with pytest.raises(SandboxClosedError):
        sandbox.run(Job(script="pass"))


def test_parallel_jobs_do_not_mix(box: Sandbox) -> None:
    seen: dict[int, Outcome] = {}

    def work(number: int) -> None:
        script = f"open('out', 'w').write('{number}' * 1000)\nprint({number})"
        seen[number] = run(box, script, "out")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(seen[n].outputs["out"] == str(n).encode() * 1000 and seen[n].stdout == b"%d\n" % n for n in range(8))


def test_an_experiment_cannot_poison_the_compile_cache(tmp_path: Path, level: str) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "index").write_text("clean")
    sandbox = open_sandbox(tmp_path / "scratch", level=level, compile_cache=cache)
    script = (
        "import os, pathlib\nhome = pathlib.Path(os.environ['NUMBA_CACHE_DIR'])\n"
        "old = home / 'index'\nprint(old.read_text() if old.exists() else 'none')\nold.write_text('poison')"
    )
    first, second = sandbox.run(Job(script=script)), sandbox.run(Job(script=script))
    assert first.ok
    assert first.stdout == second.stdout
    assert (cache / "index").read_text() == "clean"
    sandbox.close()


def test_warm_statements_run_once_and_their_fault_is_told(tmp_path: Path, level: str) -> None:
    cache = tmp_path / "cache"
    sandbox = open_sandbox(tmp_path / "scratch", level=level, compile_cache=cache)
    count = "import os; open(os.environ['NUMBA_CACHE_DIR'] + '/count', 'a').write('x')"
    for _ in range(3):
        assert sandbox.run(Job(script="pass", warm=(count,))).ok
    assert (cache / "count").read_text() == "x"
    with pytest.raises(SandboxFailedError, match="no such kernel"):
        sandbox.run(Job(script="pass", warm=("raise KeyError('no such kernel')",)))
    assert sandbox.run(Job(script="pass")).ok
    sandbox.close()


def test_a_relative_scratch_root_will_do(tmp_path: Path, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sandbox = open_sandbox(Path("scratch"), level=level)
    assert sandbox.run(Job(script="print(1)")).stdout == b"1\n"
    sandbox.close()


def test_runs_leave_no_descriptors_behind(box: Sandbox) -> None:
    run(box, "pass")
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(30):
        run(box, "pass")
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before


def test_levels_are_listed_strongest_first_and_unknown_ones_named(tmp_path: Path) -> None:
    names = [name for name, _, _ in available_levels()]
    assert names == ["namespaces+landlock+seccomp", "bubblewrap", "landlock+seccomp", "process"]
    assert [strength(name) for name in names] == [3, 2, 1, 0]
    assert strongest_level() == HERE[0]
    with pytest.raises(ValueError, match="process"):
        open_sandbox(tmp_path, level="fortress")


def test_the_package_imports_nothing_of_the_project_and_little_else() -> None:
    code = (
        "import sys\nimport evidentia.sandbox\n"
        "ours = [m for m in sys.modules if m.startswith('evidentia.') and not m.startswith('evidentia.sandbox')]\n"
        "sys.exit(bool(ours) or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-I", "-c", code]).returncode == 0
