"""One package: what it says, its card, its claims, its manifest."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path as Folder
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel

from evidentia.errors import BadInputError
from evidentia.hub.app.api.answers import router
from evidentia.hub.app.api.packages import Listed
from evidentia.hub.app.session import Home
from evidentia.hub.ranking import explain, find_packages
from evidentia.hub.reading.card import card, tokens
from evidentia.hub.reading.located import package_dir, read_manifest
from evidentia.workspace.home import Workspace
from evidentia.workspace.index import Facets
from evidentia.workspace.index_sources import fingerprint
from evidentia.workspace.package.manifest import EntryPoint, Manifest
from evidentia.workspace.package.store import MANIFEST, package_versions
from evidentia.workspace.records import Attack, Claim, DeadEnd

routes = router("One package", "/packages/{package}")
KEPT = 500
"""Explanations of attention that are kept."""


def located(
    home: Home,
    package: Annotated[str, Path(max_length=220, description="The whole id, or `ID@v1`.")],
    version: Annotated[int | None, Query(ge=1, le=999_999, description="A version; without it the latest.")] = None,
) -> Folder:
    """The directory of the package in the address."""
    return package_dir(home, package, version)


Located = Annotated[Folder, Depends(located)]


class Described(BaseModel):
    """A package. `listed` is what the ledger has earned it, null where it is not published."""

    id: str
    version: int
    versions: list[int]
    title: str
    question: str
    abstract: str
    statement: str
    outcome: str
    category: str
    tags: tuple[str, ...]
    run: str
    created: str
    mind: str
    licence: str
    conditions: dict[str, Any]
    limits: tuple[str, ...]
    dead_end: DeadEnd | None
    attacks: tuple[Attack, ...]
    entry_points: tuple[EntryPoint, ...]
    listed: Listed | None


class Card(BaseModel):
    """The package in at most 400 tokens; `tokens` counts them from above."""

    package: str
    version: int
    tokens: int
    card: str


class Points(BaseModel):
    """Points that one ledger event adds to one part of attention: verification, use or human."""

    seq: int
    time: str
    actor: str
    kind: str
    part: str
    points: int
    told: str


class Attention(BaseModel):
    """Attention in milli-points; those of `events` add up to it."""

    package: str
    version: int
    at: str
    rung: int
    attention: int
    parts: dict[str, int]
    retracted: bool
    notes: list[str]
    events: list[Points]


@routes.get("", response_model=Described)
def described(home: Home, path: Located) -> dict[str, Any]:
    """What the package says, and how it stands."""
    manifest = read_manifest(path)
    branch = manifest.branch
    told = ("title", "question", "abstract", "outcome", "category", "tags", "run", "created", "mind", "licence")
    return {
        **{name: getattr(manifest, name) for name in told},
        "id": path.parent.name,
        "version": manifest.version,
        "versions": package_versions(path.parent),
        "statement": branch.hypothesis.statement,
        "conditions": branch.hypothesis.conditions,
        "limits": branch.limits,
        "dead_end": branch.dead_end,
        "attacks": branch.attacks,
        "entry_points": manifest.entry_points,
        "listed": listed(home, path),
    }


@routes.get("/card")
def short(home: Home, path: Located) -> Card:
    """What an agent must know to decide whether to read on."""
    manifest = read_manifest(path)
    text = card(manifest, listed(home, path))
    return Card(package=path.parent.name, version=manifest.version, tokens=tokens(text), card=text)


@routes.get("/manifest", response_model=Manifest)
def manifest(path: Located) -> Response:
    """The manifest as it lies in the package, byte for byte."""
    read_manifest(path)
    return Response((path / MANIFEST).read_bytes(), media_type="application/json")


@routes.get("/claims")
def claims(path: Located) -> tuple[Claim, ...]:
    """Every claim: value, interval, conditions, the evidence it is bound to and the check that decided it."""
    return read_manifest(path).branch.claims


@routes.get("/claims/{claim}")
def claim(path: Located, claim: Annotated[str, Path(max_length=40)]) -> Claim:
    """One claim."""
    manifest = read_manifest(path)
    for found in manifest.branch.claims:
        if found.id == claim:
            return found
    known = ", ".join(c.id for c in manifest.branch.claims) or "none"
    raise BadInputError(f"no claim {claim!r} in {path.parent.name}; it has {known}")


@routes.get("/attention", response_model=Attention)
def attention(home: Home, path: Located) -> dict[str, Any]:
    """Why the package has its attention, recomputed from the whole ledger: every point with its event."""
    name = path.parent.name
    return _explained(home.root, name, fingerprint(home.ledger_path), fingerprint(path / MANIFEST))


@lru_cache(maxsize=KEPT)
def _explained(root: Folder, package: str, ledger: str, manifest: str) -> dict[str, Any]:
    """`ledger` and `manifest` are how the two files lay: reading a long ledger whole takes a second."""
    found = explain(Workspace(root), package)
    return {**found, "retracted": bool(found["retracted"])}


def listed(home: Home, path: Folder) -> dict[str, Any] | None:
    """The package as the list has it, if the version is the one that is published last."""
    _, found = find_packages(home, Facets(package=path.parent.name), 1)
    return found[0] if found and f"v{found[0]['version']}" == path.name else None
