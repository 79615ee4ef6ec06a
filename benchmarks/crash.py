"""Real runs killed with SIGKILL at random instants and resumed: what was lost, repeated, left, or came out otherwise.

``python benchmarks/crash.py [COUNT]`` kills COUNT times (200): half of them at any moment of the run's wall time, the
others before, inside and after fsyncs, log writes, renames, checkpoint commits, clearings and experiments. Then disks
that are too small, a tenth as often. `docs/crashes.md` has the method and the figures.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
KILLS_A_STORY, SEED = 8, 20261121


def main() -> None:
    """Tell stories until there were so many kills, and print the table."""
    from tests.graph.crashing.full_disk import fill
    from tests.graph.crashing.story import TARGETS, WALL, tell, undisturbed

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no story after so long")
    options = parser.parse_args()
    chance, began = random.Random(options.seed), time.monotonic()
    pointed = [t for t in TARGETS if t[0] != WALL]
    folder = Path(tempfile.mkdtemp(prefix="evidentia-crash-"))
    whole = undisturbed(folder / "whole" / "workspace")
    print(f"undisturbed: {whole.seconds:.0f} s, {whole.events} events, {whole.counts}", flush=True)
    kills, inside, outlived, faults, stories = Counter[str](), Counter[str](), 0.0, 0, 0
    while kills.total() < options.count and time.monotonic() - began < 60 * options.minutes:
        stories += 1
        size = min(KILLS_A_STORY, options.count - kills.total())
        targets = [(WALL, "") if chance.random() < 0.5 else chance.choice(pointed) for _ in range(size)]
        root = folder / f"story-{stories}" / "workspace"
        story = tell(root, whole, chance, targets)
        for instant, session in story.kills:
            name = f"{instant.phase} {instant.operation}".strip()
            kills[name] += 1
            inside[name] += instant.phase == "inside" and not session.noted("returned")
            outlived = max(outlived, session.outlived)
        if not story.kills:  # the machine has become faster: any moment of the wall time is one of a shorter time
            whole = replace(whole, seconds=min(whole.seconds, story.lived))
        faults += _report(f"story {stories}, {len(story.kills)} kills", story.faults, root)
    print(
        f"\n{kills.total()} kills in {stories} runs, {faults} runs with a fault; the last process of a killed session"
    )
    print(f"outlived it by {1e3 * outlived:.0f} ms at most\n\n| instant | kills | truly inside |\n|---|---|---|")
    for name, count in sorted(kills.items(), key=lambda item: -item[1]):
        print(f"| {name} | {count} | {inside[name] if name.startswith('inside') else ''} |")
    if os.geteuid() == 0:
        full, refusals, faults = max(1, options.count // 20), 0, 0
        for number in range(full):
            sizes = sorted(round(6e6 * chance.random() ** 2) for _ in range(3))
            root = folder / f"disk-{number}" / "workspace"
            story = fill(root, whole, sizes)
            refusals += story.refusals
            faults += _report(f"disks of {sizes} bytes", story.faults, root)
        print(f"\n{refusals} sessions ended by a full disk in {full} runs, {faults} runs with a fault")
    if not any(folder.glob("story-*")) and not any(folder.glob("disk-*")):
        shutil.rmtree(folder)


def _report(name: str, faults: list[str], root: Path) -> bool:
    """Print a story's faults, if it has any; without any its workspace may go."""
    print(f"{name}: {'; '.join(faults) if faults else 'nothing lost'}", flush=True)
    if not faults:
        shutil.rmtree(root.parent, ignore_errors=True)
    return bool(faults)


if __name__ == "__main__":
    main()
