"""What a study states for a CUDA device: a run of its own that leaves no trace in the one for the CPU."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evidentia.agents.brief import Brief, read_brief
from evidentia.agents.ideation import ideate
from evidentia.agents.minds.builtin.families import families
from evidentia.agents.minds.builtin.mind import BuiltinMind
from evidentia.agents.minds.protocol import Context, Finding
from evidentia.errors import BadInputError
from evidentia.graph.studies import FINISHED, FOLDER, NEW, UNFINISHED, Case, catalogue, for_device, pick, standing
from evidentia.kernels import registry
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.records import Hypothesis

ON_GPU = catalogue(FOLDER, "cuda")
STATED = ("awq", "fa2-work", "flash-exact", "gptq", "lean-decode", "medusa", "smoothquant", "speculative")


def context(brief: Brief, *findings: Finding) -> Context:
    registered = tuple(f.hypothesis for f in findings)
    return Context(brief=brief, literature=(), registered=registered, findings=findings, experiments_left=50)


def proposed(brief: Brief, *findings: Finding) -> list[Hypothesis]:
    return ideate(BuiltinMind(), context(brief, *findings))


def test_the_studies_whose_headline_is_a_gpus_state_it() -> None:
    assert sorted(case.study.id for case in ON_GPU) == sorted(STATED)


@pytest.mark.parametrize("case", ON_GPU, ids=lambda c: c.study.id)
def test_the_brief_for_the_cpu_is_the_file_without_what_is_stated_for_a_gpu(case: Case, tmp_path: Path) -> None:
    head, *blocks = re.split(r"(?m)^(?=\[\[claims\]\]$)", case.path.read_text())
    left = "".join([head, *(block for block in blocks if 'device = "cuda"' not in block)])
    assert len(left) < len(case.path.read_text())
    (tmp_path / "left.toml").write_text(left)
    without = read_brief(str(tmp_path / "left.toml")).to_json()
    with_them = pick(catalogue(FOLDER), case.study.id).brief.to_json()
    assert with_them == without
    assert "cuda" not in json.dumps(with_them)
    assert "device" not in with_them
    assert not any("device" in claim for claim in with_them["claims"])


@pytest.mark.parametrize("case", ON_GPU, ids=lambda c: c.study.id)
def test_each_run_registers_the_claims_for_its_device_alone(case: Case) -> None:
    own = {claim.id for claim in case.claims if not claim.unless}
    found = proposed(case.brief)
    assert {h.stated for h in found} == own
    assert all(registry.kernel(h.family, s).needs_gpu for h in found for s in h.systems)
    whole = read_brief(str(case.path))
    assert not own & {h.stated for h in proposed(whole)}
    assert {h.stated for h in proposed(whole)} == {h.stated for h in proposed(for_device(whole, "cpu"))}


def test_why_is_asked_on_the_gpu_too() -> None:
    brief = pick(ON_GPU, "gptq").brief
    first = proposed(brief)[0]
    (why,) = proposed(brief, Finding(first, "refuted", (), ()))
    assert (first.stated, why.stated) == ("gpu-time", "gpu-why")


def test_an_experiment_on_a_card_may_use_more_of_the_hosts_memory() -> None:
    mind = BuiltinMind()
    on_gpu = proposed(pick(ON_GPU, "gptq").brief)[0]
    plain = proposed(pick(catalogue(FOLDER), "gptq").brief)[0]
    limits = [mind.design(h, (0,)).limits["memory_bytes"] for h in (on_gpu, plain)]
    assert limits[0] > limits[1]
    assert mind.design(on_gpu, (0,)).exclusive


@pytest.mark.parametrize(
    "question",
    [
        "How many TFLOP/s does sdpa-cudnn reach on a CUDA device, and which share of the peak?",
        "Is triton-flash faster than sdpa-flash in decoding?",
        "Is w4a16 in Triton faster than bf16 on a GPU?",
    ],
)
def test_a_question_in_words_never_means_what_runs_on_a_gpu_alone(question: str) -> None:
    named = families(question)
    assert not any(registry.on_gpu(name) for name in named)
    for hypothesis in proposed(Brief(question=question, families=tuple(named))):
        assert not any(registry.kernel(hypothesis.family, s).needs_gpu for s in hypothesis.systems)


def test_a_family_that_runs_on_a_gpu_alone_is_refused_in_an_ordinary_brief() -> None:
    with pytest.raises(ValueError, match="attention-gpu runs on a CUDA device alone"):
        Brief(question="Which attention is fastest?", families=("attention-gpu",))


GOOD = """
question = "Is GPTQ better than round-to-nearest?"
families = ["testbed-weights"]
[[claims]]
id = "a"
family = "testbed-weights"
metric = "loss_in_bits"
system = "gptq"
below = 0.1
[[claims]]
id = "b"
device = "cuda"
family = "quantization-gpu"
metric = "time"
system = "w4a16"
versus = "bf16"
below = 0.5
"""


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('device = "cuda"\n', "", "'quantization-gpu' is not among the brief's families"),
        ('id = "b"', 'id = "b"\npart = "why"\nunless = "a"', "names no claim before it for the same device"),
        ('versus = "bf16"', 'versus = "fp32"', "no kernel 'fp32'"),
    ],
)
def test_a_claim_on_the_wrong_device_is_one_sentence(tmp_path: Path, was: str, becomes: str, told: str) -> None:
    (tmp_path / "brief.toml").write_text(GOOD)
    read_brief(str(tmp_path / "brief.toml"))
    (tmp_path / "brief.toml").write_text(GOOD.replace(was, becomes))
    with pytest.raises(BadInputError, match=r"brief\.toml") as caught:
        read_brief(str(tmp_path / "brief.toml"))
    assert told in str(caught.value)


def wrote(home: Workspace, name: str, asked: dict[str, Any], *, stopped: bool) -> None:
    """A run's log with what it was asked, and whether it came to its end."""
    log = home.create_log(name)
    log.append("run.started", {"brief": asked, "mind": "builtin"}, "person")
    if stopped:
        log.append("run.stopped", {"because": "no more questions"}, "orchestrator")
    log.close()


