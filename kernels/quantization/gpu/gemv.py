"""A matrix-vector product on packed weights in Triton: a program for a few outputs reads their codes once.

One token makes a layer wait for its weights alone (AWQ, arXiv 2306.00978, section 4.1), so codes are unpacked in
registers and never written back.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

OUTPUTS = 8
"""Outputs of one program."""
INPUTS = 512
"""Inputs that one program takes at a time, in whole groups."""


@triton.jit
def _product(
    codes_at,
    scales_at,
    token_at,
    output_at,
    outputs,
    inputs,
    groups,
    bits: tl.constexpr,
    group: tl.constexpr,
    block_outputs: tl.constexpr,
    block_groups: tl.constexpr,
):
    row = tl.program_id(0) * block_outputs + tl.arange(0, block_outputs)
    there = row < outputs
    far = row.to(tl.int64)
    width: tl.constexpr = group // 2 if bits == 4 else group
    entry = tl.arange(0, width)
    total = tl.zeros([block_outputs, block_groups, width], dtype=tl.float32)
    for first in range(0, groups, block_groups):
        which = first + tl.arange(0, block_groups)
        known = which < groups
        codes = tl.load(
            codes_at + (far[:, None, None] * groups + which[None, :, None]) * width + entry[None, None, :],
            mask=there[:, None, None] & known[None, :, None],
            other=0,
        )
        place = which[:, None] * group + entry[None, :]
        token = tl.load(token_at + place, mask=place < inputs, other=0.0).to(tl.float32)
        if bits == 4:
            second = tl.load(token_at + place + width, mask=place + width < inputs, other=0.0).to(tl.float32)
            low = ((codes & 15).to(tl.int32) - 8).to(tl.float32)
            high = ((codes >> 4).to(tl.int32) - 8).to(tl.float32)
            part = low * token[None, :, :] + high * second[None, :, :]
        else:
            part = codes.to(tl.float32) * token[None, :, :]
        scales = tl.load(
            scales_at + far[:, None] * groups + which[None, :],
            mask=there[:, None] & known[None, :],
            other=0.0,
        )
        # Threads exchange nothing before the end: the scale is taken to every entry, not to a group's sum.
        total += part * scales.to(tl.float32)[:, :, None]
    tl.store(output_at + far, tl.sum(tl.sum(total, 2), 1).to(output_at.dtype.element_ty), mask=there)


def product(codes: Tensor, scales: Tensor, token: Tensor, bits: int, group_size: int) -> Tensor:
    """Weights as `packed.Packed` keeps them, times the token ``(in,)``: ``(out,)`` in the token's type.

    The operands are contiguous and on a device that Triton can reach (or anywhere in its interpreter).
    """
    outputs, groups = scales.shape
    output = torch.empty(outputs, device=token.device, dtype=token.dtype)
    _product[(triton.cdiv(outputs, OUTPUTS),)](
        codes,
        scales,
        token,
        output,
        outputs,
        token.shape[0],
        groups,
        bits=bits,
        group=group_size,
        block_outputs=OUTPUTS,
        block_groups=INPUTS // group_size,
        num_warps=4,
        num_stages=3,
    )
    return output
