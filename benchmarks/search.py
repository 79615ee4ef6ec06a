"""Selection policies over planted questions with known answers: claims decided rightly per experiment.

The questions are simulated (`evidentia.graph.simulated.questions` says how); frontier, policies, budget and statistics
are those of a real run, and a test holds them against one. The default's constants were chosen on other questions than
these. Two rows are no policies of a run: `value, whole branches` is the default without putting any branch off, and
`oracle` chooses by the planted truth, which bounds what any policy could do. Intervals are Student's over the seeds of
the runs; the ratio's is of the logarithms of the ratios by seed.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from scipy.stats import t

from evidentia.graph.frontier import Frontier
from evidentia.graph.policies import DEFAULT, POLICIES, Choice, Policy, open_policy
from evidentia.graph.simulated.oracle import Oracle
from evidentia.graph.simulated.planted import Item
from evidentia.graph.simulated.questions import QUESTIONS, Question
from evidentia.graph.simulated.searching import Result, search

BUDGET = 40
CONTROL, RIVAL = "random", "best-first"


class WholeBranches:
    """The default with every branch looked at to its end, once begun."""

    name = "value, whole branches"

    def choose(self, frontier: Frontier, stages: Sequence[str], chance: random.Random) -> Choice | None:
        """The default's choice, as if nothing else were worth anything."""
        found = open_policy(DEFAULT).choose(frontier, stages, chance)
        return replace(found, worth=0.0) if found else None


Opened = Callable[[dict[str, Item]], Policy]
ROWS: dict[str, Opened] = {
    **{name: lambda items, opened=opened: opened() for name, opened in POLICIES.items()},  # type: ignore[misc]
    WholeBranches.name: lambda items: WholeBranches(),
    Oracle.name: Oracle,
}


@dataclass
class Tally:
    """What a row came to: right claims per experiment by seed, the same by kind of question, wrong and all claims."""

    rates: list[float] = field(default_factory=list)
    kinds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: int = 0
    decided: int = 0

    def add(self, found: Sequence[tuple[str, Result]]) -> None:
        """The results of one seed over all questions, each with its kind."""
        self.rates.append(sum(r.right for _, r in found) / sum(r.experiments for _, r in found))
        self.wrong += sum(r.wrong for _, r in found)
        self.decided += sum(r.right + r.wrong for _, r in found)
        for kind, result in found:
            self.kinds[kind].append(result.right / result.experiments)


def one(question: Question, opened: Opened, seed: int) -> Result:
    """One search of one question."""
    items: dict[str, Item] = {}
    return search(question, opened(items), BUDGET, seed, items)


def interval(samples: Sequence[float]) -> tuple[float, float, float]:
    """The mean with its 95 % interval."""
    mean = statistics.fmean(samples)
    half = float(t.ppf(0.975, len(samples) - 1)) * statistics.stdev(samples) / math.sqrt(len(samples))
    return mean, mean - half, mean + half


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """How many times as much, with its interval."""
    mean, low, high = (math.exp(v) for v in interval([math.log(a / b) for a, b in zip(ours, theirs, strict=True)]))
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"


def main() -> None:
    """Print, for each row, right claims per experiment, the ratios to chance and to best-first, and wrong claims."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10, help="at least 2")
    seeds = range(max(2, parser.parse_args().seeds))
    tallies = {name: Tally() for name in ROWS}
    for name, opened in ROWS.items():
        for seed in seeds:
            tallies[name].add([(q.kind, one(q, opened, seed)) for q in QUESTIONS])
    control, rival = tallies[CONTROL].rates, tallies[RIVAL].rates
    print(f"{len(QUESTIONS)} simulated questions, {BUDGET} experiments each, {len(seeds)} seeds\n")
    print("| policy | right claims per experiment | times random | times best-first | wrong |")
    print("|---|---:|---:|---:|---:|")
    for name, tally in tallies.items():
        mean, low, high = interval(tally.rates)
        told = f"{mean:.3f} [{low:.3f}, {high:.3f}] | {ratio(tally.rates, control)} | {ratio(tally.rates, rival)}"
        mark = " (default)" if name == DEFAULT else ""
        print(f"| {name}{mark} | {told} | {tally.wrong} of {tally.decided} |")
    print(f"\n| kind of question | {' | '.join(tallies)} |")
    print("|---|" + "---:|" * len(tallies))
    for kind in dict.fromkeys(q.kind for q in QUESTIONS):
        told = " | ".join(f"{statistics.fmean(tally.kinds[kind]):.3f}" for tally in tallies.values())
        print(f"| {kind} | {told} |")


if __name__ == "__main__":
    main()
