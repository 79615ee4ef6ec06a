"""What changed from one version of a package to another: its words, its claims and their values, its files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evidentia.workspace.package.manifest import Manifest

ABOUT = ("title", "question", "outcome", "category", "tags", "licence", "run", "mind", "generator")
CLAIM = ("statement", "status", "value", "unit", "ci", "n", "sd", "tolerance", "conditions", "check", "note")


def changes(old: Manifest, new: Manifest) -> list[str]:
    """One line per difference, in the order of the manifest; none for the same content under another number.

    A claim is the same claim when its id is; a file when its path is.
    """
    return [*_about(old, new), *_claims(old, new), *_files(old, new)]


def _about(old: Manifest, new: Manifest) -> Iterator[str]:
    for name in ABOUT:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{name}: {_told(before)} → {_told(after)}"
    before, after = len(old.branch.runs), len(new.branch.runs)
    if before != after:
        yield f"runs: {before} → {after}"


def _claims(old: Manifest, new: Manifest) -> Iterator[str]:
    before = {claim["id"]: claim for claim in old.claims}
    after = {claim["id"]: claim for claim in new.claims}
    for name, claim in after.items():
        if name not in before:
            yield f"claim {name} added: {claim['statement']}"
            continue
        for field in CLAIM:
            was, now = before[name].get(field), claim.get(field)
            if was != now:
                yield f"claim {name}: {field}" + (" changed" if field == "check" else f" {_told(was)} → {_told(now)}")
        if len(before[name].get("evidence", ())) != len(claim.get("evidence", ())):
            yield f"claim {name}: {len(before[name]['evidence'])} → {len(claim['evidence'])} pieces of evidence"
    for name in before.keys() - after.keys():
        yield f"claim {name} removed: {before[name]['statement']}"


def _files(old: Manifest, new: Manifest) -> Iterator[str]:
    for name in sorted(old.files.keys() | new.files.keys()):
        if name not in old.files:
            yield f"file {name} added"
        elif name not in new.files:
            yield f"file {name} removed"
        elif old.files[name] != new.files[name]:
            yield f"file {name} changed"


def _told(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_told, value))}]"
    return "none" if value is None else str(value)
