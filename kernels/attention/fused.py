"""Tiled attention whose softmax step is one compiled pass: a row's scores are read from memory once per tile.

Kernel fusion (FlashAttention, Dao et al. 2022, section 3.1): maximum, exponential, sum and the rescaling factor of a
row are found while the row lies in the nearest cache, where `tiled` passes over the whole tile once for each of them.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numba import njit
from torch import Tensor

from evidentia.kernels.attention import tiled
from evidentia.kernels.attention.operations import Work
from evidentia.kernels.attention.tiles import Tiles

FASTMATH = {"reassoc", "contract", "nsz", "arcp"}
"""Sums may be reordered, which lets them be vectorised; infinities and NaN keep their meaning."""
LANES = 64
"""Running maxima kept side by side."""
SMALLEST = np.float32(-87.0)
"""Below it the exponential is no normal number, and is taken as 0."""
LOG2_E = np.float32(1 / math.log(2))
LN2 = np.float32(math.log(2))
TAYLOR = tuple(np.float32(1 / math.factorial(k)) for k in range(8))


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
    """The same as `tiled.attention`; float64 inputs and other devices than the CPU are left to it."""
    tiles = Tiles(query, key, value, attn_mask, is_causal, scale, enable_gqa, block_rows, block_size)
    fused = tiles.wide == torch.float32 and query.device.type == "cpu"
    return tiled.forward(tiles, Fused if fused else tiled.Deferred)


class Fused(tiled.Deferred):
    """Sums of weighted values, whose weights are computed by one pass over each row of a tile."""

    def __init__(self, tiles: Tiles, units: int, rows: int, work: Work | None) -> None:
        super().__init__(tiles, units, rows, work)
        self.keep = torch.empty_like(self.top)
        self.rows = [column.squeeze(-1).numpy() for column in (self.top, self.total, self.keep)]

    def absorb(self, scores: Tensor, values: Tensor) -> None:
        """Add a block of keys. `scores` is overwritten."""
        softmax(scores.numpy(), *self.rows)
        weights = self.tiles.rounded(scores)
        if self.begun:
            self.sums.mul_(self.keep).baddbmm_(weights, values)
        else:
            torch.bmm(weights, values, out=self.sums)
        self.begun = True


@njit(inline="always")
def exponential(x):  # type: ignore[no-untyped-def]
    """e to the power of a float32 that is not positive, to one unit in the last place above -10, to six at -87.

    2 to the power of the nearest integer, put together from its bits, times the Taylor series of what is left.
    """
    if x < SMALLEST:
        return np.float32(0)
    power = np.floor(x * LOG2_E + np.float32(0.5))
    rest = x - power * LN2
    series = TAYLOR[7]
    for k in (6, 5, 4, 3, 2, 1, 0):
        series = series * rest + TAYLOR[k]
    return series * np.int32((np.int32(power) + 127) << 23).view(np.float32)


@njit(cache=True, nogil=True, fastmath=FASTMATH, error_model="numpy")
def softmax(scores, top, total, keep):  # type: ignore[no-untyped-def]
    """Turn scores into weights under the new maximum, and bring the rows' statistics up to date.

    `scores` ``(units, rows, columns)`` in float32; of ``(units, rows)`` the maximum `top` so far, the sum `total` of
    the weights so far, and the factor `keep` by which earlier weights shrink. A row that may look at nothing keeps
    weights of 0.
    """
    units, rows, columns = scores.shape
    lanes = np.empty(LANES, np.float32)
    whole = columns // LANES * LANES
    for unit in range(units):
        for i in range(rows):
            row, old = scores[unit, i], top[unit, i]
            lanes[:] = old
            for start in range(0, whole, LANES):
                for lane in range(LANES):
                    x = row[start + lane]
                    lanes[lane] = x if x > lanes[lane] else lanes[lane]
            half = LANES // 2
            while half:
                for lane in range(half):
                    x = lanes[lane + half]
                    lanes[lane] = x if x > lanes[lane] else lanes[lane]
                half //= 2
            peak = lanes[0]
            for j in range(whole, columns):
                peak = max(peak, row[j])
            shift = peak if peak > -np.inf else np.float32(0)
            weights = np.float32(0)
            for j in range(columns):
                weight = exponential(row[j] - shift)
                row[j] = weight
                weights += weight
            keep[unit, i] = exponential(old - shift)
            total[unit, i] = total[unit, i] * keep[unit, i] + weights
            top[unit, i] = peak
