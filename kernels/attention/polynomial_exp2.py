"""Software exponential: powers of two by range reduction and a polynomial, in multiply-adds alone.

FlashAttention-4 (2026) moves part of the softmax's exponentials from the special-function unit to the units for
multiply-adds: Cody and Waite's range reduction, then the polynomial in Horner's form, then the exponent added to the
bits. Here all of them are.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch import Tensor

from evidentia.kernels.attention.operations import Work
from evidentia.kernels.attention.tiled import Deferred, forward
from evidentia.kernels.attention.tiles import Tiles

_FORMATS = {torch.float32: (torch.int32, 23, 127), torch.float64: (torch.int64, 52, 1023)}


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
    degree: int = 3,
    work: Work | None = None,
) -> Tensor:
    """The same as `tiled.attention`, with exponentials of the scores by a polynomial of `degree` 1 to 12."""
    coefficients(degree)
    tiles = Tiles(query, key, value, attn_mask, is_causal, scale, enable_gqa, block_rows, block_size)

    def state(tiles: Tiles, units: int, rows: int, work: Work | None) -> Deferred:
        return Polynomial(tiles, units, rows, work, degree)

    return forward(tiles, state, work)


def exp2_(x: Tensor, degree: int) -> Tensor:
    """``2 ** x`` in the place of `x` (float32 or float64); zero or subnormal where it would be subnormal."""
    integer, mantissa, bias = _FORMATS[x.dtype]
    x.clamp_(min=-bias)
    whole = torch.floor(x)
    x.sub_(whole)
    *lower, highest = coefficients(degree)
    result = torch.full_like(x, highest)
    for coefficient in reversed(lower):
        result.mul_(x).add_(coefficient)
    exponent = whole.to(integer) << mantissa
    return x.copy_(exponent.add_(result.view(integer)).view(x.dtype))


@functools.cache
def coefficients(degree: int) -> tuple[float, ...]:
    """Coefficients, constant first, of a polynomial near ``2 ** x`` on [0, 1]: exactly 1 at 0, and elsewhere the
    interpolation of ``(2 ** x - 1) / x`` at Chebyshev points, near the best there is.

    Raises ValueError where `degree` does not lie between 1 and 12.
    """
    if not 1 <= degree <= 12:
        raise ValueError(f"degree must lie between 1 and 12, not {degree}")
    slope = np.polynomial.Chebyshev.interpolate(lambda x: np.expm1(x * math.log(2)) / x, degree - 1, domain=[0, 1])
    return (1.0, *slope.convert(kind=np.polynomial.Polynomial).coef.tolist())


class Polynomial(Deferred):
    """Sums of weighted values, the weights by the polynomial."""

    def __init__(self, tiles: Tiles, units: int, rows: int, work: Work | None, degree: int) -> None:
        super().__init__(tiles, units, rows, work)
        self.degree = degree

    def exponential(self, x: Tensor) -> Tensor:
        """The exponential of `x`, in its place."""
        return exp2_(x.mul_(1 / math.log(2)), self.degree)

    def cost(self) -> tuple[int, int]:
        """Six operations (base, clamp, floor, subtraction, shift and addition of the exponent) and multiply-adds."""
        return 6 + 2 * self.degree, 0
