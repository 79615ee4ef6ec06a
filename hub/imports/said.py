"""What others say of a package: attestations and reviews that come with a zip, each checked and named, none believed.

An envelope whose signature does not hold, or that is about another manifest, is left out. One by a key that this
workspace does not trust is kept as a claim of others and counts for nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evidentia.errors import IntegrityError
from evidentia.hub.imports.receipt import Said
from evidentia.hub.verification.attested import FOLDER as ATTESTATIONS
from evidentia.hub.verification.attested import read_envelope
from evidentia.workspace.signing import place_new

MOST_BYTES = 4 * 1024**2


def weigh(files: Iterable[Path], digest: str, trusted: Mapping[str, bytes]) -> list[Said]:
    """What is to be thought of each file about the manifest of that SHA-256."""
    return [_one(path, digest, trusted) for path in files]


def attesters(said: Iterable[Said]) -> set[str]:
    """The ids of the keys that have attested the package; who only reviewed it has not."""
    return {s.keyid for s in said if s.keyid and s.file.startswith(f"{ATTESTATIONS}/")}


def _one(path: Path, digest: str, trusted: Mapping[str, bytes]) -> Said:
    name = f"{path.parent.name}/{path.name}"
    if path.stat().st_size > MOST_BYTES:
        return Said(name, False, f"left out: larger than {MOST_BYTES:,} bytes")
    try:
        told, keyid, counts = read_envelope(path, trusted)
        subject = str(told["subject"][0]["digest"].get("sha256", ""))
        what = _stated(told.get("predicate", {}))
    except IntegrityError as error:
        return Said(name, False, f"left out: {error}")
    except (RecursionError, LookupError, TypeError, AttributeError, ValueError):
        return Said(name, False, "left out: not a signed statement of a known form")
    if subject != digest:
        return Said(name, False, f"left out: it is about another manifest ({subject[:12]}…)")
    by = f"the trusted key {keyid[:16]}…" if counts else f"the unknown key {keyid[:16]}…: not counted here"
    return Said(name, True, f"{what}, signed by {by}", keyid, counts)


def _stated(predicate: Mapping[str, Any]) -> str:
    if isinstance(rung := predicate.get("rung"), int):
        return f"states L{rung}" if rung >= 0 else "states that not even L0 holds"
    if reviewer := predicate.get("reviewer"):
        return f"a review by {str(reviewer)[:80]}: {str(predicate.get('overall'))[:20]}"
    return "states no rung"


def keep(files: Iterable[Path], said: Iterable[Said], home: Path) -> int:
    """Put the files that are kept beside the package's versions, each content once; how many were new."""
    added = 0
    for path, found in zip(files, said, strict=True):
        if not found.kept:
            continue
        folder, data = home / path.parent.name, path.read_bytes()
        if any(p.read_bytes() == data for p in folder.glob("*.json")):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        name, number = path.name, 1
        while not place_new(folder / name, data):
            number += 1
            name = f"{path.stem}-{number}.json"
        added += 1
    return added
