"""Routed decode batches against real decoding, step by step and token by token, and the identities of the routers."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from evidentia.kernels import registry
from evidentia.kernels.serving.experts import oea, pruned, top_k
from evidentia.kernels.testbed.cache import FullCache
from evidentia.kernels.testbed.data import START, Document
from evidentia.kernels.testbed.experts import Experts
from evidentia.kernels.testbed.model import Block, Config, Decoder, initialise
from evidentia.kernels.testbed.routing import decoding, measurement
from evidentia.kernels.testbed.routing.decoding import Route, batches, bits, expert_bytes, routed

_CONFIG = Config(layers=2, width=16, heads=2, kv_heads=1, head_dim=8, hidden=6, experts=8, active=4)
_CELL: dict[str, Any] = {"batch": 4, "context": 16, "tokens": 100}
_ALL = ("loss_in_bits", "bits_per_byte", "distinct_experts", "expert_bytes", "experts_used")


def random_model(seed: int) -> Decoder:
    """A random mixture whose router has a clear opinion."""
    model = initialise(Decoder(_CONFIG), seed).eval().requires_grad_(False)
    for block in model.blocks:
        assert isinstance(block, Block)
        assert isinstance(block.feed, Experts)
        block.feed.router.weight.mul_(2)
    return model


_MODEL = random_model(1)


class Looped(nn.Module):
    """One decode step of a layer, written token by token; `seen` keeps the batch's experts of every call."""

    def __init__(self, layer: Experts, kernel: str, k0: int) -> None:
        super().__init__()
        self.layer, self.kernel, self.k0 = layer, kernel, k0
        self.seen: list[list[list[int]]] = []

    def forward(self, x: Tensor) -> Tensor:
        tokens, k = x[:, 0], self.layer.active
        scores = self.layer.router(tokens).tolist()
        orders = [sorted(range(len(row)), key=[-score for score in row].__getitem__) for row in scores]
        loaded = {expert for order in orders for expert in order[: self.k0]}
        chosen = []
        for order in orders:
            mine = order[: k if self.kernel == "top-k" else self.k0]
            if self.kernel == "oea":
                mine += [e for e in order[self.k0 :] if e in loaded][: k - self.k0]
            chosen.append(mine)
        self.seen.append(chosen)
        outputs = []
        for token, row, mine in zip(tokens, scores, chosen, strict=True):
            total = sum(math.exp(row[e]) for e in mine)
            outputs.append(sum(math.exp(row[e]) / total * self.layer.experts[e](token[None])[0] for e in mine))
        return torch.stack(outputs)[:, None]


def decoded(model: Decoder, batch: Tensor, history: int, kernel: str, k0: int) -> tuple[Tensor, list[Looped]]:
    """Logits of real decoding: the history at once by the plain model, then token after token through the cache."""
    plain, stepping, layers = copy.deepcopy(model), copy.deepcopy(model), []
    for block in stepping.blocks:
        assert isinstance(block, Block)
        assert isinstance(block.feed, Experts)
        block.feed = Looped(block.feed, kernel, k0)
        layers.append(block.feed)
    cache = FullCache()
    plain(batch[:, :history], cache)
    return torch.cat([stepping(token, cache) for token in torch.split(batch[:, history:], 1, dim=1)], dim=1), layers


def route(kernel: str, k0: int) -> Route:
    return top_k.route if kernel == "top-k" else partial({"oea": oea, "top-k0": pruned}[kernel].route, k0=k0)


def text(seed: int, batch: int, length: int) -> Tensor:
    drawn = torch.randint(256, (batch, length), generator=torch.Generator().manual_seed(seed))
    return torch.cat((torch.full((batch, 1), START), drawn), dim=1)


@given(
    st.integers(0, 1000),
    st.sampled_from(["top-k", "oea", "top-k0"]),
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(1, 5),
    st.integers(1, 5),
)
@settings(deadline=None, derandomize=True, max_examples=25)
def test_routed_batches_are_decoding_step_by_step_and_token_by_token(
    seed: int, kernel: str, k0: int, batch: int, history: int, steps: int
) -> None:
    model, tokens = random_model(seed), text(seed, batch, history + steps - 1)
    changed, layers = routed(model, route(kernel, k0), history)
    expected, looped = decoded(model, tokens, history, kernel, k0)
    torch.testing.assert_close(changed(tokens)[:, history:], expected, atol=1e-4, rtol=1e-4)
    for ours, theirs in zip(layers, looped, strict=True):
        chosen = [[sorted(token.nonzero().flatten().tolist()) for token in step] for step in ours.chosen]
        assert chosen == [[sorted(mine) for mine in step] for step in theirs.seen]


def test_top_k_routing_is_the_model_itself_and_the_model_is_left_as_it_was() -> None:
    tokens = text(3, 3, 12)
    before = _MODEL(tokens)
    for history in (0, 5, 13):
        torch.testing.assert_close(routed(_MODEL, top_k.route, history)[0](tokens), before, atol=1e-5, rtol=1e-5)
    for kernel in ("oea", "top-k0"):
        assert not torch.allclose(routed(_MODEL, route(kernel, 1), 5)[0](tokens), before, atol=1e-3)
    assert torch.equal(_MODEL(tokens), before)


