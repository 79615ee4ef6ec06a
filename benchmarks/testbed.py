"""What comes out on the test-bed models: writes ``docs/testbed.md``, every figure with its interval over seeds.

``python benchmarks/testbed.py [--seeds N] [--out FILE] [TABLE ...]``; without a name all tables, which takes about half
an hour on two cores. Decoding is measured alone at the end, so that its times are those of an undisturbed machine.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from evidentia.kernels import registry
from evidentia.kernels.registry import Value

Conditions = Mapping[str, Value]


@dataclass(frozen=True)
class Line:
    """One line of a table: a kernel under conditions; `against` is the label of the line it is compared with."""

    label: str
    kernel: str
    conditions: Conditions
    against: str = ""


@dataclass(frozen=True)
class Table:
    """A table of one family's metrics. Differences, or ratios, to another line are of the first one, seed by seed."""

    name: str
    title: str
    note: str
    family: str
    metrics: tuple[str, ...]
    lines: tuple[Line, ...]
    ratio: bool = False
    timed: bool = False


def weights() -> Table:
    """Weights at 8, 4, 3 and 2 bits by three methods and three group sizes."""
    lines = [
        Line(
            f"{bits} bits, groups of {group}, {kernel}",
            kernel,
            {"bits": bits, "group_size": group},
            "" if kernel == "rtn" else f"{bits} bits, groups of {group}, rtn",
        )
        for bits in (8, 4, 3, 2)
        for group in (32, 64, 128)
        for kernel in ("rtn", "gptq", "awq")
    ]
    return Table(
        "weights",
        "Weights: round-to-nearest, GPTQ, AWQ",
        "Loss in bits per byte against the float model on the same held-out text; the difference is to rtn.",
        "testbed-weights",
        ("loss_in_bits", "model_bytes"),
        tuple(lines),
    )


def activations() -> Table:
    """Weights and activations in integers, naive and smoothed, with and without injected outliers."""
    lines = []
    for factor, told in ((1.0, "as trained"), (32.0, "outliers x32 injected")):
        for bits in (8, 6, 4):
            for scale in ("per token", "per tensor"):
                given = {"activation_bits": bits, "per_token": scale == "per token", "injected_outliers": factor}
                naive = f"{bits} bits, {scale}, {told}, w8a8"
                lines.append(Line(naive, "w8a8", given))
                lines += [
                    Line(f"{bits} bits, {scale}, {told}, {k}", k, given, naive) for k in ("smoothquant", "hadamard")
                ]
    return Table(
        "activations",
        "W8A8: naive, SmoothQuant, Hadamard",
        "Weights at 8 bits, activations at the bits named. Outliers are injected without changing the function (pairs "
        "of adjacent layers are scaled); the difference is to naive rounding (w8a8).",
        "testbed-activations",
        ("loss_in_bits",),
        tuple(lines),
    )


def caches() -> Table:
    """The key-value cache at 4 and 2 bits, four choices of axes, with and without a Hadamard rotation."""
    kernels = ("kivi", "key-token-value-token", "key-channel-value-channel", "key-token-value-channel")
    lines = [Line("full cache", "full", {})]
    for bits in (4, 2):
        for block in (0, 16):
            for kernel in kernels:
                rotated = f", Hadamard {block}" if block else ""
                told = "kivi (key per channel, value per token)" if kernel == "kivi" else kernel
                label = f"{bits} bits, {told}{rotated}"
                lines.append(Line(label, kernel, {"bits": bits, "hadamard_block": block}, "full cache"))
    lines += [Line(name, name, {}, "full cache") for name in ("int4-token", "saw-int4")]
    return Table(
        "caches",
        "Key-value cache: bits, axes, rotation",
        "Context 512, four pieces per seed, the second half scored; the difference is to the full cache.",
        "testbed-caches",
        ("bits_per_byte", "cache_bytes", "kv_error"),
        tuple(Line(x.label, x.kernel, {"context": 512, "samples": 4, **x.conditions}, x.against) for x in lines),
    )


