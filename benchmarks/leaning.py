"""Which metrics lean to one side from seed to seed: the skewness of their values and of their paired effects.

For each family with measurements of less than half a second, at its default conditions: the baseline and two rivals
over 40 seeds. Printed are the metrics with a skewness beyond 1.2 (three standard errors of that of even noise), and
whether their card says `leans`. Run as `python benchmarks/leaning.py [FAMILY …]`.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator

import numpy as np
from scipy.stats import skew

from evidentia.kernels import registry
from evidentia.kernels.registry import Family, Metric

SEEDS, RIVALS, SLOW, BEYOND = 40, 2, 0.5, 1.2


def cells(family: Family) -> dict[str, list[dict[str, float]]] | None:
    """All metrics of a few kernels by seed, the baseline first; None where that would take long."""
    own = [k for k in registry.kernels(family.name) if not k.needs_gpu]
    first = next((k for k in own if not k.baseline), own[0])
    chosen = [first, *[k for k in own if k is not first][:RIVALS]]
    names = [m.name for m in family.metrics]

    def measured(kernel: str, seed: int) -> dict[str, float]:
        return registry.measure(family.name, kernel, names, seed=seed, **registry.complete(family.name, kernel, {}))

    for kernel in chosen:
        measured(kernel.name, 0)
        start = time.perf_counter()
        measured(kernel.name, 1)
        if time.perf_counter() - start > SLOW:
            return None
    return {k.name: [measured(k.name, seed) for seed in range(SEEDS)] for k in chosen}


def leaning(metric: Metric, found: dict[str, list[dict[str, float]]]) -> Iterator[tuple[str, float]]:
    """What of a metric is beyond the bound, with its skewness: a kernel's values, or its effect against the first."""
    series = {name: [row[metric.name] for row in rows] for name, rows in found.items()}
    base, first = next(iter(series.items()))
    for name, values in series.items():
        told = {name: values}
        if name != base:
            logs = metric.effect == "ratio" and min(*values, *first) > 0
            pairs = zip(values, first, strict=True)
            told[f"{name} against {base}"] = [math.log(a / b) if logs else a - b for a, b in pairs]
        for what, numbers in told.items():
            spread = float(np.std(numbers))
            if spread > 1e-9 * max(1.0, abs(float(np.mean(numbers)))) and abs(float(skew(numbers))) > BEYOND:
                yield what, float(skew(numbers))


def main() -> None:
    """Print what leans."""
    for family in registry.families():
        if registry.on_gpu(family.name) or (sys.argv[1:] and family.name not in sys.argv[1:]):
            continue
        found = cells(family)
        if found is None:
            print(f"{family.name}: left out, a measurement takes more than {SLOW:g} s", flush=True)
            continue
        for metric in family.metrics:
            said = "leans" if metric.leans else "does not say that it leans"
            for what, value in leaning(metric, found):
                print(f"{family.name} {metric.name} ({said}): {what} {value:+.2f}", flush=True)


if __name__ == "__main__":
    main()
