"""FlashAttention as first published: keys in the outer loop, the output normalised after every block of them.

FlashAttention (Dao et al. 2022, algorithm 1). Both terms of every update are rescaled; `tiled` defers the division,
which FlashAttention-2 (Dao 2023, section 3.1) gives as its first saving.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from evidentia.kernels.attention.operations import Work
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
    work: Work | None = None,
) -> Tensor:
    """The same as `tiled.attention`, with the output of all rows kept normalised after every block of keys.

    Memory beyond inputs and output: a maximum and a sum per query, which live as long as the outer loop over the
    keys, and the outputs in float32 where the inputs are narrower.
    """
    tiles = Tiles(query, key, value, attn_mask, is_causal, scale, enable_gqa, block_rows, block_size)
    output = torch.zeros(tiles.shape, dtype=tiles.wide, device=query.device)
    top = torch.full(tiles.query.shape[:3], -math.inf, dtype=tiles.wide, device=query.device)
    total = torch.zeros_like(top)
    folded = tiles.fold(output)

    def pass_queries(own: Tiles, part: list[Rows]) -> None:
        for first in range(0, own.kv_length, own.columns):
            columns = slice(first, min(first + own.columns, own.kv_length))
            for rows in part:
                if not (is_causal and first >= rows.stop):
                    _update(own, rows, columns, folded, top, total, work)

    share(tiles, [list(tiles.row_blocks())] if work else by_units(tiles), pass_queries)
    return output.to(query.dtype)


def _update(
    tiles: Tiles, rows: Rows, columns: slice, output: Tensor, top: Tensor, total: Tensor, work: Work | None
) -> None:
    """Lines 6 to 13 of the algorithm: one block of queries against one block of keys."""
    place = (rows.units, slice(None), slice(rows.start, rows.stop))
    old_top, old_total, old = top[place].flatten(1, 2), total[place].flatten(1, 2), output[place].flatten(1, 2)
    queries, values = tiles.queries(rows), tiles.values(rows, columns)
    weights = tiles.scores(queries, rows, columns)
    here = weights.amax(dim=-1)
    weights.sub_(_finite(here)[..., None]).exp_()
    new_top = torch.maximum(old_top, here)
    keep, enter = torch.exp(old_top - _finite(new_top)), torch.exp(here - _finite(new_top))
    kept = keep * old_total
    new_total = kept + enter * weights.sum(dim=-1)
    divisor = torch.where(new_total == 0, 1.0, new_total)
    product = torch.bmm(tiles.rounded(weights), values)
    update = (kept / divisor)[..., None] * old + (enter / divisor)[..., None] * product
    output[place] = tiles.unfold(update, rows)
    top[place], total[place] = tiles.unfold(new_top, rows), tiles.unfold(new_total, rows)
    if work:
        count = new_top.numel()
        work.product(count, weights.shape[-1], queries.shape[-1])
        work.product(count, values.shape[-1], weights.shape[-1])
        work.elementwise(4 * weights.numel(), exponentials=weights.numel())
        work.elementwise(10 * count, exponentials=2 * count)
        work.rescale(2 * count, values.shape[-1])
        work.elementwise(update.numel())


def _finite(top: Tensor) -> Tensor:
    return torch.where(top == -math.inf, 0.0, top)
