"""Measuring forward and backward pass of one attention kernel on random inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from evidentia.kernels import registry
from evidentia.kernels.attention import standard
from evidentia.kernels.attention.measurement import PeakMemory, inputs, median_seconds
from evidentia.kernels.registry import Value


def measure(
    kernel: str,
    metrics: tuple[str, ...],
    *,
    seed: int,
    length: int,
    heads: int,
    head_dim: int,
    batch: int,
    causal: bool,
    dtype: str,
    logit_scale: float,
    **settings: Value,
) -> dict[str, float]:
    """``gradient_error``, ``training_memory`` in bytes, ``training_time`` in ms on one thread (median of seven after
    one, without outliers), for the gradient of a normal random number per output."""
    attention = registry.kernel("attention-backward", kernel).load()
    operands = inputs(seed, batch, heads, length, head_dim, dtype, logit_scale)
    weights = torch.randn(operands[0].shape, generator=torch.Generator().manual_seed(seed + 1)).to(operands[0].dtype)
    leaves = [t.requires_grad_() for t in operands]
    found: dict[str, float] = {}

    def run() -> tuple[Tensor, ...]:
        output = attention(*leaves, is_causal=causal, **settings)
        return (output, *torch.autograd.grad(output, leaves, weights))

    if "gradient_error" in metrics:
        query, key, value = wide = [t.detach().double().requires_grad_() for t in operands]
        exact = torch.autograd.grad(standard.attention(query, key, value, is_causal=causal), wide, weights.double())
        pairs = list(zip(run()[1:], exact, strict=True))
        wrong = sum(float((g.double() - e).square().sum()) for g, e in pairs)
        found["gradient_error"] = (wrong / sum(float(e.square().sum()) for _, e in pairs)) ** 0.5
    if "training_memory" in metrics:
        with PeakMemory(*leaves, weights) as memory:
            results = run()
        found["training_memory"] = float(memory.peak_beyond(*results))
    if "training_time" in metrics:
        found["training_time"] = 1e3 * median_seconds(run)
    return found
