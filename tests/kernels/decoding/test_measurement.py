"""The measurement: drawn by the seed alone, refused where it cannot be made, and identical where it must be."""

from __future__ import annotations

from typing import Any

import pytest

from evidentia.kernels import registry
from evidentia.kernels.decoding import measurement, workload
from evidentia.kernels.decoding.cards import FAMILY
from evidentia.kernels.decoding.heads import MedusaHeads
from evidentia.kernels.testbed.data import texts
from evidentia.kernels.testbed.model import Decoder

METRICS = tuple(m.name for m in FAMILY.metrics)
KERNELS = ("autoregressive", "speculative", "prompt-lookup", "suffix-tree", "medusa", "medusa-typical")
SETTINGS: dict[str, registry.Value] = {
    "longest_match": 8,
    "rollouts": 2,
    "rollout_temperature": 0.7,
    "tree_nodes": 4,
    "epsilon": 0.09,
}
SHIPPED = [k.name for k in registry.kernels() if k.family == "decoding"]


@pytest.fixture
def _small_models(model: Decoder, small: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = MedusaHeads(3, model.config.width).requires_grad_(False)
    monkeypatch.setattr(measurement, "_model", {"main": model, "draft": small}.__getitem__)
    monkeypatch.setattr(measurement, "_heads", lambda: (heads, [[0.5, 0.2], [0.4, 0.1], [0.3, 0.1]]))
    measurement._rollouts.cache_clear()
    measurement._greedy.cache_clear()


def _measure(kernel: str, temperature: float, new_tokens: int = 12) -> dict[str, float]:
    at: dict[str, Any] = {
        **SETTINGS,
        "gamma": 2,
        "temperature": temperature,
        "prompt_length": 32,
        "new_tokens": new_tokens,
    }
    return measurement.measure(kernel, METRICS, seed=4, **at)


@pytest.mark.usefixtures("_small_models")
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_way_gives_the_greedy_text_and_counts_its_passes(kernel: str) -> None:
    found = _measure(kernel, 0.0)
    assert found["identical"] == 100.0
    assert found["bits_per_token"] == pytest.approx(_measure("autoregressive", 0.0)["bits_per_token"])
    assert 1.0 <= found["tokens_per_step"] <= 3.0
    assert 0.0 <= found["acceptance_rate"] <= 100.0
    assert found["time_per_token"] > 0.0
    if kernel == "autoregressive":
        assert (found["tokens_per_step"], found["acceptance_rate"]) == (1.0, 0.0)


@pytest.mark.usefixtures("_small_models")
@pytest.mark.parametrize("kernel", KERNELS)
def test_sampling_is_a_function_of_the_seed(kernel: str) -> None:
    first, second = _measure(kernel, 1.0), _measure(kernel, 1.0)
    assert {k: v for k, v in first.items() if k != "time_per_token"} == {
        k: v for k, v in second.items() if k != "time_per_token"
    }


@pytest.mark.usefixtures("_small_models")
def test_a_text_longer_than_the_context_is_refused() -> None:
    with pytest.raises(ValueError, match="the context is 128"):
        _measure("autoregressive", 0.0, new_tokens=100)


def test_a_missing_checkpoint_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Decoder:
        raise KeyError(name)

    monkeypatch.setattr(measurement, "load", missing)
    with pytest.raises(ValueError, match="draft model, whose checkpoint is not shipped"):
        measurement._model.__wrapped__("draft")


def test_prompts_are_held_out_and_drawn_evenly() -> None:
    contents = [d.content for d in texts() if d.held_out]
    for seed in range(20):
        prompt = workload.prompt(seed, 64)
        assert len(prompt) == 64
        assert any(prompt in text for text in contents)
    assert len({workload.prompt(seed, 64) for seed in range(20)}) > 15


@pytest.mark.parametrize("kernel", SHIPPED)
def test_the_shipped_models_decode_the_greedy_text_by_every_way(kernel: str) -> None:
    found = registry.measure("decoding", kernel, ["identical", "tokens_per_step"], seed=1, new_tokens=24)
    assert found["identical"] == 100.0
    assert found["tokens_per_step"] >= 1.0
