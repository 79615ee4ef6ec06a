"""Decoding on a device: the same tokens wherever the models lie, and no tensor that is left on the CPU."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from evidentia.kernels import registry
from evidentia.kernels.decoding import autoregressive, chain, measurement, medusa
from evidentia.kernels.decoding.heads import MedusaHeads
from evidentia.kernels.decoding.speculative import ModelDrafter
from evidentia.kernels.decoding.tree import best
from evidentia.kernels.testbed.model import Decoder

FAMILY = "decoding-gpu"
TREE = best(((0.6, 0.2, 0.1), (0.4, 0.2, 0.1)), 5)
needs_device = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def ways(model: Decoder, small: Decoder, heads: MedusaHeads) -> list[list[int]]:
    """The tokens of every way of the family after one prompt, greedy."""
    prompt, count = b"def greedy(text):", 24
    drafter = ModelDrafter(small, 0.0, np.random.default_rng(5))
    rule = medusa.exact(np.random.default_rng(5))
    made = [
        autoregressive.generate(model, prompt, count, temperature=0.0, generator=np.random.default_rng(5)),
        chain.generate(model, prompt, count, drafter, gamma=3, temperature=0.0, generator=np.random.default_rng(5)),
        medusa.generate(model, heads, TREE, prompt, count, temperature=0.0, rule=rule),
    ]
    return [one.tokens[:count] for one in made]


def heads_of(model: Decoder) -> MedusaHeads:
    """Two heads that start as the model's own."""
    return MedusaHeads(2, model.config.width).requires_grad_(False)


def test_all_tensors_are_made_where_the_model_lies(model: Decoder, small: Decoder) -> None:
    """One that is made without saying where lies elsewhere here, and fails when it meets the model's."""
    heads = heads_of(model)
    plain = ways(model, small, heads)
    with torch.device("meta"):
        assert torch.zeros(1).device.type == "meta"
        assert ways(model, small, heads) == plain
    assert plain[0] == plain[1] == plain[2]


def test_a_moved_model_is_a_copy(model: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "_model", {"main": model}.__getitem__)
    measurement._moved.cache_clear()
    moved = measurement._moved("main", "meta")
    assert moved.device.type == "meta"
    assert model.device.type == "cpu"
    measurement._moved.cache_clear()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("kernel", [k.name for k in registry.kernels(FAMILY)])
def test_without_a_device_nothing_is_measured(kernel: str) -> None:
    with pytest.raises(ValueError, match="needs a CUDA device"):
        registry.measure(FAMILY, kernel, ["time_per_token"], seed=0)


@needs_device
def test_on_a_device_the_tokens_are_the_same(model: Decoder, small: Decoder) -> None:
    here = ways(model, small, heads_of(model))
    there = ways(copy.deepcopy(model).cuda(), copy.deepcopy(small).cuda(), heads_of(model).cuda())
    assert there == here


@needs_device
@pytest.mark.parametrize("kernel", [k.name for k in registry.kernels(FAMILY)])
def test_every_way_is_measured_on_a_device(kernel: str) -> None:
    metrics = [m.name for m in registry.family(FAMILY).metrics]
    found = registry.measure(FAMILY, kernel, metrics, seed=0, new_tokens=16)
    assert found["tokens_per_second"] * found["time_per_token"] == pytest.approx(1000.0)
    assert found["identical"] > 99
