"""Attestations: what one verification found, signed, in a file beside the package's versions."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from evidentia.errors import BadInputError, IntegrityError
from evidentia.hub.verification.opened import Opened, Result
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.store import MANIFEST
from evidentia.workspace.signing import Key, carried_key, check, place_new, sign, statement, trust, trusted_keys

PREDICATE = "urn:evidentia:verification:v1"
FOLDER = "attestations"


@dataclass(frozen=True)
class Attested:
    """One attestation whose signature holds: the file, what it says, who signed, and whether that key counts here."""

    name: str
    subject: str
    predicate: Mapping[str, Any]
    keyid: str
    trusted: bool

    @property
    def machine(self) -> str:
        """The fingerprint of the machine it was made on."""
        runner = self.predicate.get("runner")
        return str(runner.get("machine", "")) if isinstance(runner, dict) else ""

    @property
    def time(self) -> str:
        """When it was made."""
        return str(self.predicate.get("time", ""))


def machine() -> str:
    """A fingerprint of this machine: SHA-256 of its host name and machine id; names neither."""
    try:
        known = Path("/etc/machine-id").read_text().strip()
    except OSError:
        known = f"{uuid.getnode():012x}"
    return hashlib.sha256(f"{platform.node()}\n{known}".encode()).hexdigest()


def attest(
    path: Path,
    folder: Path,
    key: Key,
    report: Mapping[str, Any],
    *,
    version: int,
    sandbox: str,
    seed_offset: int | None,
) -> tuple[Path, str]:
    """Write the signed attestation of a report into `folder`; its file and the SHA-256 of the envelope.

    Raises BadInputError when the disk refuses.
    """
    predicate = {
        "package": report["package"],
        "version": version,
        "rung": report["rung"],
        "plus": report["plus"],
        "asked": report["asked"],
        "verdict": "passed" if report["rung"] >= report["asked"] else "failed",
        "checks": [{k: c[k] for k in ("name", "rung", "passed")} for c in report["checks"]],
        "checker": {"name": "evidentia", "version": metadata.version("evidentia")},
        "runner": {"machine": machine(), "platform": platform.platform()},
        "sandbox": sandbox,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "seeds_changed": seed_offset is not None,
        "seed_offset": seed_offset or 0,
    }
    digest = manifest_digest(path)
    data = canonical(sign(key, statement(MANIFEST, digest, PREDICATE, predicate)))
    level = f"L{report['rung']}" if report["rung"] >= 0 else "none"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"v{version}-{level}-{key.keyid[:8]}-"
        number = 1 + max((_number(p.name) for p in folder.glob(f"{stem}*.json")), default=0)
        while not place_new(folder / f"{stem}{number}.json", data + b"\n"):
            number += 1
    except OSError as error:
        raise BadInputError(f"cannot write into {folder}: {error.strerror}; make room and verify again") from error
    return folder / f"{stem}{number}.json", sha256(data)


def manifest_digest(path: Path) -> str:
    """SHA-256 of a package's manifest; that of nothing where there is none."""
    try:
        return sha256((path / MANIFEST).read_bytes())
    except OSError:
        return sha256(b"")


def folder_of(path: Path, name: str = FOLDER) -> Path:
    """Where what others say of a package lies: beside its versions, which nobody changes."""
    return path.parent / name


def files_of(path: Path, name: str = FOLDER) -> list[Path]:
    """The files there that are about this version, in the order of their names."""
    return sorted(folder_of(path, name).glob(f"{path.name}-*.json")) if re.fullmatch(r"v\d+", path.name) else []


def read_envelope(path: Path, trusted: Mapping[str, bytes]) -> tuple[dict[str, Any], str, bool]:
    """The statement in a file, the id of its key, and whether that key is trusted. Raises IntegrityError."""
    try:
        envelope = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        raise IntegrityError("cannot be read as JSON") from None
    if not isinstance(envelope, dict):
        raise IntegrityError("not a DSSE envelope with one signature")
    said, keyid = check(envelope, None)
    return said, keyid, keyid in trusted


def trusted_by(workspace: Workspace | None) -> dict[str, bytes]:
    """The keys whose word counts: none without a workspace."""
    return trusted_keys(workspace) if workspace is not None else {}


def trust_key(workspace: Workspace, path: Path, keyid: str) -> Path:
    """Count a key that has signed something of the package at `path`; returns the file that says so.

    Raises BadInputError when nothing beside the package is validly signed by the key of that full id.
    """
    for file in (*files_of(path), *files_of(path, "reviews")):
        try:
            if read_envelope(file, {})[1] == keyid:
                return trust(workspace, carried_key(json.loads(file.read_bytes())))
        except IntegrityError:
            continue
    raise BadInputError(f"nothing beside {path} is signed by the key {keyid!r}; --trust takes its full id")


def attestations(package: Opened) -> list[Attested]:
    """Every attestation of this version whose signature holds, earliest first; others are left to level 1."""
    found = [item for _, item in _read_all(package) if isinstance(item, Attested)]
    return sorted(found, key=lambda a: (a.time, a.name))


def check_attestations(package: Opened) -> Result:
    """Level 1: every attestation beside the package is what was signed, is about this very manifest, and is by a key
    that this workspace knows, where the package was made here; the keys of foreign packages are only named."""
    found, digest = _read_all(package), manifest_digest(package.path)
    faults = (f"{FOLDER}/{name}: {fault}" for name, item in found if (fault := _fault(item, digest, package.native)))
    first = next(faults, None)
    told = f"{len(found)} attestations, each as it was signed" if found else "nobody has attested this version yet"
    strange = sorted({item.keyid[:16] for _, item in found if isinstance(item, Attested) and not item.trusted})
    if strange:
        told += f"; not counted, of unknown keys: {', '.join(f'{k}…' for k in strange)}"
    return Result(1, "attestations", first is None, first or told)


def _read_all(package: Opened) -> list[tuple[str, Attested | str]]:
    """Each file among the attestations of this version, and what it says or why it cannot be believed."""
    trusted = trusted_by(package.workspace)
    found: list[tuple[str, Attested | str]] = []
    for path in files_of(package.path):
        try:
            said, keyid, counts = read_envelope(path, trusted)
        except IntegrityError as error:
            found.append((path.name, str(error)))
            continue
        if said["predicateType"] == PREDICATE:
            found.append((path.name, Attested(path.name, _subject(said), said["predicate"], keyid, counts)))
        else:
            found.append((path.name, f"is no verification but {str(said['predicateType'])[:60]!r}"))
    return found


def _fault(item: Attested | str, digest: str, native: bool) -> str:
    """What is wrong with an attestation of the manifest of that SHA-256; empty if nothing is."""
    if isinstance(item, str):
        return item
    if item.subject != digest and item.predicate.get("verdict") == "passed":
        return f"wrong subject: it is about the manifest {item.subject[:12]}…, not this one"
    if native and not item.trusted:
        mend = f"trust it with --trust {item.keyid}, or take the file away"
        return f"signed by the unknown key {item.keyid[:16]}…; {mend}"
    return ""


def _subject(said: Mapping[str, Any]) -> str:
    return str(said["subject"][0]["digest"].get("sha256", ""))


def _number(name: str) -> int:
    last = name.removesuffix(".json").rpartition("-")[2]
    return int(last) if last.isdigit() else 0


def used_offsets(known: Sequence[Attested]) -> set[int]:
    """The shifts of seeds that earlier attestations of level 4 say were used."""
    offsets = (a.predicate.get("seed_offset", 0) for a in known)
    return {int(o) for o in offsets if isinstance(o, int | float) and o}
