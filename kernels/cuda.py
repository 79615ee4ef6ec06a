"""Timing on a CUDA device, and the two rates that a kernel there is compared with: a large matrix product and a copy.

A call is timed by events on the device. Before each call the second-level cache is overwritten: operands come from
memory, as they do between the layers of a model (Triton's `triton.testing.do_bench` does the same), and while the
device writes, the host queues the call, so that its own delay does not count. The result is the median of 20 calls
after three, without outliers by the rule of `evidentia.kernels.timing`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from evidentia.kernels import timing

REPEATS, WARMING = 20, 3
FLUSHED = 2**30
"""Bytes written before each call: many times the second-level cache of any card (50 MB on an H100), and a third of a
millisecond's work there."""
MATRIX = 8192
"""Side of the matrices of the large product."""
COPIED = 2**30
"""Bytes of the large copy."""


def require(kernel: str) -> None:
    """Raise ValueError where there is no CUDA device for `kernel`."""
    if not torch.cuda.is_available():
        raise ValueError(f"{kernel} needs a CUDA device, and there is none here")


def seconds(run: Callable[[], object], device: str) -> float:
    """Seconds of one call of `run` on `device`, which for any but a CUDA device is one core."""
    if torch.device(device).type != "cuda":
        return timing.median_seconds(run)
    flushed = torch.empty(FLUSHED, device=device, dtype=torch.uint8)
    for _ in range(WARMING):
        run()
    times: list[float] = []
    for _ in range(REPEATS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        flushed.zero_()
        start.record()
        run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1e3)
    return timing.typical(times)


def clock(device: torch.device) -> float:
    """The time in seconds once the device has done all that it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def matmul_rate(dtype: torch.dtype, device: str) -> float:
    """FLOP/s of a product of two square matrices of 8192 rows."""
    left, right = (torch.randn(MATRIX, MATRIX, device=device, dtype=dtype) for _ in range(2))
    return 2 * MATRIX**3 / seconds(lambda: left @ right, device)


def copy_rate(device: str) -> float:
    """Bytes read and written per second in copying 1 GiB within the device's memory."""
    source = torch.empty(COPIED, device=device, dtype=torch.uint8)
    target = torch.empty_like(source)
    return 2 * COPIED / seconds(lambda: target.copy_(source), device)
