"""Sequential decisions: which rule decides with the fewest seeds at the same guarantee?

A claim's effect is told from its bound by t tests after 5, 10 and 20 seeds, and after every seed from 5 to 20. All
rules hold the probability of ever deciding wrongly, where the effect lies at the bound, below 5 % (below 0.625 % for
one of eight claims). Printed are that probability, and over effects from 0 to 3 standard deviations the power and the
seeds used. The last rule needs no plan: a mixture e-value (Lai 1976; Wang and Ramdas 2024), valid at any time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtr, ndtri, stdtr

from evidentia.workspace.sequential import constant_level, crossing_error

PLANS = {"5, 10, 20": (5, 10, 20), "each from 5 to 20": tuple(range(5, 21))}
EFFECTS = (0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
SPREAD = 1.0
"""The variance of the effects that the e-value is made for, in those of the noise."""


def spent(looks: Sequence[int], error: float, share: Callable[[float], float]) -> list[float]:
    """The levels that spend `share(fraction of seeds)` of the error by each look (Lan and DeMets 1983)."""
    levels: list[float] = []
    for k, n in enumerate(looks, start=1):
        low, high, aim = 0.0, error, error * share(n / looks[-1])
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if crossing_error([*levels, middle], looks[:k]) < aim else (low, middle)
        levels.append(max(low, 1e-12))
    return levels


def obrien_fleming(error: float) -> Callable[[float], float]:
    """O'Brien and Fleming's kind of spending, as a share of the error."""
    return lambda t: float(2 * ndtr(ndtri(error / 2) / np.sqrt(t)) / error)


def pocock(t: float) -> float:
    """Pocock's kind of spending, as a share of the error."""
    return float(np.log(1 + (np.e - 1) * t))


def e_values(t: np.ndarray, n: int) -> np.ndarray:
    """Evidence against no effect from t over n seeds, whatever the standard deviation: expected to be 1 without one."""
    wide = 1 + n * SPREAD
    return np.asarray(((1 + t**2 / (n - 1)) / (1 + t**2 / ((n - 1) * wide))) ** (n / 2) / np.sqrt(wide))


def rules(looks: tuple[int, ...], error: float) -> dict[str, Sequence[float] | None]:
    """The level of every look by each rule; None for e-values."""
    known = tuple(200 * n for n in looks)  # so many seeds that the standard deviation is as good as known
    return {
        "Bonferroni": [error / len(looks)] * len(looks),
        "Pocock, exact for t (used)": [constant_level(error, looks)] * len(looks),
        "Pocock, for known variance": [constant_level(error, known)] * len(looks),
        "Pocock-type spending": spent(looks, error, pocock),
        "O'Brien-Fleming-type spending": spent(looks, error, obrien_fleming(error)),
        "e-values": None,
    }


def main() -> None:
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    generator = np.random.default_rng(7)
    noise = generator.standard_normal((replications, 20))
    print("| looks | error | rule | wrong | power at 0.75 | at 1.5 | seeds at 0.75 | at 1.5 | at 3 | mean |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    for told, looks in PLANS.items():
        t = {}
        for effect in EFFECTS:
            runs = [noise[:, :n] + effect for n in looks]
            t[effect] = [r.mean(1) / r.std(1, ddof=1) * np.sqrt(r.shape[1]) for r in runs]
        for error in (0.05, 0.05 / 8):
            for name, levels in rules(looks, error).items():
                power, seeds = {}, {}
                for effect in EFFECTS:
                    used, decided = np.full(replications, looks[-1]), np.zeros(replications, bool)
                    for k, n in enumerate(looks):
                        if levels is None:
                            now = e_values(t[effect][k], n) >= 1 / error
                        else:
                            now = 2 * stdtr(n - 1, -np.abs(t[effect][k])) <= levels[k]
                        used[now & ~decided] = n
                        decided |= now
                    power[effect], seeds[effect] = decided.mean(), used.mean()
                cells = [f"{100 * power[e]:.2f}" for e in (0.0, 0.75, 1.5)]
                cells += [f"{seeds[e]:.1f}" for e in (0.75, 1.5, 3.0)] + [f"{np.mean(list(seeds.values())):.2f}"]
                print(f"| {told} | {100 * error:.3g} % | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
