"""Reviews beside a package: signed statements about one manifest, one file each, never overwritten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from evidentia.errors import BadInputError, IntegrityError
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.store import MANIFEST
from evidentia.workspace.records import Review
from evidentia.workspace.signing import check, place_new, sign, statement, workspace_key

PREDICATE = "urn:evidentia:review:v1"
FOLDER = "reviews"


@dataclass(frozen=True)
class SignedReview:
    """A review whose signature holds, with the key that made it and the manifest that it is about."""

    review: Review
    keyid: str
    manifest: str
    path: Path


def store_review(workspace: Workspace, package: Path, review: Review) -> tuple[Path, str]:
    """Sign a review of a version's directory with the workspace's key and place it beside the versions.

    Returns the file, ``PACKAGE/reviews/vN-K.json``, and the SHA-256 of the envelope. Raises BadInputError when it
    cannot be written.
    """
    digest = sha256((package / MANIFEST).read_bytes())
    about = f"{package.parent.name}/{package.name}/{MANIFEST}"
    envelope = canonical(sign(workspace_key(workspace), statement(about, digest, PREDICATE, review.to_json())))
    folder = package.parent / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        number = 1
        while not place_new(path := folder / f"{package.name}-{number}.json", envelope + b"\n"):
            number += 1
    except OSError as error:
        raise BadInputError(
            f"cannot write the review to {folder}: {error.strerror}; make room and repeat it"
        ) from error
    return path, sha256(envelope)


def read_reviews(package: Path, trusted: Mapping[str, bytes] | None) -> tuple[list[SignedReview], list[str]]:
    """The reviews beside a version's directory that hold and are about its manifest, and what is wrong with the rest.

    `trusted` as in `signing.check`: None takes any key.
    """
    digest = sha256((package / MANIFEST).read_bytes())
    good: list[SignedReview] = []
    bad: list[str] = []
    for path in sorted((package.parent / FOLDER).glob(f"{package.name}-*.json")):
        try:
            found, keyid = check(json.loads(path.read_bytes()), trusted)
            if found["predicateType"] != PREDICATE:
                raise IntegrityError(f"it is a {found['predicateType']}, not a review")
            if found["subject"][0]["digest"].get("sha256") != digest:
                raise IntegrityError("it is about another manifest")
            good.append(SignedReview(Review.model_validate(found["predicate"]), keyid, digest, path))
        except (IntegrityError, ValidationError, ValueError, OSError) as error:
            bad.append(f"{path.name}: {error}".splitlines()[0])
    return good, bad
