"""Measuring attention on a CUDA device: its rate beside a large matrix product's, its reading beside a copy's."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from evidentia.kernels import cuda, registry
from evidentia.kernels.attention.triton.dispatch import available

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def operations(batch: int, heads: int, queries: int, keys: int, head_dim: int, causal: bool) -> float:
    """FLOP of the two products, a half of them where `causal` (FlashAttention-2, section 4.1)."""
    return 4.0 * batch * heads * queries * keys * head_dim / (2 if causal else 1)


def inputs(
    seed: int, batch: int, heads: int, kv_heads: int, queries: int, keys: int, head_dim: int, dtype: str, device: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Standard normal query ``(batch, heads, queries, head_dim)``, key, value ``(batch, kv_heads, keys, head_dim)``."""
    generator = torch.Generator(device).manual_seed(seed)
    query, key, value = (
        torch.randn(batch, count, length, head_dim, generator=generator, device=device).to(DTYPES[dtype])
        for count, length in ((heads, queries), (kv_heads, keys), (kv_heads, keys))
    )
    return query, key, value


def measure(
    kernel: str,
    metrics: tuple[str, ...],
    *,
    seed: int,
    phase: str,
    batch: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    dtype: str,
    length: int = 0,
    causal: bool = False,
    context: int = 0,
) -> dict[str, float]:
    """``time`` in ms, ``tflops`` in TFLOP/s, ``share_of_peak`` in % of a large product's rate in the same
    number format, ``share_of_copy``: bytes of keys and values per second, in % of a copy's rate; both of these rates
    are measured in this process.

    A ``prefill`` has `length` queries and keys, a ``decode`` one query and `context` keys, all of which it sees. Raises
    ValueError where there is no CUDA device or no Triton, and where `heads` is no multiple of `kv_heads`.
    """
    cuda.require(kernel)
    if heads % kv_heads:
        raise ValueError(f"{heads} heads cannot share {kv_heads} key/value heads evenly")
    queries, keys = (length, length) if phase == "prefill" else (1, context)
    operands = inputs(seed, batch, heads, kv_heads, queries, keys, head_dim, dtype, "cuda")
    if kernel.startswith("triton") and not available(*operands):
        raise ValueError(f"{kernel} needs Triton, and heads of at most 256 entries")
    attention = registry.kernel("attention-gpu", kernel).load()
    return measured(attention, operands, metrics, causal, "cuda")


@torch.no_grad()
def measured(
    attention: Callable[..., Tensor],
    operands: tuple[Tensor, Tensor, Tensor],
    metrics: tuple[str, ...],
    causal: bool,
    device: str,
) -> dict[str, float]:
    """The metrics of one attention on query, key and value, which lie on `device`."""
    query, key, value = operands
    batch, heads, queries, head_dim = query.shape
    shared = heads != key.shape[1]
    taken = cuda.seconds(lambda: attention(query, key, value, is_causal=causal, enable_gqa=shared), device)
    work = operations(batch, heads, queries, key.shape[2], head_dim, causal)
    read = key.numel() * key.element_size() + value.numel() * value.element_size()
    found = {"time": 1e3 * taken, "tflops": work / taken / 1e12}
    if "share_of_peak" in metrics:
        found["share_of_peak"] = 100 * work / taken / cuda.matmul_rate(query.dtype, device)
    if "share_of_copy" in metrics:
        found["share_of_copy"] = 100 * read / taken / cuda.copy_rate(device)
    return found