def eviction() -> Table:
    """Cache budgets: which tokens to keep."""
    lines = [Line("full cache", "full", {"budget": 100.0})]
    for budget in (20.0, 10.0, 5.0):
        window = f"{budget:g} %, window"
        lines.append(Line(window, "window", {"budget": budget}, "full cache"))
        lines += [
            Line(f"{budget:g} %, {kernel}", kernel, {"budget": budget}, window) for kernel in ("sinks", "h2o", "random")
        ]
    return Table(
        "eviction",
        "Cache budgets: window, sinks and window, heavy hitters",
        "Context 512, four pieces per seed. The window is compared with the full cache, the others with the window.",
        "testbed-eviction",
        ("bits_per_byte", "kv_error"),
        tuple(Line(x.label, x.kernel, {"context": 512, "samples": 4, **x.conditions}, x.against) for x in lines),
    )


def stability() -> Table:
    """Reading on beyond the context of the training, to 16 times its length."""
    lines = []
    for context in (1024, 4096, 16384):
        shared = {"context": context, "samples": 1, "chunk": 64}
        budget = 100.0 * 512 / context
        full = f"{context:,} tokens, full cache"
        lines += [
            Line(full, "full", {**shared, "budget": 100.0}),
            Line(f"{context:,} tokens, window of 512", "window", {**shared, "budget": budget}, full),
            Line(f"{context:,} tokens, 4 sinks and window of 508", "sinks", {**shared, "budget": budget}, full),
            Line(f"{context:,} tokens, heavy hitters, 512 in all", "h2o", {**shared, "budget": budget}, full),
        ]
    return Table(
        "stability",
        "Length: to 16 times the context of the training",
        "The model was trained on 1,024 tokens. The second half of each text is scored; differences are to the full "
        "cache at the same length.",
        "testbed-eviction",
        ("bits_per_byte", "cache_bytes"),
        tuple(lines),
    )


def formats() -> Table:
    """Block formats on Gaussian values, on weights and on activations of the model."""
    kernels = ("mxint8", "mxfp8-e4m3", "mxfp6-e2m3", "mxfp4", "nvfp4", "nvfp4-scale-search", "nvint4")
    lines = [
        Line(
            f"{values}{', rotated' if rotated else ''}, {kernel}",
            kernel,
            {"values": values, "rotation": rotated},
            f"{values}{', rotated' if rotated else ''}, nvfp4" if kernel in ("nvfp4-scale-search", "nvint4") else "",
        )
        for values in ("gaussian", "testbed-weights", "testbed-activations")
        for rotated in (False, True)
        for kernel in kernels
    ]
    return Table(
        "formats",
        "Block formats",
        "Signal to quantization noise. Scale search and NVINT4 are compared with NVFP4: x dB more is a squared error "
        "smaller by the factor 10^(x/10), so 1.36 dB are 27 %.",
        "quantization-formats",
        ("snr",),
        tuple(lines),
    )


def fp8() -> Table:
    """FP8 attention with outliers: one scale per tensor, per block, and after a rotation."""
    lines = []
    for length in (512, 2048, 4096):
        plain = f"{length:,} tokens, one scale per tensor"
        shared = {"length": length, "outliers": 0.001}
        lines += [
            Line(plain, "fp8-per-tensor", shared),
            Line(f"{length:,} tokens, a scale per block", "fp8-per-block", shared, plain),
            Line(f"{length:,} tokens, per block, rotated", "fp8-incoherent", shared, plain),
        ]
    return Table(
        "fp8",
        "FP8 attention",
        "Inputs N(0,1) + N(0,100)·Bernoulli(0.001), emulated FP8 (E4M3). Root-mean-square error over the output's; the "
        "ratio is to one scale per tensor (the paper: 1/2.6 = 0.38).",
        "attention",
        ("relative_error",),
        tuple(lines),
        ratio=True,
    )


def deltas() -> Table:
    """What fine-tuning changed, in one bit per weight."""
    lines = [
        Line(f"{steps} steps, {kernel}", kernel, {"steps": steps}, f"{steps} steps, float16-delta" if i else "")
        for steps in (8, 32)
        for i, kernel in enumerate(("float16-delta", "bitdelta", "low-rank-delta"))
    ]
    return Table(
        "deltas",
        "Deltas of fine-tuning",
        "Loss against the fine-tuned model; the difference is to the delta in float16.",
        "testbed-deltas",
        ("loss_in_bits", "gain_in_bits", "delta_bytes"),
        tuple(lines),
    )


