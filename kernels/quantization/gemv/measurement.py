"""Measuring a linear layer with packed weights on random weights and tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch

from evidentia.kernels import registry, timing
from evidentia.kernels.quantization.gemv.linear import Linear
from evidentia.kernels.registry import Value

_REPEATS = 15


def measure(
    kernel: str,
    metrics: tuple[str, ...],
    *,
    seed: int,
    in_features: int,
    out_features: int,
    batch: int,
    **settings: Value,
) -> dict[str, float]:
    """``time`` in us on one thread (median of fifteen after one, without outliers), ``output_error`` in %,
    ``weight_bytes``, ``operations``. Weights and tokens are standard normal."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(out_features, in_features, generator=generator)
    tokens = torch.randn(batch, in_features, generator=generator)
    layer: Linear = registry.kernel("quantization-gemv", kernel).load()(weight, **settings)
    found: dict[str, float] = {}
    if "time" in metrics:
        found["time"] = 1e6 * seconds(lambda: layer(tokens))
    if "output_error" in metrics:
        exact = tokens.double() @ weight.double().T
        found["output_error"] = 100.0 * float((layer(tokens).double() - exact).norm() / exact.norm())
    if "weight_bytes" in metrics:
        found["weight_bytes"] = float(layer.weight_bytes)
    if "operations" in metrics:
        found["operations"] = float(layer.operations(tokens))
    return found


def seconds(run: Callable[[], object], threads: int = 1) -> float:
    """The median of fifteen runs after one, without outliers (`evidentia.kernels.timing` has the rule), on so many
    threads; a single one is kept on one core."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return timing.median_seconds(run, _REPEATS, pin=threads == 1)
    finally:
        torch.set_num_threads(before)
