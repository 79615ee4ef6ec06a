"""Whose code may run where: a language model's needs a strong sandbox or a person's word, which the record keeps."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from evidentia.agents import minds
from evidentia.agents.brief import Brief, Budget, Isolation
from evidentia.agents.minds.builtin.mind import BuiltinMind
from evidentia.errors import BadInputError
from evidentia.graph import running
from evidentia.graph.executors import local
from evidentia.graph.replay import journal_of
from evidentia.graph.running import start
from evidentia.hub.verification import ladder, verify, verify_all
from evidentia.sandbox import open_sandbox
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.records import Environment, Evidence

DEVICES = ("/dev/fuse", "/dev/net/tun", "/dev/kvm", "/dev/loop-control", "/dev/ppp", "/dev/rtc0", "/dev/tty0")


class Writer(BuiltinMind):
    """Stands for a language model: its scripts count as its own text."""

    name = "writer"
    writes_code = True


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


@pytest.fixture
def weak_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has only the weak level."""
    monkeypatch.setitem(minds.MINDS, "writer", Writer)
    for module in (running, ladder):
        monkeypatch.setattr(module, "strongest_level", lambda: "process")
    for module in (local, ladder):
        monkeypatch.setattr(module, "open_sandbox", partial(open_sandbox, level="process"))


def brief(**isolation: object) -> Brief:
    return Brief(
        question="Does the group size of round-to-nearest quantization matter?",
        families=("quantization",),
        conditions={"in_features": 128, "out_features": 32},
        budget=Budget(max_experiments=5),
        sandbox=Isolation.model_validate(isolation),
    )


def evidence(workspace: Workspace, run: str) -> list[Evidence]:
    return [r.evidence for b in journal_of(workspace, run).branches.values() for r in b.runs()]


@pytest.mark.usefixtures("weak_machine")
def test_a_language_models_code_does_not_run_in_a_weak_sandbox(workspace: Workspace) -> None:
    with pytest.raises(BadInputError, match="--allow-weak-sandbox"):
        start(workspace, brief(), mind="writer")
    assert workspace.run_names() == []
    assert start(workspace, brief(minimum="process"), mind="writer").experiments > 0
    assert start(workspace, brief(), mind="builtin").experiments > 0


@pytest.mark.usefixtures("weak_machine")
def test_what_a_person_allowed_stays_in_the_record(workspace: Workspace) -> None:
    allowed = start(workspace, brief(), mind="writer", allow_weak_sandbox=True)
    seen, *_ = evidence(workspace, allowed.run)
    assert (seen.environment.sandbox, seen.environment.weak_allowed) == ("process", True)
    planned = start(workspace, brief(), allow_weak_sandbox=True)
    assert not any(e.environment.weak_allowed for e in evidence(workspace, planned.run))


@pytest.mark.usefixtures("weak_machine")
def test_a_package_from_elsewhere_does_not_run_in_a_weak_sandbox(supported: Path, workspace: Workspace) -> None:
    with pytest.raises(BadInputError, match="not made in the workspace"):
        verify(supported, None, 2)
    assert verify(supported, None, 1)["rung"] == 1
    here = workspace.packages / supported.parent.name / "v1"
    shutil.copytree(supported, here)
    with pytest.raises(BadInputError, match="not made in the workspace"):
        verify(here, workspace, 2)
    (report,) = verify_all(workspace, rung=2)
    assert "not made in the workspace" in report["checks"][0]["detail"]
    assert verify(supported, None, 2, allow_weak_sandbox=True)["rung"] == 2


def test_evidence_tells_level_accounting_and_seed(workspace: Workspace) -> None:
    seen, *_ = evidence(workspace, start(workspace, brief()).run)
    assert seen.environment.sandbox
    assert seen.environment.accounting in ("cgroup", "procfs", "rusage")
    assert seen.environment.seed == 0
    assert seen.environment.variables["PYTHONHASHSEED"] == "0"


def test_devices_that_are_passed_in_are_told(workspace: Workspace) -> None:
    device = next((d for d in DEVICES if Path(d).is_char_device()), None)
    if device is None:
        pytest.skip(f"none of {', '.join(DEVICES)} exists here")
    seen, *_ = evidence(workspace, start(workspace, brief(devices=(device,))).run)
    assert seen.environment.devices == (device,)


@pytest.mark.parametrize(
    ("isolation", "told"),
    [
        ({"minimum": "fortress"}, "sandbox.minimum: unknown sandbox level 'fortress'"),
        ({"devices": ("/dev/no-such-device",)}, "sandbox.devices: /dev/no-such-device is no character device"),
        ({"devices": ("/etc/passwd",)}, "sandbox.devices: /etc/passwd is no character device"),
    ],
)
def test_settings_that_cannot_be_are_named_before_anything_is_written(
    workspace: Workspace, isolation: dict[str, object], told: str
) -> None:
    with pytest.raises(BadInputError, match=told):
        start(workspace, brief(**isolation))
    assert workspace.run_names() == []


def test_an_environment_recorded_before_these_fields_keeps_its_hash() -> None:
    before = {
        "python": "3.11.7", "platform": "Linux", "processor": "x", "packages": {}, "commit": "",
        "sandbox": "process", "variables": {"TZ": "UTC"},
    }  # fmt: skip
    assert Environment.model_validate(before).to_json() == before
    later = {**before, "accounting": "cgroup", "devices": ["/dev/nvidia0"], "seed": 0, "weak_allowed": True}
    later["accelerator"] = "NVIDIA H100 80GB HBM3"
    assert Environment.model_validate(later).to_json() == later


def test_the_card_is_told_by_its_name_where_one_is_passed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from evidentia.graph import environment

    monkeypatch.setattr(environment, "gpu_files", lambda: ("/dev/nvidia0", "/dev/nvidia1", "/dev/nvidiactl"))
    monkeypatch.setattr(environment, "gpu_names", lambda: ("NVIDIA A100", "NVIDIA A100"))
    devices = ("/dev/nvidia1", "/dev/nvidiactl")
    seen = environment.describe.__wrapped__("process", "", devices, 0, False)
    assert seen.accelerator == "NVIDIA A100"
    assert "accelerator" not in environment.describe.__wrapped__("process", "", (), 0, False).to_json()
    monkeypatch.setattr(environment, "gpu_names", lambda: ("NVIDIA A100", "NVIDIA H100"))
    seen = environment.describe.__wrapped__("process", "", devices, 0, False)
    assert seen.accelerator == "NVIDIA A100 and NVIDIA H100"
