"""Tiled attention with online softmax: blocks of keys pass by, the score matrix never exists.

FlashAttention (Dao et al. 2022, algorithm 1) with the division deferred to the end of a row block, as in
FlashAttention-2 (Dao 2023, section 3.1).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from evidentia.kernels.attention.standard import check_shapes, softmax_scale


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    block_size: int = 128,
) -> Tensor:
    """The same as `standard.attention`, in blocks of `block_size` queries by `block_size` keys.

    As on the paper's hardware, both products take inputs in the query's type and add up in float32 (float64 for
    float64 inputs), and so do the statistics; the weights are rounded to the value's type before the second. A row
    that may look at nothing is zero. Memory beyond inputs and output is that of a few blocks, whatever the length:
    the statistics live for one block of queries, where the paper keeps those of all N.
    """
    check_shapes(query, key, value, attn_mask, is_causal, enable_gqa)
    if block_size < 1:
        raise ValueError(f"block_size must be at least 1, not {block_size}")
    batch, heads, length, _ = query.shape
    kv_heads, kv_length = key.shape[1:3]
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    grouped = heads != kv_heads
    output = query.new_empty(batch, heads, length, value.shape[-1])
    factor = softmax_scale(query, scale)
    if attn_mask is not None:
        attn_mask = attn_mask.expand(batch, heads, length, kv_length)
    for start in range(0, length, block_size):
        stop = min(start + block_size, length)
        rows = query[:, :, start:stop].to(wide) * factor
        top = rows.new_full((batch, heads, stop - start, 1), -math.inf)
        total = torch.zeros_like(top)
        sums = rows.new_zeros((batch, heads, stop - start, value.shape[-1]))
        last = min(kv_length, stop) if is_causal else kv_length
        for first in range(0, last, block_size):
            end = min(first + block_size, last)
            scores = _scores(rows, key[:, :, first:end].to(wide), grouped)
            if is_causal and end > start + 1:
                columns = torch.arange(first, end, device=scores.device)
                late = columns > torch.arange(start, stop, device=scores.device)[:, None]
                scores.masked_fill_(late, -math.inf)
            if attn_mask is not None:
                part = attn_mask[:, :, start:stop, first:end]
                scores = scores.masked_fill(~part, -math.inf) if part.dtype == torch.bool else scores + part
            peak = torch.maximum(top, scores.amax(dim=-1, keepdim=True))
            shift = torch.where(peak == -math.inf, 0.0, peak)
            scores.sub_(shift).exp_()
            keep = torch.exp(top - shift)
            total.mul_(keep).add_(scores.sum(dim=-1, keepdim=True))
            weights = scores.to(value.dtype).to(wide)
            sums.mul_(keep).add_(_weighted(weights, value[:, :, first:end].to(wide), grouped))
            top = peak
        output[:, :, start:stop] = (sums / torch.where(total == 0, 1.0, total)).to(query.dtype)
    return output


def _scores(rows: Tensor, keys: Tensor, grouped: bool) -> Tensor:
    """``rows keysᵀ``; grouped heads share their key head without copying it."""
    if not grouped:
        return torch.matmul(rows, keys.transpose(-2, -1))
    batch, heads, length, dim = rows.shape
    folded = rows.reshape(batch, keys.shape[1], -1, dim)
    return torch.matmul(folded, keys.transpose(-2, -1)).view(batch, heads, length, -1)


def _weighted(weights: Tensor, values: Tensor, grouped: bool) -> Tensor:
    if not grouped:
        return torch.matmul(weights, values)
    batch, heads, length, width = weights.shape
    folded = weights.reshape(batch, values.shape[1], -1, width)
    return torch.matmul(folded, values).view(batch, heads, length, -1)
