"""What an import came to, and its last steps: published in the ledger, verified here, at the rung it earns here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from evidentia.errors import IntegrityError
from evidentia.hub.verification import verify
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.eventlog import append_event
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import RUN, publish
from evidentia.workspace.package.changes import changes
from evidentia.workspace.package.store import MANIFEST, load_manifest, package_versions
from evidentia.workspace.records import Event
from evidentia.workspace.standing import PUBLISHED, VERIFIED

ACTOR = "import"
IMPORTED = "package.imported"
INTACT = 1


@dataclass(frozen=True)
class Said:
    """A signed word of someone else about the package: the file, and what is to be thought of it.

    `keyid` is the key whose signature holds, empty where none does; `trusted`, that this workspace counts it.
    """

    file: str
    kept: bool
    detail: str
    keyid: str = ""
    trusted: bool = False


@dataclass(frozen=True)
class Receipt:
    """An import: the package's place and rung, what failed, what others say of it, what could not be mapped."""

    package: str
    version: int
    path: Path
    form: str
    new: bool
    rung: int
    failed: tuple[dict[str, Any], ...] = ()
    said: tuple[Said, ...] = ()
    unmapped: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The shape of ``import --json``."""
        return {
            "package": self.package,
            "version": self.version,
            "form": self.form,
            "new": self.new,
            "rung": self.rung,
            "failed": list(self.failed),
            "said_by_others": [{"file": s.file, "kept": s.kept, "detail": s.detail, "key": s.keyid} for s in self.said],
            "unmapped": list(self.unmapped),
            "changes": list(self.changes),
        }


class Verified(NamedTuple):
    """The last verification of a version: the rung reached, the one asked for, the checks that failed."""

    rung: int
    asked: int
    failed: list[dict[str, Any]]


@dataclass
class Known:
    """What the ledger knows of one package id: versions published, how far verified here, the keys it came with."""

    versions: dict[int, str] = field(default_factory=dict)
    imported: set[int] = field(default_factory=set)
    verified: dict[int, Verified] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)


def known_of(workspace: Workspace, package: str) -> Known:
    """Read what the ledger knows of an id.

    The keys are those it was imported with; for a package that was never imported, those that published or verified
    it here.
    """
    known, here = Known(), set()
    for event in _events_of(workspace, package):
        payload = event.payload
        if event.kind == PUBLISHED:
            known.versions[payload["version"]] = payload.get("manifest", "")
        if event.kind == VERIFIED:
            known.verified[payload["version"]] = Verified(payload["rung"], payload["asked"], payload["failed"])
        if event.kind in (PUBLISHED, VERIFIED):
            here |= {payload["key"]} if payload.get("key") else set()
        elif event.kind == IMPORTED:
            known.imported.add(payload["version"])
            known.keys |= set(payload["keys"])
    if not known.imported:
        known.keys = here
    return known


def _events_of(workspace: Workspace, package: str) -> Iterator[Event]:
    """The ledger's events of one package; only lines that name it are parsed, so that the next import costs no more
    than the last."""
    if not workspace.ledger_path.exists():
        return
    named = b'"package":' + canonical(package)
    with workspace.ledger_path.open("rb") as lines:
        for number, line in enumerate(lines):
            if named not in line or not line.endswith(b"\n"):
                continue
            try:
                event = Event.model_validate_json(line)
            except ValidationError:
                raise IntegrityError(f"{workspace.ledger_path}: event {number} is not a readable event") from None
            if event.payload.get("package") == package:
                yield event


def changes_since(workspace: Workspace, package: str, version: int) -> tuple[str, ...]:
    """What a version changed from the one before it in the workspace; nothing for the first."""
    home = workspace.packages / package
    earlier = [v for v in package_versions(home) if v < version]
    if not earlier:
        return ()
    return tuple(changes(load_manifest(home / f"v{earlier[-1]}"), load_manifest(home / f"v{version}")))


def take_in(
    workspace: Workspace,
    package: str,
    version: int,
    *,
    form: str,
    keys: tuple[str, ...] = (),
    rung: int = INTACT,
    allow_weak_sandbox: bool = False,
) -> tuple[int, tuple[dict[str, Any], ...]]:
    """Publish a version that lies in the workspace and verify it up to `rung`, unless that was done before.

    Returns the rung and the checks that failed. `keys` are the ids of those whose signatures came with it.
    """
    path = workspace.packages / package / f"v{version}"
    known = known_of(workspace, package)
    if version not in known.versions:
        if version not in known.imported:
            digest = sha256((path / MANIFEST).read_bytes())
            told = {"package": package, "version": version, "form": form, "manifest": digest, "keys": list(keys)}
            append_event(workspace.ledger_path, RUN, IMPORTED, told, ACTOR)
        manifest = load_manifest(path)
        key = keys[0] if len(keys) == 1 else ""
        publish(workspace, package, version, run=manifest.run, outcome=manifest.outcome, key=key, actor=ACTOR)
    if (last := known.verified.get(version)) and last.asked >= rung:
        return last.rung, tuple(last.failed)
    report = verify(path, workspace, rung, actor=ACTOR, allow_weak_sandbox=allow_weak_sandbox)
    return report["rung"], tuple(c for c in report["checks"] if not c["passed"])