def test_the_two_runs_of_a_study_are_told_apart(tmp_path: Path) -> None:
    home = open_workspace(tmp_path / "w", create=True)
    cpu, cuda = pick(catalogue(FOLDER), "gptq"), pick(ON_GPU, "gptq")
    wrote(home, "on-cpu", cpu.brief.to_json(), stopped=True)
    assert [case.state for case in standing(home, [cpu])] == [FINISHED]
    assert standing(home, [cuda])[0].state == NEW
    files = {**cuda.brief.sandbox.to_json(), "devices": ["/dev/nvidia7", "/dev/nvidiactl"]}
    wrote(home, "on-gpu", {**cuda.brief.to_json(), "sandbox": files}, stopped=False)
    assert [(c.state, c.run) for c in standing(home, [cuda])] == [(UNFINISHED, "on-gpu")]
    assert [(c.state, c.run) for c in standing(home, [cpu])] == [(FINISHED, "on-cpu")]


def test_a_run_that_was_asked_before_there_were_devices_is_still_the_same(tmp_path: Path) -> None:
    """Its study said `needs_gpu` itself, and its brief named no device."""
    home = open_workspace(tmp_path / "w", create=True)
    case = pick(catalogue(FOLDER), "gptq")
    asked = case.brief.to_json()
    asked["study"]["needs_gpu"] = False
    wrote(home, "before", asked, stopped=True)
    assert standing(home, [case])[0].state == FINISHED
    assert Brief.model_validate(asked).to_json() == case.brief.to_json()


def test_a_changed_claim_for_one_device_leaves_the_other_run_as_it_is(tmp_path: Path) -> None:
    home = open_workspace(tmp_path / "w", create=True)
    cpu, cuda = pick(catalogue(FOLDER), "gptq"), pick(ON_GPU, "gptq")
    asked = cuda.brief.to_json()
    for claim in asked["claims"]:
        if claim.get("device") != "cuda":
            claim["says"] = "Something else"
    wrote(home, "on-gpu", asked, stopped=True)
    assert standing(home, [cuda])[0].state == FINISHED
    wrote(home, "on-cpu", for_device(read_brief(str(cpu.path)), "cpu").to_json(), stopped=True)
    assert standing(home, [cpu])[0].state == FINISHED
