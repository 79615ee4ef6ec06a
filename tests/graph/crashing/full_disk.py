"""A run on a disk that is too small, made larger a little at a time until the run can end."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.graph.crashing.story import BRIEF, Story, Whole

PAGE = 4096
ENOUGH = 256 * 1024**2


@contextmanager
def disk(place: Path, size: int) -> Iterator[None]:
    """An empty file system of `size` bytes, in memory. Needs root; raises CalledProcessError where it may not."""
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def grow(place: Path, size: int) -> None:
    """Make the file system at `place` larger."""
    subprocess.run(["mount", "-o", f"remount,size={size}", str(place)], check=True)


def fill(root: Path, whole: Whole, sizes: Sequence[int], brief: Path = BRIEF) -> Story:
    """Begin a run on a disk of the first size, resume it on each of the others, then on one that is large enough."""
    story = Story()
    with disk(root, sizes[0]):
        for size in (*sizes, ENOUGH):
            grow(root, size)
            done = story.go_on(root, brief)
            if done.status == 0:
                break
            story.refusals += 1
            last = done.said.strip().splitlines()[-1]
            clear = re.match(r"evidentia: .*([Nn]o space left|disk is full).*make room", last)
            if done.status != 2 or not clear or "Traceback" in done.said:
                story.faults.append(f"{size} bytes: ended with {done.status}: {done.said[-600:]}")
        return story.ended(root, whole, done)
