"""The process level: what it promises to stop, measured from outside, nothing left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidentia.sandbox import Job, Limits, Outcome, Sandbox, SandboxClosedError, available_levels, open_sandbox
from evidentia.sandbox.outputs import take

MIB = 1024 * 1024
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and prctl")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = open_sandbox(tmp_path / "scratch")
    yield sandbox
    sandbox.close()
    assert list((tmp_path / "scratch").iterdir()) == []


def run(box: Sandbox, script: str, *outputs: str, **limits: float) -> Outcome:
    return box.run(Job(script=script, outputs=outputs, limits=Limits(**{"wall_seconds": 20, **limits})))  # type: ignore[arg-type]


def test_an_honest_script_is_measured_and_its_output_taken(box: Sandbox) -> None:
    seen = run(box, "import json\nprint('hello')\njson.dump([1], open('out.json', 'w'))", "out.json")
    assert seen.ok
    assert (seen.exit_status, seen.signal, seen.exceeded) == (0, None, None)
    assert seen.stdout == b"hello\n"
    assert seen.outputs == {"out.json": b"[1]"}
    assert 0 < seen.cpu_seconds < seen.wall_seconds + 1
    assert 5 * MIB < seen.peak_memory_bytes < 60 * MIB
    assert seen.level == "process"


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


def test_only_named_variables_may_be_passed(box: Sandbox) -> None:
    assert run(box, "import os\nprint(os.environ['OMP_NUM_THREADS'])").stdout == b"1\n"
    with pytest.raises(ValueError, match="PATH"):
        box.run(Job(script="", environment={"PATH": "/tmp"}))  # noqa: S108


def test_descriptors_of_the_parent_are_closed(box: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with secret.open() as file:
        os.set_inheritable(file.fileno(), True)
        script = (
            "import os\nfor fd in range(3, 256):\n  try: print(fd, os.readlink(f'/proc/self/fd/{fd}'))\n"
            "  except OSError: pass"
        )
        assert b"secret" not in run(box, script).stdout


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
    assert take(tmp_path, ("out",), MIB) == ({}, {"out": f"larger than {MIB} bytes"})


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
        "socket.socket(socket.AF_UNIX).bind('s')\nos.chmod('a/b', 0)\nos.symlink('/etc', 'l')"
    )
    assert run(box, script).exit_status == 0


@linux
def test_the_child_dies_with_its_host(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"import os, time\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
    host = (
        "import pathlib\nfrom evidentia.sandbox import Job, open_sandbox\n"
        f"open_sandbox(pathlib.Path({str(tmp_path / 'scratch')!r})).run(Job({script!r}))"
    )
    process = subprocess.Popen([sys.executable, "-I", "-c", host])
    pid = _wait_for(pid_file)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert not Path(f"/proc/{pid}").exists()


def _wait_for(path: Path) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()):
            return text
        threading.Event().wait(0.01)
    raise AssertionError(f"{path} did not appear")


def test_closing_kills_what_runs_and_refuses_more(tmp_path: Path) -> None:
    sandbox = open_sandbox(tmp_path / "scratch")
    failures: list[BaseException] = []

    def work() -> None:
        try:
            sandbox.run(Job(script=f"open({str(tmp_path / 'up')!r}, 'w').write('1')\nimport time\ntime.sleep(60)"))
        except SandboxClosedError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    _wait_for(tmp_path / "up")
    sandbox.close()
    thread.join(5)
    assert len(failures) == 1
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


def test_an_experiment_cannot_poison_the_compile_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "index").write_text("clean")
    sandbox = open_sandbox(tmp_path / "scratch", compile_cache=cache)
    script = (
        "import os, pathlib\nhome = pathlib.Path(os.environ['NUMBA_CACHE_DIR'])\n"
        "print((home / 'index').read_text())\n(home / 'index').write_text('poison')"
    )
    assert sandbox.run(Job(script=script)).stdout == b"clean\n"
    assert sandbox.run(Job(script=script)).stdout == b"clean\n"
    assert (cache / "index").read_text() == "clean"


def test_runs_leave_no_descriptors_behind(box: Sandbox) -> None:
    run(box, "pass")
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(30):
        run(box, "pass")
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before


def test_levels_are_listed_and_unknown_ones_named(tmp_path: Path) -> None:
    assert [name for name, available, _ in available_levels() if available] == ["process"]
    with pytest.raises(ValueError, match="process"):
        open_sandbox(tmp_path, level="fortress")


def test_the_package_imports_nothing_of_the_project_and_little_else() -> None:
    code = (
        "import sys\nimport evidentia.sandbox\n"
        "ours = [m for m in sys.modules if m.startswith('evidentia.') and not m.startswith('evidentia.sandbox')]\n"
        "sys.exit(bool(ours) or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-I", "-c", code]).returncode == 0
