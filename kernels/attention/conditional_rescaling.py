"""Conditional rescaling: the accumulated output is rescaled only when the running maximum has risen by much.

FlashAttention-4 (2026): a maximum that is a little out of date is as good a shift, as long as the exponentials do
not overflow; the division at the end by the sum of the same weights makes the result exact all the same.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from evidentia.kernels.attention.operations import Work
from evidentia.kernels.attention.tiled import Deferred, forward
from evidentia.kernels.attention.tiles import Tiles


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
    threshold: float = 8.0,
    work: Work | None = None,
) -> Tensor:
    """The same as `tiled.attention`, but a row keeps its shift until its maximum has risen by more than `threshold`.

    `threshold` is in powers of two: at 8 a weight may grow to 256. Each row decides for itself. Raises ValueError on
    a threshold that is negative or so large that the weights could overflow float16 (above 15).
    """
    if not 0 <= threshold <= 15:
        raise ValueError(f"threshold must lie between 0 and 15, not {threshold}")
    tiles = Tiles(query, key, value, attn_mask, is_causal, scale, enable_gqa, block_rows, block_size)

    def state(tiles: Tiles, units: int, rows: int, work: Work | None) -> Deferred:
        return Conditional(tiles, units, rows, work, threshold * math.log(2))

    return forward(tiles, state, work)


class Conditional(Deferred):
    """Sums of weighted values under a shift that follows the maximum only in steps of more than `slack`."""

    def __init__(self, tiles: Tiles, units: int, rows: int, work: Work | None, slack: float) -> None:
        super().__init__(tiles, units, rows, work)
        self.slack = slack

    def follow(self, here: Tensor) -> tuple[Tensor, int]:
        """The old shift, but the maximum `here` where it has risen by more than the slack, and how often it has."""
        if self.work:
            self.work.elementwise(2 * here.numel())
        risen = here > self.top + self.slack
        return torch.where(risen, here, self.top), int(risen.sum())
