"""Calibration: simulated questions with known truth, decided by the code that decides real ones.

Each question is a kind of claim under a kind of noise (`evidentia.graph.simulated.claims`) at one of four effects:
none, at the boundary of what is claimed, near it, far from it. Each replication draws rows of 5, 10 and 20 seeds and
gives them to `agents.analysis`, look by look, as a run does. Printed per kind and noise, over the four effects: how
often a single 95 % interval at 5, 10 and 20 seeds holds the truth, and how often all registered ones do; how often a
verdict is wrong (at the boundary, support is), and how often at the worst of the effects; how often the near and the
far effect are decided rightly; the seeds used. First the claims as the planner registers them, with a row of the worst
of each column, then the others. The worst of many is worse than it is by chance, so the worst cells are measured again
with fresh draws. Run as `python benchmarks/calibration.py 500`, 500 being the replications.
"""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import binomtest

from evidentia.agents import analysis
from evidentia.graph.simulated.claims import CONFIDENCE, EFFECTS, KINDS, LOOKS, NOISES, Kind, draw, hypothesis
from evidentia.workspace.checks import evaluate

AGAIN = 4
"""How many times the replications the worst cells are measured again with."""
HEAD = ("claim", "noise", "holds, n = 5", "n = 10", "n = 20", "all looks", "wrong", "at worst", "near", "far", "seeds")
HELD, WRONG, POWER = range(4), range(4, 6), range(6, 8)
"""Which of the figures of a row are intervals that hold, wrong verdicts, and right ones."""


@dataclass
class Tally:
    """Counts over replications: intervals that hold the truth per number of seeds, verdicts, seeds."""

    held: dict[int, list[bool]] = field(default_factory=lambda: defaultdict(list))
    together: list[bool] = field(default_factory=list)
    wrong: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    right: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    seeds: list[int] = field(default_factory=list)

    def outcomes(self) -> list[Sequence[bool]]:
        """What the figures of a row are shares of, in their order."""
        wrong = [w for asked in self.wrong.values() for w in asked]
        worst = max(self.wrong.values(), key=lambda w: sum(w) / len(w))
        held = [self.held[n] for n in LOOKS]
        return [*held, self.together, wrong, worst, self.right["near"], self.right["far"]]


Found = dict[tuple[str, str], Tally]


def replicate(kind: Kind, how: str, effect: str, generator: np.random.Generator, tally: Tally) -> None:
    """One question from its first look to its last, and single 95 % intervals over the same rows."""
    registered, truth = hypothesis(kind), kind.truth(effect)
    drawn = draw(kind, how, effect, generator)
    together = True
    for n in LOOKS:
        rows = [row for own in drawn[:n] for row in own]
        claims = analysis.decide(registered, rows, ["e"])
        together = together and all(truth is None or c.ci[0] <= truth <= c.ci[1] for c in claims if c.ci)
        if not analysis.needs_more(claims):
            break
    verdict = "supported" if kind.holds(effect) else "refuted"
    tally.wrong[effect].append(any(c.status not in (verdict, "inconclusive") for c in claims))
    tally.right[effect].append(all(c.status == verdict for c in claims))
    tally.seeds.append(n)
    if truth is None:
        return
    tally.together.append(together)
    check = registered.claims[0].check.model_copy(update={"confidence": CONFIDENCE})
    for n in LOOKS:
        found, _ = evaluate(check, [row for own in drawn[:n] for row in own])
        if found.low is not None and found.high is not None:
            tally.held[n].append(found.low <= truth <= found.high)


def asked(name: str, how: str, replications: int, stream: int = 0) -> Tally:
    """One kind and noise over all effects; the same numbers for the same arguments."""
    generator = np.random.default_rng([list(KINDS).index(name), NOISES.index(how), *[stream] * bool(stream)])
    found = Tally()
    for effect in EFFECTS:
        for _ in range(replications):
            replicate(KINDS[name], how, effect, generator, found)
    return found


def tallies(replications: int, kinds: Sequence[str] = tuple(KINDS)) -> Found:
    """The tally of each kind and noise."""
    return {(name, how): asked(name, how, replications) for name, how in itertools.product(kinds, NOISES)}


def line(kind: str, how: str, found: Tally) -> str:
    """A row of the table in Markdown."""
    told = " | ".join(figure(share(outcomes)) for outcomes in found.outcomes())
    return f"| {kind} | {how} | {told} | {np.mean(found.seeds):.1f} |"


def worst_line(found: Mapping[tuple[str, str], Tally]) -> str:
    """The worst of each column: the least that hold and are right, the most that are wrong, the most seeds."""
    columns = list(zip(*([share(o) for o in t.outcomes()] for t in found.values()), strict=True))
    told = [figure(max(c) if i in WRONG else np.nanmin(c)) for i, c in enumerate(columns)]
    return f"| **worst** | of the above | {' | '.join(told)} | {max(np.mean(t.seeds) for t in found.values()):.1f} |"


def worst_cells(found: Mapping[tuple[str, str], Tally], replications: int) -> Iterator[str]:
    """For each figure but power, its worst cell, as it came out and measured again with its 95 % interval."""
    yield "| figure | worst at | came out | measured again |"
    yield "|---|---|---:|---:|"
    for at in (*HELD, *WRONG):
        shares = {key: _comparable(tally.outcomes()[at], at) for key, tally in found.items()}
        key = (max if at in WRONG else min)(shares, key=shares.__getitem__)
        again = asked(*key, AGAIN * replications, stream=1).outcomes()[at]
        first = figure(share(found[key].outcomes()[at]))
        yield f"| {HEAD[at + 2]} | {', '.join(key)} | {first} | {with_interval(again)} |"


def _comparable(outcomes: Sequence[bool], at: int) -> float:
    return share(outcomes) if outcomes else -1.0 if at in WRONG else 101.0


def with_interval(outcomes: Sequence[bool]) -> str:
    """A share with the Wilson interval of its Monte Carlo error."""
    ci = binomtest(sum(outcomes), len(outcomes)).proportion_ci(0.95, method="wilson")
    return f"{share(outcomes):.1f} [{100 * ci.low:.1f}, {100 * ci.high:.1f}]"


def figure(value: float) -> str:
    """A share to a tenth; a dash where nothing was counted."""
    return f"{value:.1f}" if value == value else "–"


def share(outcomes: Sequence[bool]) -> float:
    """The share of what is true, in per cent; not a number where nothing was counted."""
    return 100 * sum(outcomes) / len(outcomes) if outcomes else float("nan")


def main() -> None:
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    questions = len(KINDS) * len(NOISES) * len(EFFECTS)
    print(f"{questions} questions, {replications} replications of each; shares in per cent")
    for planned in (True, False):
        print("\nas planned\n" if planned else "\nothers\n")
        print(f"| {' | '.join(HEAD)} |\n|---|---|" + "---:|" * (len(HEAD) - 2), flush=True)
        found: Found = {}
        for name, how in itertools.product(KINDS, NOISES):
            if KINDS[name].as_planned(how) == planned:
                found[name, how] = asked(name, how, replications)
                print(line(name, how, found[name, how]), flush=True)
        wrong = [w for t in found.values() for asked in t.wrong.values() for w in asked]
        if planned:
            print(f"{worst_line(found)}\n")
            print("\n".join(worst_cells(found, replications)), flush=True)
        print(f"\nwrong verdicts over all {len(wrong)} questions asked: {with_interval(wrong)} %")


if __name__ == "__main__":
    main()
