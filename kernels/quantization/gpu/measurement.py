"""Measuring a linear layer for one token on a CUDA device: its time, and its reading beside a copy's."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import torch
from torch import Tensor

from evidentia.kernels import cuda, registry
from evidentia.kernels.registry import Value


def measure(
    kernel: str, metrics: tuple[str, ...], *, seed: int, in_features: int, out_features: int, **settings: Value
) -> dict[str, float]:
    """``time`` in us, ``share_of_copy``: bytes of the weights per second, in % of a copy's rate in this process,
    ``output_error`` in % against float64 with weights and token as drawn, ``weight_bytes``.

    Raises ValueError where there is no CUDA device, or no Triton for a kernel of it.
    """
    cuda.require(kernel)
    if kernel != "bf16" and importlib.util.find_spec("triton") is None:
        raise ValueError(f"{kernel} needs Triton, which is not installed")
    make = registry.kernel("quantization-gpu", kernel).load()
    return measured(make, metrics, seed, in_features, out_features, settings, "cuda")


@torch.no_grad()
def measured(
    make: Callable[..., Callable[[Tensor], Tensor]],
    metrics: tuple[str, ...],
    seed: int,
    in_features: int,
    out_features: int,
    settings: dict[str, Value],
    device: str,
) -> dict[str, float]:
    """The metrics of the layer that `make` packs from weights ``(out, in)``; weights and token ``(in,)`` are standard
    normal."""
    generator = torch.Generator(device).manual_seed(seed)
    weight = torch.randn(out_features, in_features, generator=generator, device=device)
    token = torch.randn(in_features, generator=generator, device=device).bfloat16()
    layer = make(weight, **settings)
    read = float(layer.weight_bytes)  # type: ignore[attr-defined]
    found = {"weight_bytes": read}
    if "output_error" in metrics:
        exact = weight.double() @ token.double()
        found["output_error"] = 100 * float((layer(token).double() - exact).norm() / exact.norm())
    if "time" in metrics or "share_of_copy" in metrics:
        taken = cuda.seconds(lambda: layer(token), device)
        found["time"] = 1e6 * taken
        if "share_of_copy" in metrics:
            found["share_of_copy"] = 100 * read / taken / cuda.copy_rate(device)
    return found
