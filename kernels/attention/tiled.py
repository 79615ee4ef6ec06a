"""Tiled attention with online softmax: blocks of keys pass by, the score matrix never exists.

FlashAttention (Dao et al. 2022, algorithm 1) with the division deferred to the end of a row block, as in
FlashAttention-2 (Dao 2023, section 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from evidentia.kernels.attention.operations import Work
from evidentia.kernels.attention.tiles import Rows, Tiles, share


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
    """The same as `standard.attention`, in blocks of `block_rows` queries by `block_size` keys.

    As on the paper's hardware, both products take inputs in the query's type and add up in float32 (float64 for
    float64 inputs), and so do the statistics; the weights are rounded to the value's type before the second. A row
    that may look at nothing is zero. Memory beyond inputs and output is that of a few blocks per thread, whatever the
    length: the statistics live for one block of queries, where the paper keeps those of all N. Inputs whose batch
    and head axes cannot be read as one are copied. `work` gathers what is computed, on one thread. No gradients, and
    ValueError where one is wanted: `flash.attention` has them.
    """
    tiles = Tiles(query, key, value, attn_mask, is_causal, scale, enable_gqa, block_rows, block_size)
    return forward(tiles, Deferred, work)


class Deferred:
    """The state of one block of queries: sums of weighted values, not yet divided by the sum of their weights.

    `forward` calls `absorb` for every block of keys, then `output`. A mechanism may follow the maximum otherwise
    (`follow`) or compute its exponentials otherwise (`exponential`).
    """

    def __init__(self, tiles: Tiles, units: int, rows: int, work: Work | None) -> None:
        self.tiles, self.work = tiles, work
        self.top = torch.full((units, rows, 1), -math.inf, dtype=tiles.wide, device=tiles.query.device)
        self.total = torch.zeros_like(self.top)
        self.sums = self.top.new_empty(units, rows, tiles.shape[-1])
        self.begun = False

    def follow(self, here: Tensor) -> tuple[Tensor, int]:
        """The shift after a block whose maxima are `here`, and how many rows have to be rescaled for it."""
        if self.work:
            self.work.elementwise(here.numel())
        return torch.maximum(here, self.top), here.numel()

    def exponential(self, x: Tensor) -> Tensor:
        """The exponential of `x`, in its place."""
        return x.exp_()

    def cost(self) -> tuple[int, int]:
        """Operations of one exponential, and how many of them the exponential unit does."""
        return 1, 1

    def absorb(self, scores: Tensor, values: Tensor) -> None:
        """Add a block of keys. `scores` is overwritten."""
        peak, risen = self.follow(scores.amax(dim=-1, keepdim=True))
        shift = torch.where(peak == -math.inf, 0.0, peak) if self.tiles.masked else peak
        weights = self.exponential(scores.sub_(shift))
        if self.begun and risen:
            keep = self.exponential(self.top.sub_(shift))
            self.total.mul_(keep)
            self.sums.mul_(keep)
        if self.work:
            self._count(self.work, scores.numel(), peak.numel(), risen)
        self.add(weights, values)
        self.top = peak

    def _count(self, work: Work, scores: int, rows: int, risen: int) -> None:
        operations, special = self.cost()
        work.elementwise((3 + operations) * scores + rows, exponentials=special * scores)
        if self.begun:
            work.elementwise((2 + operations) * risen, exponentials=special * risen)
            work.rescale(risen, self.sums.shape[-1])
            work.skippable += rows
            work.skipped += rows - risen

    def add(self, weights: Tensor, values: Tensor) -> None:
        """Add the weights and the weighted values to the sums."""
        self.total.add_(weights.sum(dim=-1, keepdim=True))
        weights = self.tiles.rounded(weights)
        if self.begun:
            self.sums.baddbmm_(weights, values)
        else:
            torch.bmm(weights, values, out=self.sums)
        self.begun = True

    def output(self) -> Tensor:
        """The sums over the sum of the weights; zero where there was nothing to look at."""
        if self.work:
            self.work.rescale(self.total.numel(), self.sums.shape[-1])
        if not self.begun:
            return self.sums.zero_()
        total = torch.where(self.total == 0, 1.0, self.total) if self.tiles.masked else self.total
        return self.sums.div_(total)

    def log_sum(self) -> Tensor:
        """The logarithm of the sum of the exponentials, minus infinity for a row that looked at nothing."""
        return self.total.log().add_(self.top).squeeze(-1)


def forward(
    tiles: Tiles,
    state: Callable[[Tiles, int, int, Work | None], Deferred],
    work: Work | None = None,
    log_sums: Tensor | None = None,
    kept: Callable[[Rows, slice], bool] | None = None,
) -> Tensor:
    """Pass the blocks of keys by every block of queries, but those that are not `kept`.

    `log_sums` ``(units, groups, length)`` is filled with the logarithms of the rows' sums of exponentials.
    """
    output = tiles.query.new_empty(tiles.shape)
    folded = tiles.fold(output)

    def pass_keys(own: Tiles, part: list[Rows]) -> None:
        for rows in part:
            queries = own.queries(rows)
            units, count, dim = queries.shape
            current = state(own, units, count, work)
            for columns in own.key_blocks(rows):
                if kept and not kept(rows, columns):
                    continue
                scores = own.scores(queries, rows, columns)
                if work:
                    work.product(units * count, scores.shape[-1], dim)
                    work.product(units * count, own.shape[-1], scores.shape[-1])
                current.absorb(scores, own.values(rows, columns))
            if log_sums is not None:
                log_sums[rows.units, :, rows.start : rows.stop] = own.unfold(current.log_sum(), rows)
            folded[rows.units, :, rows.start : rows.stop] = own.unfold(current.output(), rows)

    blocks = list(tiles.row_blocks())
    share(tiles, [blocks] if work else [[rows] for rows in blocks], pass_keys)
    return output
