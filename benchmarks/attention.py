"""Attention on the CPU: milliseconds, GFLOP/s and ratios to torch SDPA, beside the machine's limits, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from evidentia.kernels.attention import block_sparse, flash, flash_v1, fused, standard, tiled

HEADS, DIM, LENGTHS = 8, 64, (512, 1024, 2048, 4096)
SECONDS = 0.7


def best_seconds(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The shortest time of each call, taken in turn for `SECONDS` each, at least three times."""
    best = {name: float("inf") for name in calls}
    for call in calls.values():
        call()
    rounds, start = 0, time.perf_counter()
    while rounds < 3 or time.perf_counter() - start < SECONDS * len(calls):
        for name, call in calls.items():
            begun = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - begun)
        rounds += 1
    return best


def limits() -> None:
    """Print the rate of a large float32 product and the bandwidth of a copy that no cache holds."""
    a, b, c = torch.randn(3, 2048, 2048)
    source, target = torch.randn(2, 1 << 25)
    found = best_seconds({"product": lambda: torch.mm(a, b, out=c), "copy": lambda: target.copy_(source)})
    rate, bandwidth = 2 * 2048**3 / found["product"], 2 * source.nbytes / found["copy"]
    print(f"limits: fp32 product {rate / 1e9:.0f} GFLOP/s, copy {bandwidth / 1e9:.1f} GB/s (read and written)")


def table(title: str, flop: float, calls: Mapping[str, Callable[[], object]]) -> None:
    """Print the calls' times, rates for `flop` operations, and ratios to the first."""
    found = best_seconds(calls)
    print(title)
    for name, seconds in found.items():
        ratio = seconds / found[next(iter(calls))]
        print(f"  {name:24} {1e3 * seconds:9.2f} ms {flop / seconds / 1e9:8.1f} GFLOP/s {ratio:7.2f}x")


def training(attention: Callable[..., Tensor], operands: tuple[Tensor, ...]) -> Callable[[], object]:
    """A call of forward and backward pass."""
    leaves = [t.clone().requires_grad_() for t in operands]
    return lambda: torch.autograd.grad(attention(*leaves).sum(), leaves)


def main() -> None:
    """Measure on one thread, then on all cores."""
    every = torch.get_num_threads()
    forward: dict[str, Callable[..., Tensor]] = {
        "torch SDPA": scaled_dot_product_attention,
        "standard": standard.attention,
        "tiled": tiled.attention,
        "fused": fused.attention,
        "flash-v1": flash_v1.attention,
        "block-sparse, a quarter": partial(block_sparse.attention, density=0.25),
    }
    trained: dict[str, Callable[..., Tensor]]
    trained = {"torch SDPA": scaled_dot_product_attention, "standard": standard.attention, "flash": flash.attention}
    for threads in sorted({1, every}):
        torch.set_num_threads(threads)
        print(f"\n{threads} thread(s), {HEADS} heads of {DIM}, float32; ratios are of time, to torch SDPA")
        limits()
        for length in LENGTHS:
            operands = torch.randn(3, 1, HEADS, length, DIM).unbind()
            flop = 4.0 * length * length * DIM * HEADS
            with torch.no_grad():
                full = {name: partial(kernel, *operands) for name, kernel in forward.items()}
                table(f"{length} tokens, forward (block-sparse: as if all were computed)", flop, full)
                causal = {
                    name: partial(full[name], is_causal=True) for name in ("torch SDPA", "standard", "tiled", "fused")
                }
                table(f"{length} tokens, forward, causal (the half that is seen)", flop / 2, causal)
            passes = {name: training(kernel, operands) for name, kernel in trained.items()}
            table(f"{length} tokens, forward and backward", 3.5 * flop, passes)


if __name__ == "__main__":
    main()
