"""What others say of a package: attestations and reviews; and the two acts, to review and to verify."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body
from pydantic import BaseModel, Field

from evidentia.hub.app import jobs
from evidentia.hub.app.api.answers import BEARER, WRITES, router
from evidentia.hub.app.api.package import Located
from evidentia.hub.app.session import Home, Writer
from evidentia.hub.reviewing import Form, submit
from evidentia.workspace.records import Review

routes = router("Judgement", "/packages/{package}")


class Attestation(BaseModel):
    """A signed statement of one verification whose signature holds. `about_this` says that it is about this very
    manifest, `trusted` that its key counts in this workspace."""

    file: str
    key: str
    trusted: bool
    about_this: bool
    statement: dict[str, Any]


class Reviewed(BaseModel):
    """A signed review of this manifest whose signature holds; `trusted` as for an attestation."""

    file: str
    key: str
    trusted: bool
    review: Review


class Reviews(BaseModel):
    """Reviews that people and programs submitted, why files beside them were left out, and what the reviewing agents
    of the run itself had said."""

    submitted: list[Reviewed]
    left_out: list[str]
    machine: tuple[Review, ...]


class Receipt(BaseModel):
    """A submitted review: the ledger's event, and the signed file beside the package."""

    event: int
    hash: str
    file: str


class Climb(BaseModel):
    """How far to verify; levels 2 and higher run the package's code in the sandbox."""

    rung: int = Field(3, ge=0, le=5)


class Started(BaseModel):
    """A job that was started; `/api/jobs/ID` tells how it goes on."""

    job: str


@routes.get("/attestations")
def attestations(home: Home, path: Located) -> list[Attestation]:
    """Every signed verification of this version whose signature holds."""
    from evidentia.hub.verification.attested import attestations as known
    from evidentia.hub.verification.attested import manifest_digest
    from evidentia.hub.verification.opened import open_package

    digest = manifest_digest(path)
    return [
        Attestation(
            file=found.name,
            key=found.keyid,
            trusted=found.trusted,
            about_this=found.subject == digest,
            statement=dict(found.predicate),
        )
        for found in known(open_package(path, home))
    ]


@routes.get("/reviews")
def reviews(home: Home, path: Located) -> Reviews:
    """Every signed review of this version."""
    from evidentia.hub.reading.located import read_manifest
    from evidentia.workspace.package.reviews import read_reviews
    from evidentia.workspace.signing import trusted_keys

    manifest = read_manifest(path)
    known = trusted_keys(home)
    good, bad = read_reviews(path, None)
    submitted = [
        Reviewed(file=found.path.name, key=found.keyid, trusted=found.keyid in known, review=found.review)
        for found in good
    ]
    return Reviews(submitted=submitted, left_out=bad, machine=manifest.branch.reviews)


@routes.post("/reviews", status_code=201, dependencies=[Writer], responses=WRITES, openapi_extra=BEARER)
def review(home: Home, path: Located, form: Form) -> Receipt:
    """Submit a review: signed, laid beside the package, written to the ledger. An agent says so in `kind`."""
    done = submit(home, path, form.review())
    return Receipt(event=done.event.seq, hash=done.event.hash, file=done.path.name)


@routes.post("/verify", status_code=202, dependencies=[Writer], responses=WRITES, openapi_extra=BEARER)
def verify(home: Home, path: Located, climb: Annotated[Climb | None, Body()] = None) -> Started:
    """Verify the package again in a background job; its result is signed and goes into the ledger."""
    rung = (climb or Climb()).rung
    name = f"{path.parent.name}@{path.name}"
    return Started(job=jobs.start(home, f"Verify {name} up to L{rung}", ["verify", f"--rung={rung}", "--", name]))
