"""Headlines for a CUDA device: measured with the card's name or not measured, and never without a device."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from evidentia.graph.running import start
from evidentia.graph.studies import FINISHED, FOLDER, catalogue, pick, standing
from evidentia.hub.replications import Answer, answers
from evidentia.hub.replications.headlines import headlines, unmeasured
from evidentia.hub.replications.page import page, statuses
from evidentia.hub.replications.reading import Part
from evidentia.workspace.home import open_workspace
from evidentia.workspace.quantities import quantity
from evidentia.workspace.studies import Stated
from tests.hub.replications.conftest import evidentia

CARD = "NVIDIA H100 80GB HBM3"
ON_GPU = {case.study.id: case.claims for case in catalogue(FOLDER, "cuda")}
without_device = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """A study that was run on the CPU."""
    home = tmp_path_factory.mktemp("studies") / "workspace"
    done = evidentia(home, "replicate", "mla-cache", "--rung", "1", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = answers(open_workspace(home))
    return found


def on_gpu(part: Part, name: str, *, crashed: bool = False) -> Part:
    """The part as if its experiments had run on a card, for a claim `name` of a CUDA device."""
    branch = part.manifest.branch
    runs = tuple(
        run.model_copy(
            update={
                "evidence": run.evidence.model_copy(
                    update={"environment": run.evidence.environment.model_copy(update={"accelerator": CARD})}
                )
            }
        )
        for run in branch.runs
    )
    changed = branch.model_copy(update={"runs": runs, **({"claims": (), "outcome": "crashed"} if crashed else {})})
    stated = part.stated.model_copy(update={"id": name, "device": "cuda", "part": "headline"})
    return replace(part, stated=stated, manifest=part.manifest.model_copy(update={"branch": changed}))


def joined(answer: Answer, *parts: Part) -> tuple[Answer, tuple[Stated, ...]]:
    stated = tuple(part.stated for part in parts)
    return replace(answer, stated=(*answer.stated, *stated), parts=(*answer.parts, *parts)), stated


def test_what_was_measured_has_value_interval_n_and_the_cards_name(answer: Answer) -> None:
    whole, stated = joined(answer, on_gpu(answer.parts[0], "gpu-time"))
    rows = list(headlines(stated, whole))
    decided = answer.parts[0].manifest.branch.claims
    assert [row.found for row in rows] == [quantity(claim) for claim in decided]
    assert {row.accelerator for row in rows} == {CARD}
    assert unmeasured(stated, whole) == []
    assert statuses({"s": whole})["s"]["gpu-time"] == answer.parts[0].status
    text = "\n".join(page([whole.study], {whole.study.id: whole}, {whole.study.id: stated}, {}))
    assert text.count(CARD) == 2 * len(decided)
    assert "not measured" not in text


def test_what_crashed_was_not_measured_and_does_not_count(answer: Answer) -> None:
    whole, stated = joined(answer, on_gpu(answer.parts[0], "gpu-time", crashed=True))
    assert whole.outcome == answer.outcome
    assert unmeasured(stated, whole) == ["gpu-time"]
    assert "gpu-time" not in statuses({"s": whole})["s"]
    assert [row.status for row in headlines(stated, whole)] == [None]


@pytest.mark.parametrize("name", sorted(ON_GPU))
def test_a_study_that_was_not_run_shows_its_headlines_as_not_measured(name: str) -> None:
    case = pick(catalogue(FOLDER), name)
    lines = list(page([case.study], {}, {name: ON_GPU[name]}, {}))
    own = [claim for claim in ON_GPU[name] if claim.part != "why"]
    first = [line for line in lines if line.startswith(f"| [{name}]") and "not measured" in line]
    assert len(first) == len(own)
    assert sum("not measured" in line for line in lines) == 2 * len(own)
    assert unmeasured(ON_GPU[name], None) == [claim.id for claim in own]


CLAIM = """
[[claims]]
id = "gpu-time"
device = "cuda"
family = "quantization-gpu"
metric = "time"
system = "w4a16"
versus = "bf16"
below = 0.5
"""


@without_device
def test_a_run_for_a_device_is_one_of_its_own_and_what_crashes_leaves_the_answer_as_it_was(tmp_path: Path) -> None:
    """The whole pipeline, on a machine where every such experiment must crash."""
    studies, home = tmp_path / "studies", tmp_path / "w"
    studies.mkdir()
    (studies / "mla-cache.toml").write_text((FOLDER / "mla-cache.toml").read_text() + CLAIM)
    done = evidentia(home, "replicate", "mla-cache", "--rung", "1", "--studies", str(studies), "--json")
    assert done.returncode == 0, done.stderr
    (before,) = answers(open_workspace(home))
    assert {part.stated.device for part in before.parts} == {"cpu"}
    (case,) = catalogue(studies, "cuda")
    start(open_workspace(home), case.brief)
    (cpu,), (cuda,) = (standing(open_workspace(home), catalogue(studies, device)) for device in ("cpu", "cuda"))
    assert (cpu.state, cuda.state) == (FINISHED, FINISHED)
    assert cpu.run == before.run != cuda.run
    (after,) = answers(open_workspace(home))
    assert [part.stated.id for part in after.parts] == [*(part.stated.id for part in before.parts), "gpu-time"]
    assert after.parts[-1].manifest.run == cuda.run
    assert after.outcome == before.outcome
    assert unmeasured(case.claims, after) == ["gpu-time"]
    done = evidentia(home, "replicate", "--list", "--studies", str(studies), "--json")
    (row,) = json.loads(done.stdout)
    assert (row["state"], row["run"], row["not_measured"]) == ("finished", before.run, ["gpu-time"])


def test_a_claim_without_words_is_told_by_what_it_measures() -> None:
    claim = Stated(
        id="a", device="cuda", family="f", metric="time_per_token", system="x", versus="y", above=1.0, below=2.0
    )
    (row,) = headlines([claim], None)
    assert (row.says, row.registered) == ("time per token of x against y", "in [1, 2]")


@without_device
@pytest.mark.parametrize("which", ["gptq", "--all"])
def test_without_a_device_it_is_said_and_nothing_is_written(tmp_path: Path, which: str) -> None:
    done = evidentia(tmp_path / "w", "replicate", which, "--device", "cuda")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "no CUDA device here" in done.stderr
    assert not (tmp_path / "w").exists()


def test_a_study_without_one_is_named(tmp_path: Path) -> None:
    done = evidentia(tmp_path / "w", "replicate", "cache-zipf", "--device", "cuda")
    assert done.returncode == 2
    assert "cache-zipf states nothing for a CUDA device" in done.stderr
    assert not (tmp_path / "w").exists()


def test_the_list_says_how_many_are_not_measured(tmp_path: Path) -> None:
    done = evidentia(tmp_path / "w", "replicate", "--list", "--json")
    rows = {row["study"]: row for row in json.loads(done.stdout)}
    own = {name: [c.id for c in claims if c.part != "why"] for name, claims in ON_GPU.items()}
    assert {name: row["not_measured"] for name, row in rows.items() if row["not_measured"]} == own
    listed = evidentia(tmp_path / "w", "replicate", "--list").stdout
    assert f"{sum(map(len, own.values()))} claims for a GPU not measured" in listed
