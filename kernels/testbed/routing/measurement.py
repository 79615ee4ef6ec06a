"""Measuring one way of routing decode batches of the test bed's mixture of experts, on held-out text."""

from __future__ import annotations

import statistics
from functools import lru_cache, partial

from evidentia.kernels import registry
from evidentia.kernels.registry import Value
from evidentia.kernels.testbed.routing.decoding import batches, bits, expert_bytes, mixture, routed


def measure(
    kernel: str, metrics: tuple[str, ...], *, seed: int, batch: int, context: int, tokens: int, **settings: Value
) -> dict[str, float]:
    """``bits_per_byte`` and ``loss_in_bits`` above top-k routing of the same batches, and what a decode step takes:
    ``distinct_experts`` of a layer, ``expert_bytes`` over all layers, ``experts_used`` by a token of a layer.

    The first half of each sequence is history, the second is decoded. Raises ValueError for `k0` above the model's
    experts per token, and where the model is not shipped.
    """
    cell = (seed, batch, context, tokens)
    value, distinct, used = _decoded(kernel, tuple(sorted(settings.items())), *cell)
    found = {"bits_per_byte": value, "distinct_experts": distinct, "experts_used": used}
    found["expert_bytes"] = mixture().config.layers * distinct * expert_bytes(mixture())
    if "loss_in_bits" in metrics:
        found["loss_in_bits"] = value - _decoded("top-k", (), *cell)[0]
    return found


@lru_cache(maxsize=256)
def _decoded(
    kernel: str, settings: tuple[tuple[str, Value], ...], seed: int, batch: int, context: int, tokens: int
) -> tuple[float, float, float]:
    """Bits per byte, distinct experts of a layer and step, and experts that a token uses in a layer."""
    route = partial(registry.kernel("testbed-routing", kernel).load(), **dict(settings))
    history = context // 2
    model, layers = routed(mixture(), route, history)
    values, distinct, used = [], [], []
    for sequences in batches(seed, batch, context, tokens):
        values.append(bits(model, sequences, history))
        for layer in layers:
            distinct.append(float(layer.chosen.any(dim=1).sum(dim=-1).double().mean()))
            used.append(float(layer.chosen.sum(dim=-1).double().mean()))
    return statistics.fmean(values), statistics.fmean(distinct), statistics.fmean(used)