def decoding() -> Table:
    """Tokens per step and time per token of every decoder on this machine."""
    kernels = ("speculative", "prompt-lookup", "suffix-tree", "medusa", "medusa-typical")
    lines = []
    for temperature in (0.0, 1.0):
        plain = f"temperature {temperature:g}, autoregressive"
        lines.append(Line(plain, "autoregressive", {"temperature": temperature}))
        lines += [
            Line(f"temperature {temperature:g}, {k}", k, {"temperature": temperature, "gamma": 4}, plain)
            for k in kernels
        ]
    return Table(
        "decoding",
        "Decoding",
        "Four drafted tokens a step, 48 new tokens after 256 of held-out text, one thread. The ratio is of time per "
        "token to autoregressive decoding, prompt by prompt; below 1 is faster.",
        "decoding",
        ("time_per_token", "tokens_per_step", "acceptance_rate"),
        tuple(lines),
        ratio=True,
        timed=True,
    )


TABLES = {
    make.__name__: make for make in (weights, activations, caches, eviction, stability, formats, fp8, deltas, decoding)
}


def measured(table: Table, line: Line, seeds: int) -> list[dict[str, float]]:
    """The line's metrics for every seed."""
    return [registry.measure(table.family, line.kernel, table.metrics, seed=s, **line.conditions) for s in range(seeds)]


def mean(values: Sequence[float]) -> tuple[float, float]:
    """The mean and half the width of its 95 % t interval."""
    n = len(values)
    return float(np.mean(values)), float(student.ppf(0.975, n - 1) * np.std(values, ddof=1) / math.sqrt(n))


def shown(value: float, half: float) -> str:
    """A value with its interval, to the digits the interval allows."""
    if half == 0 or not math.isfinite(half):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    digits = max(0, 1 - math.floor(math.log10(half)))
    return f"{value:,.{digits}f} ± {half:,.{digits}f}"


def compared(table: Table, own: list[dict[str, float]], other: list[dict[str, float]]) -> str:
    """The difference or ratio of the first metric, seed by seed."""
    first = table.metrics[0]
    pairs = [(a[first], b[first]) for a, b in zip(own, other, strict=True)]
    if not table.ratio:
        return shown(*mean([a - b for a, b in pairs]))
    middle, half = mean([math.log(a / b) for a, b in pairs])
    return f"{math.exp(middle):.2f} [{math.exp(middle - half):.2f}, {math.exp(middle + half):.2f}]"


def written(table: Table, found: Mapping[str, list[dict[str, float]]], seeds: int) -> str:
    """The table in Markdown."""
    metrics = {m.name: m for m in registry.family(table.family).metrics}
    heads = [f"{name.replace('_', ' ')} ({metrics[name].unit})" for name in table.metrics]
    kind = "ratio" if table.ratio else "difference"
    rows = [f"| | {' | '.join(heads)} | {kind} |", "|---|" + "---|" * (len(heads) + 1)]
    for line in table.lines:
        own = found[line.label]
        cells = [shown(*mean([row[name] for row in own])) for name in table.metrics]
        against = compared(table, own, found[line.against]) if line.against else ""
        rows.append(f"| {line.label} | {' | '.join(cells)} | {against} |")
    return f"## {table.title}\n\n{table.note} n = {seeds} seeds.\n\n" + "\n".join(rows) + "\n"


def main() -> None:
    """Measure the tables asked for and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help=", ".join(TABLES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("docs/testbed.md"))
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args()
    made = [TABLES[name]() for name in given.tables or TABLES]
    parts: dict[str, str] = {}
    with ProcessPoolExecutor(given.workers, get_context("spawn")) as pool:
        waiting = {
            (t.name, line.label): pool.submit(measured, t, line, given.seeds)
            for t in made
            if not t.timed
            for line in t.lines
        }
        for table in made:
            if not table.timed:
                found = {line.label: waiting[table.name, line.label].result() for line in table.lines}
                parts[table.name] = written(table, found, given.seeds)
                print(parts[table.name], flush=True)
    for table in made:
        if table.timed:
            found = {line.label: measured(table, line, given.seeds) for line in table.lines}
            parts[table.name] = written(table, found, given.seeds)
            print(parts[table.name], flush=True)
    head = (
        "# What comes out on the test-bed models\n\nMade by `python benchmarks/testbed.py`: the models of "
        "`kernels/testbed/checkpoints` (see their card there), measured through the registry as any experiment is. "
        "Values are means over seeds (each draws other held-out text) with 95 % t intervals; differences are paired by "
        "seed. These intervals hold line by line, not all together.\n"
    )
    given.out.write_text("\n".join([head, *(parts[t.name] for t in made)]))


if __name__ == "__main__":
    main()
