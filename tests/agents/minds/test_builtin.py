"""The built-in planner: what it reads out of a question, and what it proposes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from evidentia.agents.brief import Brief, read_brief
from evidentia.agents.ideation import ideate
from evidentia.agents.minds import open_mind
from evidentia.agents.minds.builtin.mind import BuiltinMind
from evidentia.agents.minds.builtin.reading import read
from evidentia.agents.minds.protocol import Context, Design, Failure
from evidentia.errors import BadInputError
from evidentia.kernels import registry
from evidentia.workspace.records import Hypothesis

ATTENTION = (
    "Does tiled attention with online softmax lose accuracy against standard attention, "
    "and how does its memory grow with length?"
)
QUANTIZATION = (
    "At how many bits does round-to-nearest weight quantization of a linear layer start to hurt, "
    "and does the group size matter?"
)
EXAMPLE = Path(__file__).parents[3] / "examples" / "cache-admission.toml"


def proposed(brief: Brief) -> list[Hypothesis]:
    return ideate(BuiltinMind(), Context(brief, (), (), ()))


def test_a_question_about_eviction_means_both_lfus_and_says_that_the_word_is_ambiguous() -> None:
    (reading,) = read(read_brief(str(EXAMPLE)))
    assert [k.name for k in reading.systems] == ["lru", "lfu-perfect", "lfu-in-cache"]
    assert reading.reference.name == "lru"
    assert {tuple(k.name for k in group) for _, group in reading.ambiguous} == {("lfu-perfect", "lfu-in-cache")}
    assert dict(reading.varied) == {"capacity": (100, 1000), "warmup": (0, 20_000)}


def test_a_large_library_does_not_flood_a_question_and_what_it_names_is_tried() -> None:
    (reading,) = read(Brief(question="Does LIRS beat LRU on hit rate under scans?"))
    assert [k.name for k in reading.systems] == ["lru", "lirs"]
    online = [k for k in reading.challengers if "optimal" not in k.tags]
    assert len(online) == 6 < len(registry.kernels("caching")) - 3
    assert "belady" in {k.name for k in reading.challengers}


def test_two_kernels_that_are_named_are_compared_with_each_other() -> None:
    (reading,) = read(Brief(question="Does NVINT4 beat NVFP4 on signal-to-noise ratio at a low crest factor?"))
    assert reading.reference.name == "nvfp4"
    assert [k.name for k in reading.contenders] == ["nvint4"]


def test_two_kernels_that_share_a_baseline_are_compared_with_it_and_with_each_other() -> None:
    pairs = {
        h.systems for h in proposed(Brief(question="Does SIEVE beat S3-FIFO on hit rate?")) if h.form == "comparison"
    }
    assert {("sieve", "lru"), ("s3-fifo", "lru"), ("sieve", "s3-fifo")} <= pairs


def test_a_question_about_attention_means_accuracy_memory_and_length() -> None:
    (reading,) = read(Brief(question=ATTENTION))
    assert reading.family.name == "attention"
    assert {m.name for m in reading.metrics} == {"relative_error", "extra_memory"}
    assert "length" in reading.varied
    assert "equivalence" in reading.cues


def test_a_question_about_bits_means_a_threshold_and_the_group_size() -> None:
    (reading,) = read(Brief(question=QUANTIZATION))
    assert reading.family.name == "quantization"
    assert {"bits", "group_size"} <= set(reading.varied)
    assert {"threshold", "dependence"} <= reading.cues


def test_all_forms_are_proposed_for_the_example() -> None:
    forms = {h.form for h in proposed(read_brief(str(EXAMPLE)))}
    assert forms == {"comparison", "trend", "crossover", "optimum", "interaction", "equivalence", "bound"}


@pytest.mark.parametrize("question", [ATTENTION, QUANTIZATION, "From how many elements on is binary search faster?"])
def test_proposals_are_whole_and_the_same_every_time(question: str) -> None:
    first, second = proposed(Brief(question=question)), proposed(Brief(question=question))
    assert [h.id for h in first] == [h.id for h in second]
    assert len({h.id for h in first}) == len(first) >= 5
    for hypothesis in first:
        assert hypothesis.claims
        assert hypothesis.falsification
        for claim in hypothesis.claims:
            assert claim.conditions
            assert claim.check.confidence >= 0.95


def test_the_error_is_shared_over_looks_and_claims() -> None:
    for hypothesis in proposed(read_brief(str(EXAMPLE))):
        claims, looks = len(hypothesis.claims), len(hypothesis.sample_plan.looks)
        for claim in hypothesis.claims:
            level = 1 - claim.check.confidence
            assert 0.05 / (claims * looks) < level < 0.05 / claims, "never less than Bonferroni's, for one look all"


def test_a_parameter_that_needs_a_workload_brings_it_along() -> None:
    (reading,) = read(Brief(question="Is FIFO better than ARC when the share of scans grows?"))
    assert "scan_fraction" in reading.varied
    assert reading.base["workload"] == "scan"
    for hypothesis in proposed(reading.brief):
        cells = [(c.system, tuple(c.conditions.items())) for c in hypothesis.cells]
        assert len(set(cells)) == len(cells)
        assert all(name in c.conditions for c in hypothesis.cells for name in hypothesis.varied)


def test_a_choice_the_question_names_is_kept_fixed() -> None:
    (reading,) = read(Brief(question="Does LFU beat LRU under uniform popularity of the items?"))
    assert reading.base["workload"] == "uniform"


def test_varying_what_does_nothing_is_refused_with_the_mend() -> None:
    brief = Brief(
        question="Does LFU beat LRU?", families=("caching",), conditions={"workload": "uniform"},
        vary={"exponent": (0.5, 1.0)},
    )  # fmt: skip
    with pytest.raises(BadInputError, match="varying exponent does nothing unless workload zipf or scan or shifting"):
        read(brief)


def test_a_question_about_nothing_known_is_refused_with_a_mend() -> None:
    with pytest.raises(BadInputError, match="shares no word with any kernel"):
        read(Brief(question="Wherefore art thou Romeo?"))


ASKABLE = [k for k in registry.kernels() if "optimal" not in k.tags and not k.needs_gpu]


@pytest.mark.parametrize("kernel", ASKABLE, ids=lambda k: f"{k.family}/{k.name}")
def test_any_kernel_can_be_asked_for_by_its_own_words(kernel: registry.Kernel) -> None:
    siblings = [k.name for k in registry.kernels(kernel.family) if k.name != kernel.name] or ["others"]
    metric = registry.family(kernel.family).metrics[0].name.replace("_", " ")
    question = f"Does {kernel.tags[-1]} ({kernel.name}) beat {kernel.baseline or siblings[0]} on {metric}?"
    meant = {(r.family.name, k.name) for r in read(Brief(question=question)) for k in r.systems}
    # What a larger family knows too is measured there, unless the question has a word of the smaller one.
    root = registry.family(kernel.family).root
    assert (kernel.family, kernel.name) in meant or any(f == root and kernel.name in n for f, n in meant)


def test_a_rendered_script_is_python_that_states_its_cells_and_runs_by_hand(tmp_path: Path) -> None:
    mind = BuiltinMind()
    hypothesis = next(h for h in proposed(Brief(question=QUANTIZATION)) if h.form == "equivalence")
    design = mind.design(hypothesis, (3, 4))
    assert "SEEDS = [3, 4]" in design.script
    ast.parse(design.script)
    (tmp_path / "e.py").write_text(design.script)
    done = subprocess.run([sys.executable, "-I", "e.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert len(rows) == 2 * len(hypothesis.cells)


def test_an_exceeded_limit_is_raised_once_and_nothing_else_is_mended() -> None:
    mind = BuiltinMind()
    hypothesis = proposed(Brief(question=QUANTIZATION))[0]
    design: Design = mind.design(hypothesis, (0, 1))
    full = Failure(None, 9, "memory: 2048 MiB limit", "")
    again = mind.debug(hypothesis, design, full)
    assert again is not None
    assert again.limits["memory_bytes"] == 2 * design.limits["memory_bytes"]
    assert again.script == design.script
    assert mind.debug(hypothesis, again, full) is None
    assert mind.debug(hypothesis, design, Failure(1, None, None, "ValueError: no")) is None


def test_an_unknown_mind_is_named() -> None:
    with pytest.raises(BadInputError, match="builtin"):
        open_mind("oracle")


def test_a_hypothesis_keeps_its_id_when_only_its_wording_changes() -> None:
    hypothesis = proposed(Brief(question=QUANTIZATION))[0]
    assert hypothesis.model_copy(update={"statement": "other words", "priority": 0.1}).id == hypothesis.id
    plan = hypothesis.sample_plan.model_copy(update={"first_seed": 77})
    assert hypothesis.model_copy(update={"sample_plan": plan}).id != hypothesis.id


def test_the_mean_of_a_metric_that_leans_is_planned_with_wider_intervals_and_no_one_sided_tests() -> None:
    leaning = proposed(Brief(question="Does least-loaded routing have a lower latency than round-robin routing?"))
    checks = [c.check for h in leaning for c in h.claims if registry.family(h.family).metric(c.check.metric).leans]
    means = [c for c in checks if c.estimator in ("mean", "paired_difference", "paired_ratio")]
    assert means
    assert all(c.interval == "wider" and not c.two_one_sided for c in means)
    assert all(c.interval != "wider" for c in checks if c not in means)
    even = [c.check for h in proposed(read_brief(str(EXAMPLE))) for c in h.claims]
    assert not any(c.interval == "wider" for c in even)
    assert any(c.two_one_sided for c in even)