def test_bits_are_those_of_the_second_half_alone() -> None:
    tokens = text(4, 3, 10)
    logits = _MODEL(tokens[:, :-1]).double().softmax(-1)
    taken = [-math.log2(float(logits[row, at - 1, tokens[row, at]])) for row in range(3) for at in range(5, 11)]
    assert bits(_MODEL, tokens, 4) == pytest.approx(sum(taken) / len(taken), rel=1e-5)


@pytest.fixture
def held_out(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A corpus of one held-out file that is long enough."""
    content = bytes(i * 7 % 251 for i in range(900))
    known = (Document("abc.py", b"x" * 900), Document("turtle.py", content), Document("turtle.py", b"short"))
    assert [d.held_out for d in known] == [False, True, True]
    monkeypatch.setattr(decoding, "texts", lambda: known)
    return content


def test_batches_are_whole_of_held_out_text_and_the_same_sequences_at_every_size(held_out: bytes) -> None:
    found = batches(7, 4, 20, 64)
    assert [b.shape for b in found] == [(4, 21)] * 2
    for row in torch.cat(found).tolist():
        assert row[0] == START
        assert bytes(row[1:]) in held_out
    smaller = torch.cat(batches(7, 1, 20, 64))
    assert torch.equal(smaller, torch.cat(found)[: len(smaller)])
    assert not torch.equal(torch.cat(batches(8, 4, 20, 64)), torch.cat(found))
    assert sum(b[:, 11:].numel() for b in batches(0, 3, 21, 100)) >= 100


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small random mixture in the place of the shipped one."""
    for module in (decoding, measurement):
        monkeypatch.setattr(module, "mixture", lambda: _MODEL)
    measurement._decoded.cache_clear()
    yield
    measurement._decoded.cache_clear()


def measured(kernel: str, seed: int = 2, **more: int) -> dict[str, float]:
    return measurement.measure(kernel, _ALL, seed=seed, **_CELL | more)


def test_the_identities_of_the_routers(small: None) -> None:
    top = measured("top-k")
    assert top["loss_in_bits"] == 0.0
    assert top["experts_used"] == 4.0
    assert measured("oea", k0=4) == top == measured("top-k0", k0=4)
    for k0 in (1, 2, 3):
        alone, fewer = measured("oea", batch=1, k0=k0), measured("top-k0", k0=k0, batch=1)
        assert alone == fewer
        assert alone["distinct_experts"] == alone["experts_used"] == k0
        assert measured("oea", k0=k0)["experts_used"] > measured("top-k0", k0=k0)["experts_used"] == k0


def test_the_first_layer_loads_what_pruned_routing_loads_and_less_than_top_k(small: None) -> None:
    (tokens, *_) = batches(0, 6, 16, 48)
    loads = {}
    for kernel in ("top-k", "oea", "top-k0"):
        model, layers = routed(_MODEL, route(kernel, 2), 8)
        model(tokens[:, :-1])
        loads[kernel] = layers[0].chosen.any(dim=1)
    assert torch.equal(loads["oea"], loads["top-k0"])
    assert not (loads["oea"] & ~loads["top-k"]).any()


def test_what_is_measured_is_what_step_by_step_decoding_shows(small: None) -> None:
    found = measured("oea", k0=2)
    distinct, used, nats = [], [], []
    for tokens in batches(2, 4, 16, 100):
        logits, layers = decoded(_MODEL, tokens[:, :-1], 8, "oea", 2)
        losses = nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 9:].flatten(), reduction="none")
        nats += losses.tolist()
        for step in (step for layer in layers for step in layer.seen):
            distinct.append(len({expert for mine in step for expert in mine}))
            used += [len(mine) for mine in step]
    assert found["bits_per_byte"] == pytest.approx(sum(nats) / len(nats) / math.log(2), rel=1e-5)
    assert found["distinct_experts"] == pytest.approx(sum(distinct) / len(distinct))
    assert found["experts_used"] == pytest.approx(sum(used) / len(used))
    assert found["loss_in_bits"] == pytest.approx(found["bits_per_byte"] - measured("top-k")["bits_per_byte"])
    assert expert_bytes(_MODEL) == 2 * sum(
        p.numel() for p in _MODEL.get_submodule("blocks.0.feed.experts.0").parameters()
    )
    assert found["expert_bytes"] == pytest.approx(2 * found["distinct_experts"] * 3 * 16 * 6 * 2)


def test_more_kept_experts_than_the_model_uses_are_refused(small: None) -> None:
    with pytest.raises(ValueError, match="k0 must be at most the experts per token"):
        measured("oea", k0=5)


def test_on_the_shipped_model_oea_loads_as_little_as_pruning_and_loses_less() -> None:
    metrics = ["loss_in_bits", "distinct_experts"]
    top, opportunistic, fewer = (
        registry.measure("testbed-routing", kernel, metrics, seed=0, k0=1) for kernel in ("top-k", "oea", "top-k0")
    )
    assert top["loss_in_bits"] == 0.0
    assert opportunistic["distinct_experts"] < top["distinct_experts"]
    assert opportunistic["loss_in_bits"] < fewer["loss_in_bits"]
