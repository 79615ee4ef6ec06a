"""Selection policies over planted questions with known answers: claims decided rightly per experiment.

The questions are simulated (`evidentia.graph.simulated.questions` says how); frontier, policies, budget and statistics
are those of a real run. Intervals are Student's over the seeds of the runs.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections import defaultdict

from scipy.stats import t

from evidentia.graph.policies import DEFAULT, POLICIES
from evidentia.graph.simulated.questions import QUESTIONS
from evidentia.graph.simulated.searching import search

BUDGET = 40


def main() -> None:
    """Print, for each policy, right claims per experiment with its interval, wrong ones, and the ratio to chance."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    seeds = range(parser.parse_args().seeds)
    kinds = list(dict.fromkeys(q.kind for q in QUESTIONS))
    rates: dict[str, list[float]] = {}
    by_kind: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in POLICIES}
    wrong: dict[str, tuple[int, int]] = {}
    for name, opened in POLICIES.items():
        rates[name], errors, decided = [], 0, 0
        for seed in seeds:
            found = [(q.kind, search(q, opened(), BUDGET, seed)) for q in QUESTIONS]
            rates[name].append(sum(r.right for _, r in found) / sum(r.experiments for _, r in found))
            errors += sum(r.wrong for _, r in found)
            decided += sum(r.right + r.wrong for _, r in found)
            for kind, result in found:
                by_kind[name][kind].append(result.right / result.experiments)
        wrong[name] = (errors, decided)
    chance = statistics.fmean(rates["random"])
    print(f"{len(QUESTIONS)} simulated questions, {BUDGET} experiments each, {len(seeds)} seeds: right claims each")
    for name, found in rates.items():
        mean, (errors, decided) = statistics.fmean(found), wrong[name]
        half = float(t.ppf(0.975, len(found) - 1)) * statistics.stdev(found) / math.sqrt(len(found))
        pairs = [a / b for a, b in zip(found, rates["random"], strict=True)]
        spread = float(t.ppf(0.975, len(pairs) - 1)) * statistics.stdev(pairs) / math.sqrt(len(pairs))
        mark = " (default)" if name == DEFAULT else ""
        print(
            f"  {name + mark:21} {mean:.3f} [{mean - half:.3f}, {mean + half:.3f}]  {mean / chance:.2f}x random "
            f"[{mean / chance - spread:.2f}, {mean / chance + spread:.2f}]  wrong {errors} of {decided}"
        )
    print("by kind of question")
    for kind in kinds:
        told = ", ".join(f"{name} {statistics.fmean(found[kind]):.3f}" for name, found in by_kind.items())
        print(f"  {kind:28} {told}")


if __name__ == "__main__":
    main()
