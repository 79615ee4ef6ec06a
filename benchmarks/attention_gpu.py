"""Attention on a CUDA device: every kernel of the family `attention-gpu` in prefill and decode, in one process.

Rates stand beside those of a large matrix product and of a copy, measured in the same process.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import torch

from evidentia.kernels import registry
from evidentia.kernels.registry import Value

FAMILY = "attention-gpu"
METRICS = ("time", "tflops", "share_of_peak", "share_of_copy")
PREFILL: Mapping[str, Value] = {"phase": "prefill", "causal": True, "heads": 32, "kv_heads": 8}
DECODE: Mapping[str, Value] = {"phase": "decode", "heads": 32, "kv_heads": 8}


def compare(conditions: Mapping[str, Value]) -> None:
    """Print time, TFLOP/s with the share of the matrix rate, and the share of the copy rate, kernel by kernel."""
    print(", ".join(f"{name} {value}" for name, value in conditions.items()))
    for kernel in registry.kernels(FAMILY):
        try:
            found = registry.measure(FAMILY, kernel.name, METRICS, seed=0, **conditions)
        except (RuntimeError, torch.OutOfMemoryError) as error:
            print(f"  {kernel.name:16} does not run: {str(error).splitlines()[0][:80]}")
            continue
        computing = f"{found['tflops']:7.1f} TFLOP/s = {found['share_of_peak']:5.1f} % of a matrix product"
        reading = f"cache {found['share_of_copy']:5.1f} % of a copy"
        print(f"  {kernel.name:16} {found['time']:9.3f} ms {computing}; {reading}")


def main() -> None:
    """Prefill and decode, on the device that is there."""
    if not torch.cuda.is_available():
        print("no CUDA device here: nothing was measured", file=sys.stderr)
        raise SystemExit(2)
    print(torch.cuda.get_device_name())
    for length in (1024, 4096):
        compare({**PREFILL, "batch": 16_384 // length, "length": length})
    for batch, context in ((1, 65_536), (8, 16_384), (64, 4096)):
        compare({**DECODE, "batch": batch, "context": context})


if __name__ == "__main__":
    main()
