"""Pooled models against multi-head ones whose heads are made alike by loops, and training that learns its text."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from evidentia.kernels import registry
from evidentia.kernels.testbed.evaluate import bits
from evidentia.kernels.testbed.measurement import draw
from evidentia.kernels.testbed.model import Attention, Config, Decoder, initialise
from evidentia.kernels.testbed.pooling import heads, measurement, uptraining
from evidentia.kernels.testbed.pooling.uptraining import train_on
from evidentia.kernels.testbed.weights.sites import calibration_text

_CONFIG = Config(layers=2, width=24, heads=8, kv_heads=8, head_dim=4, hidden=16)
_BASE = initialise(Decoder(_CONFIG), 1).eval().requires_grad_(False)
_CELL: dict[str, Any] = {
    "kv_heads": 2, "steps": 3, "learning_rate": 3e-3, "training_seed": 0, "context": 66, "tokens": 128,
}  # fmt: skip
_ALL = ("loss_in_bits", "bits_per_byte", "cache_bytes_per_token", "bytes_read_per_token")
_KERNELS = ("multi-head", "mean-pooling", "first-head", "random-heads")
_POOLED = {"mean-pooling": heads.mean_pooling, "first-head": heads.first_head, "random-heads": heads.random_heads}


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def attentions(model: Decoder) -> list[Attention]:
    return [module for module in model.modules() if isinstance(module, Attention)]


def made_alike(model: Decoder, kv_heads: int, how: str) -> Decoder:
    """The multi-head model each of whose heads has the keys and values of its group's mean or first head."""
    alike, dim = copy.deepcopy(model), model.config.head_dim
    group = model.config.kv_heads // kv_heads
    for attention in attentions(alike):
        for layer in (attention.key, attention.value):
            old = [layer.weight[h * dim : (h + 1) * dim].clone() for h in range(model.config.kv_heads)]
            for h in range(model.config.kv_heads):
                members = old[h // group * group : h // group * group + group]
                mean = sum(members[1:], members[0]) / group
                layer.weight[h * dim : (h + 1) * dim] = mean if how == "mean-pooling" else members[0]
    return alike


@given(
    st.integers(0, 1000),
    st.sampled_from([(1, 1, 1), (2, 2, 1), (4, 4, 2), (6, 6, 3), (6, 6, 2), (8, 8, 1), (8, 4, 2), (8, 8, 8)]),
    st.sampled_from(["mean-pooling", "first-head"]),
    st.integers(1, 9),
)
@settings(deadline=None, derandomize=True, max_examples=25)
def test_a_pooled_model_is_the_multi_head_model_with_groups_made_alike(
    seed: int, shape: tuple[int, int, int], how: str, length: int
) -> None:
    query_heads, whole, kept = shape
    config = Config(layers=2, width=10, heads=query_heads, kv_heads=whole, head_dim=4, hidden=6)
    model = initialise(Decoder(config), seed).eval().requires_grad_(False)
    tokens = torch.from_numpy(np.random.default_rng(seed).integers(257, size=(2, length)))
    pooled = _POOLED[how](model, kept, generator())
    assert pooled.config.kv_heads == kept
    torch.testing.assert_close(pooled(tokens), made_alike(model, kept, how)(tokens), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("how", ["mean-pooling", "first-head"])
def test_pooling_to_all_heads_is_the_model_itself(how: str) -> None:
    pooled = _POOLED[how](_BASE, 8, generator())
    for name, parameter in _BASE.named_parameters():
        assert torch.equal(pooled.get_parameter(name), parameter)


def test_new_heads_have_nothing_of_the_old_and_all_else_is_kept() -> None:
    drawn = heads.random_heads(_BASE, 8, generator())
    for name, parameter in _BASE.named_parameters():
        new = drawn.get_parameter(name)
        if name.endswith(("key.weight", "value.weight")):
            assert abs(float(torch.corrcoef(torch.stack((new.flatten(), parameter.flatten())))[0, 1])) < 0.15
            assert float(new.std()) == pytest.approx(float(parameter.std()), rel=0.15)
        else:
            assert torch.equal(new, parameter)


def weights(model: Decoder) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def test_training_learns_its_text_moves_every_weight_and_is_repeatable() -> None:
    text = calibration_text(512 * 6, 3)

    def loss(model: Decoder) -> float:
        logits = model(text[:, :-1]).flatten(0, 1)
        return float(torch.nn.functional.cross_entropy(logits, text[:, 1:].flatten()))

    before = weights(_BASE)
    model = train_on(copy.deepcopy(_BASE), 6, 1e-2, 3)
    assert loss(model) < loss(_BASE) - 0.05
    assert not any(torch.equal(p, before[n]) for n, p in model.named_parameters())
    assert not any(p.requires_grad for p in model.parameters())
    again = train_on(copy.deepcopy(_BASE), 6, 1e-2, 3)
    assert all(torch.equal(p, again.get_parameter(n)) for n, p in model.named_parameters())
    assert all(torch.equal(p, before[n]) for n, p in _BASE.named_parameters())
    other = train_on(copy.deepcopy(_BASE), 6, 1e-2, 4)
    assert not torch.equal(other.head.weight, model.head.weight)


def test_no_step_leaves_the_model_as_it_was() -> None:
    model = train_on(copy.deepcopy(_BASE), 0, 1e-2, 0)
    assert all(torch.equal(p, _BASE.get_parameter(n)) for n, p in model.named_parameters())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small random model in the place of the shipped one."""
    for module in (uptraining, measurement):
        monkeypatch.setattr(module, "multi_head_model", lambda: _BASE)
    forget()
    yield
    forget()


def forget() -> None:
    uptraining.uptrained.cache_clear()
    measurement._multi_head_bits.cache_clear()


def mean_bits(model: Decoder, seed: int) -> float:
    return float(np.concatenate(bits(model, draw(seed, 66, 128))).mean())


@pytest.mark.parametrize("kernel", _KERNELS)
def test_the_loss_is_the_difference_to_the_untouched_model_on_the_same_bytes(kernel: str, small: None) -> None:
    found = measurement.measure(kernel, _ALL, seed=3, **_CELL)
    pool = _POOLED.get(kernel, heads.multi_head)
    model = train_on(pool(_BASE, 2, torch.Generator().manual_seed(0)), 3, 3e-3, 0)
    assert found["bits_per_byte"] == pytest.approx(mean_bits(model, 3), rel=1e-6)
    assert found["loss_in_bits"] == pytest.approx(mean_bits(model, 3) - mean_bits(_BASE, 3), abs=1e-6)
    assert found["loss_in_bits"] != 0.0


def test_without_pooling_and_training_nothing_is_lost(small: None) -> None:
    untouched = _CELL | {"steps": 0}
    for kernel in ("multi-head", "mean-pooling", "first-head"):
        found = measurement.measure(kernel, _ALL, seed=1, **untouched | {"kv_heads": 8})
        assert found["loss_in_bits"] == 0.0
    assert measurement.measure("multi-head", _ALL, seed=1, **untouched)["loss_in_bits"] == 0.0


@pytest.mark.parametrize("kv_heads", [1, 2, 4, 8])
def test_bytes_are_those_counted_by_hand(kv_heads: int, small: None) -> None:
    cell = _CELL | {"kv_heads": kv_heads, "steps": 0}
    attention = 2 * 24 * 32 + 2 * 24 * 4 * kv_heads
    read = 24 + 2 * (attention + 3 * 24 * 16 + 2 * 24) + 24 + 272 * 24
    cached = 2 * 2 * kv_heads * 4
    found = measurement.measure("mean-pooling", _ALL, seed=0, **cell)
    assert found["cache_bytes_per_token"] == 2 * cached
    assert found["bytes_read_per_token"] == 2 * (read + 66 * cached)
    whole = measurement.measure("multi-head", _ALL, seed=0, **cell)
    assert whole["cache_bytes_per_token"] == 2 * 2 * 2 * 8 * 4


def test_the_baseline_is_trained_once_however_many_heads_the_others_keep(small: None) -> None:
    for kv_heads in (1, 2, 4):
        measurement.measure("multi-head", _ALL, seed=0, **_CELL | {"kv_heads": kv_heads})
    assert uptraining.uptrained.cache_info().misses == 1


@pytest.mark.parametrize("kernel", _KERNELS)
def test_heads_that_do_not_fall_into_groups_are_named(kernel: str, small: None) -> None:
    with pytest.raises(ValueError, match="8 key-value heads do not fall into 3 equal groups"):
        measurement.measure(kernel, _ALL, seed=0, **_CELL | {"kv_heads": 3})


def test_the_shipped_model_is_hurt_by_pooling_and_recovers_by_training() -> None:
    loss = {
        steps: registry.measure("testbed-pooling", "first-head", ["loss_in_bits"], seed=0, steps=steps, kv_heads=4)
        for steps in (0, 4)
    }
    assert loss[0]["loss_in_bits"] > 0.1
    assert loss[4]["loss_in_bits"] < loss[0]["loss_in_bits"]
