"""FlashAttention with its backward pass: the scores are computed again, block by block, instead of being kept.

FlashAttention-2 (Dao 2023, algorithms 1 and 2). The loops of the backward pass are exchanged against the paper's:
queries outside, which suits one processor; the sums are the same.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from evidentia.kernels.attention.tiled import Deferred, forward
from evidentia.kernels.attention.tiles import Rows, Tiles, by_units, share


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    block_size: int = 512,
    block_rows: int = 512,
) -> Tensor:
    """`tiled.attention` with gradients for query, key and value.

    Kept from the forward pass are inputs, output and one number per query, the logarithm of its sum of exponentials:
    memory linear in the length. Raises ValueError where `attn_mask` wants a gradient: it gets none.
    """
    if attn_mask is not None and attn_mask.requires_grad:
        raise ValueError("attn_mask gets no gradient here; detach it, or use standard attention")
    settings = (attn_mask, is_causal, scale, enable_gqa, block_rows, block_size)
    found: Tensor = _Flash.apply(query, key, value, settings)  # type: ignore[no-untyped-call]
    return found


class _Flash(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, settings: tuple[Any, ...]) -> Tensor:
        tiles = Tiles(query, key, value, *settings)
        log_sums = torch.empty(tiles.query.shape[:3], dtype=tiles.wide, device=query.device)
        output = forward(tiles, Deferred, log_sums=log_sums)
        ctx.save_for_backward(query, key, value, output, log_sums)
        ctx.settings = settings
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, output, log_sums = ctx.saved_tensors
        return *backward(Tiles(query, key, value, *ctx.settings), output, log_sums, gradients[0]), None


def backward(tiles: Tiles, output: Tensor, log_sums: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of query, key and value for the gradient of the output, each in its operand's shape and type.

    `log_sums` ``(units, groups, length)`` is the forward pass's.
    """
    folded, outward = tiles.fold(output), tiles.fold(gradient)
    to_query = torch.empty_like(tiles.query, memory_format=torch.contiguous_format)
    to_key = torch.zeros(tiles.key.shape, dtype=tiles.wide, device=tiles.key.device)
    to_value = torch.zeros(tiles.value.shape, dtype=tiles.wide, device=tiles.value.device)

    def recompute(own: Tiles, part: list[Rows]) -> None:
        spare = torch.empty(0, dtype=own.wide, device=own.key.device)
        for rows in part:
            queries, above = own.queries(rows), own.part(outward, rows)
            drift = (above * own.part(folded, rows)).sum(dim=-1, keepdim=True)
            shift = own.part(log_sums, rows)[..., None]
            if own.masked:
                shift = torch.where(shift == -math.inf, math.inf, shift)
            sums = torch.zeros_like(queries)
            for columns in own.key_blocks(rows):
                weights = own.scores(queries, rows, columns).sub_(shift).exp_()
                keys, values = own.keys(rows, columns), own.values(rows, columns)
                spare.resize_(weights.shape)
                torch.bmm(above, values.transpose(1, 2), out=spare)
                slopes = spare.sub_(drift).mul_(weights)
                to_value[rows.units, columns] += torch.bmm(own.rounded(weights).transpose(1, 2), above)
                slopes = own.rounded(slopes)
                sums.baddbmm_(slopes, keys)
                to_key[rows.units, columns] += torch.bmm(slopes.transpose(1, 2), queries)
            to_query[rows.units, :, rows.start : rows.stop] = own.unfold(sums.mul_(own.factor), rows)

    share(tiles, by_units(tiles), recompute)
    batch, heads, length, width = tiles.shape
    return (
        to_query.view(batch, heads, length, -1),
        to_key.to(tiles.key.dtype).view(batch, tiles.kv_heads, tiles.kv_length, -1),
        to_value.to(tiles.value.dtype).view(batch, tiles.kv_heads, tiles.kv_length, width),
    )
