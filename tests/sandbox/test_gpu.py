"""Graphics cards: which files they are, what they are called, and what a job may do that is given one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import torch

from evidentia.sandbox import Job, available_levels, gpu, gpu_files, gpu_names, open_sandbox

LEVEL = "namespaces+landlock+seccomp"
DEVICES = ("/dev/fuse", "/dev/net/tun", "/dev/kvm", "/dev/loop-control", "/dev/ppp", "/dev/rtc0", "/dev/tty0")
with_level = pytest.mark.skipif(
    (LEVEL, True) not in [found[:2] for found in available_levels()], reason=f"no {LEVEL} on this machine"
)


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    gpu_names.cache_clear()
    yield
    gpu_names.cache_clear()


def test_the_files_are_the_cards_and_what_they_share(tmp_path: Path) -> None:
    (tmp_path / "nvidia-caps").mkdir()
    names = ("nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "nvidia-caps/nvidia-cap1", "nvidia-modeset", "sda")
    for name in names:
        (tmp_path / name).symlink_to("/dev/null")
    (tmp_path / "nvidia3").write_text("not a device")
    found = [str(Path(path).relative_to(tmp_path)) for path in gpu_files(tmp_path)]
    assert found == ["nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "nvidia-caps/nvidia-cap1"]
    assert gpu_files(tmp_path / "nowhere") == ()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_device_there_are_no_names() -> None:
    assert gpu_names() == ()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_names_are_cudas() -> None:
    assert gpu_names() == tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    assert gpu_files()


@pytest.mark.parametrize(
    ("code", "names"),
    [("print('NVIDIA A100'); print('NVIDIA H100')", ("NVIDIA A100", "NVIDIA H100")), ("", ()), ("raise OSError", ())],
)
def test_the_names_are_asked_of_another_process(
    monkeypatch: pytest.MonkeyPatch, code: str, names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(gpu, "_ASK", code)
    assert gpu_names() == names


SCRIPT = """
import ctypes, pathlib, shutil, subprocess
shutil.copy({library!r}, "copied.so")
try:
    ctypes.CDLL(str(pathlib.Path("copied.so").absolute()))
    print("loaded")
except OSError:
    print("refused")
shutil.copy("/bin/true", "program")
pathlib.Path("program").chmod(0o700)
try:
    subprocess.run(["./program"])
    print("ran")
except OSError:
    print("stopped")
"""


@with_level
def test_a_job_with_a_card_may_load_what_it_compiled_but_not_run_it(tmp_path: Path) -> None:
    device = next((d for d in DEVICES if Path(d).is_char_device()), None)
    if device is None:
        pytest.skip(f"none of {', '.join(DEVICES)} exists here")
    library = next(Path(orjson.__file__).parent.glob("*.so"))
    for devices, loaded in (((), "refused"), ((device,), "loaded")):
        sandbox = open_sandbox(tmp_path / "scratch", level=LEVEL, devices=devices)
        seen = sandbox.run(Job(SCRIPT.format(library=str(library))))
        sandbox.close()
        assert seen.stdout.decode().split() == [loaded, "stopped"], seen.stderr
