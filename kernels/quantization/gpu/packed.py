"""Linear layers on packed weights for one token on a CUDA device, and the plain layer that they are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from evidentia.kernels.quantization.gemv.linear import check_matrix, rounded


@dataclass(frozen=True)
class Plain:
    """Weight ``(out, in)`` in bfloat16, multiplied by torch."""

    weight: Tensor

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weight."""
        return self.weight.numel() * self.weight.element_size()

    def __call__(self, token: Tensor) -> Tensor:
        """``(in,)`` to ``(out,)``, both in bfloat16."""
        return torch.nn.functional.linear(token, self.weight)


@dataclass(frozen=True)
class Packed:
    """Codes of 8 bits as int8 ``(out, in)``, or of 4 bits as uint8 ``(out, in / 2)``, and a scale in bfloat16 for each
    group of `group_size` neighbouring inputs, ``(out, groups)``. Inputs are padded with zeros to whole groups.

    A byte of 4-bit codes holds, for entry i of the first half of a group, that entry in its low bits and entry i of
    the second half in its high ones, each plus 8: both halves of the token are then read in a row.
    """

    codes: Tensor
    scales: Tensor
    bits: int
    group_size: int
    inputs: int

    @property
    def weight_bytes(self) -> int:
        """Bytes of codes and scales, padding included."""
        return self.codes.numel() + 2 * self.scales.numel()

    def __call__(self, token: Tensor) -> Tensor:
        """``(in,)`` to ``(out,)``, both in bfloat16, sums in float32, on a device that Triton can reach."""
        from evidentia.kernels.quantization.gpu import gemv

        return gemv.product(self.codes, self.scales, token, self.bits, self.group_size)

    def dequantize(self) -> Tensor:
        """The weights that the codes stand for, ``(out, in)`` in float64."""
        grouped = self.codes.reshape(*self.scales.shape, -1)
        if self.bits == 4:
            grouped = torch.cat((grouped & 15, grouped >> 4), dim=-1).double() - 8
        return (grouped.double() * self.scales.double()[..., None]).flatten(1)[:, : self.inputs]


def plain(weight: Tensor) -> Plain:
    """In bfloat16."""
    check_matrix(weight)
    return Plain(weight.bfloat16())


def int8(weight: Tensor, group_size: int = 128) -> Packed:
    """Symmetric codes of eight bits, one scale per output and group of inputs."""
    return _packed(weight, 8, group_size)


def int4(weight: Tensor, group_size: int = 128) -> Packed:
    """Symmetric codes of four bits, one scale per output and group of inputs."""
    return _packed(weight, 4, group_size)


def _packed(weight: Tensor, bits: int, group_size: int) -> Packed:
    """Raises ValueError for a group size that is no power of two from 32 to 256."""
    check_matrix(weight)
    if group_size not in (32, 64, 128, 256):
        raise ValueError(f"group_size must be one of 32, 64, 128, 256, not {group_size}")
    outputs, inputs = weight.shape
    padded = torch.nn.functional.pad(weight.float(), (0, -inputs % group_size))
    top = 2 ** (bits - 1) - 1
    _, exact = rounded(padded.reshape(-1, group_size), top)
    # Codes are rounded by the scales as they are kept, so that these add no error of their own.
    scales = exact.bfloat16().reshape(outputs, -1)
    grouped = padded.reshape(outputs, -1, group_size)
    codes = torch.round(grouped / scales.float()[..., None]).clamp(-top, top)
    if bits == 4:
        low, high = (codes + 8).to(torch.uint8).chunk(2, dim=-1)
        codes = low | (high << 4)
    else:
        codes = codes.to(torch.int8)
    return Packed(codes.reshape(outputs, -1).contiguous(), scales.contiguous(), bits, group_size, inputs)
