"""Runs the packed product in Triton's interpreter on the CPU, over given cases; prints its errors as JSON.

A process of its own, since TRITON_INTERPRET must be set before anything imports triton.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch

from evidentia.kernels.quantization.gpu import packed


def error(case: dict[str, Any]) -> float:
    """The norm of the error against float64 with the unpacked weights, over the norm of the output."""
    generator = torch.Generator().manual_seed(case["seed"])
    outputs, inputs = case["shape"]
    weight = torch.randn(outputs, inputs, generator=generator)
    token = torch.randn(inputs, generator=generator).to(getattr(torch, case["dtype"]))
    make = packed.int4 if case["bits"] == 4 else packed.int8
    layer = make(weight, case["group_size"])
    found = layer(token)
    assert found.dtype == token.dtype
    assert found.shape == (outputs,)
    exact = layer.dequantize() @ token.double()
    return float((found.double() - exact).norm() / exact.norm())


if __name__ == "__main__":
    print(json.dumps([error(case) for case in json.load(sys.stdin)]))
