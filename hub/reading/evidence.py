"""Evidence by lines: the recorded rows, what a script printed, and the script itself, as numbered ranges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evidentia.errors import BadInputError
from evidentia.hub.reading.located import read_file
from evidentia.workspace.package.manifest import EntryPoint, Manifest

Stream = Literal["rows", "stdout", "stderr", "script"]
MOST_LINES, LONGEST_LINE, MOST_CHARACTERS = 1000, 4000, 200_000
SHORTEST_DIGEST = 8


@dataclass(frozen=True)
class Lines:
    """Lines `first` to `last` (from 1, both included) of `total` in a file of a package; `next` is the line to go on
    with, None at the end. A line above `LONGEST_LINE` characters is cut and then ends with an ellipsis."""

    entry: str
    evidence: str
    stream: Stream
    file: str
    first: int
    last: int
    total: int
    next: int | None
    lines: tuple[str, ...]


def find_entry(manifest: Manifest, name: str) -> EntryPoint:
    """An entry point by its id (``E01``) or by its evidence's SHA-256, at least eight digits of it.

    Raises BadInputError naming those there are.
    """
    for entry in manifest.entry_points:
        if name == entry.id or (len(name) >= SHORTEST_DIGEST and entry.evidence.startswith(name)):
            return entry
    known = ", ".join(entry.id for entry in manifest.entry_points) or "none"
    raise BadInputError(f"no evidence {name[:80]!r} in {manifest.id}; it has {known}")


def file_of(entry: EntryPoint, stream: Stream) -> str:
    """Where a stream of an entry point lies in its package."""
    names = {"rows": f"evidence/rows/{entry.id}.jsonl", "script": entry.script}
    return names.get(stream, f"evidence/logs/{entry.id}.{stream}.txt")


def read_lines(path: Path, manifest: Manifest, name: str, stream: Stream, first: int = 1, count: int = 100) -> Lines:
    """A range of lines of one stream of one entry point; fewer than asked at the end of the file or where they would
    be more than `MOST_CHARACTERS`.

    Raises BadInputError when there is no such evidence or line, IntegrityError when the file was changed.
    """
    entry = find_entry(manifest, name)
    file = file_of(entry, stream)
    if not 1 <= count <= MOST_LINES:
        raise BadInputError(f"a range holds 1 to {MOST_LINES} lines, not {count}")
    found = read_file(path, manifest, file).decode("utf-8", "replace").split("\n")
    if found[-1] == "":
        found.pop()
    if first < 1 or first > max(1, len(found)):
        raise BadInputError(f"{file} has the lines 1 to {len(found)}, and {first} is none of them")
    taken: list[str] = []
    room = MOST_CHARACTERS
    for line in found[first - 1 : first - 1 + count]:
        shown = line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"
        if taken and len(shown) > room:
            break
        taken.append(shown)
        room -= len(shown)
    last = first + len(taken) - 1
    following = last + 1 if last < len(found) else None
    return Lines(entry.id, entry.evidence, stream, file, first, last, len(found), following, tuple(taken))
