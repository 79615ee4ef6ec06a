"""Signed reviews beside a package: what holds, what does not, nothing overwritten."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from evidentia.workspace.canonical import canonical
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.package.reviews import read_reviews, store_review
from evidentia.workspace.records import Review
from evidentia.workspace.signing import new_key, sign, statement, trusted_keys


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


@pytest.fixture
def package(supported: Path, workspace: Workspace) -> Path:
    """A version's directory of its own, so that reviews can be put beside it."""
    copied = workspace.packages / supported.parent.name / "v1"
    shutil.copytree(supported, copied)
    return copied


def review(summary: str = "fine") -> Review:
    scores = dict.fromkeys(("soundness", "evidence", "significance", "reproducibility"), 3)
    return Review(
        reviewer="Ada", kind="person", claims=(), scores=scores, overall="accept", confidence=4, summary=summary
    )


def test_a_review_is_signed_and_read_again(workspace: Workspace, package: Path) -> None:
    path, _ = store_review(workspace, package, review())
    (found,), bad = read_reviews(package, trusted_keys(workspace))
    assert found.review == review()
    assert found.path == path == package.parent / "reviews" / "v1-1.json"
    assert bad == []


def test_reviews_are_added_never_overwritten(workspace: Workspace, package: Path) -> None:
    names = [store_review(workspace, package, review(f"look {n}"))[0].name for n in range(12)]
    assert names == [f"v1-{n}.json" for n in range(1, 13)]
    found, _ = read_reviews(package, None)
    assert {r.review.summary for r in found} == {f"look {n}" for n in range(12)}


def _forged(kind: str, envelope: dict[str, Any], digest: str) -> bytes:
    if kind == "another's key":
        return canonical(sign(new_key(), statement("x", digest, "urn:evidentia:review:v1", review().to_json())))
    if kind == "changed":
        return canonical({**envelope, "payload": envelope["payload"][:-8] + "AAAAAAA="})
    if kind == "not JSON":
        return b"{"
    return canonical({"payload": 3})


@pytest.mark.parametrize("kind", ["another's key", "changed", "not JSON", "no envelope"])
def test_a_review_that_does_not_hold_is_named(workspace: Workspace, package: Path, kind: str) -> None:
    path, _ = store_review(workspace, package, review())
    envelope = json.loads(path.read_bytes())
    (good,), _ = read_reviews(package, None)
    (path.parent / "v1-2.json").write_bytes(_forged(kind, envelope, good.manifest))
    found, bad = read_reviews(package, trusted_keys(workspace))
    assert [r.path for r in found] == [path]
    assert [told.split(":")[0] for told in bad] == ["v1-2.json"]


def test_a_review_of_another_manifest_does_not_count(workspace: Workspace, package: Path) -> None:
    store_review(workspace, package, review())
    (package / "manifest.json").write_bytes((package / "manifest.json").read_bytes() + b" ")
    assert read_reviews(package, None) == ([], ["v1-1.json: it is about another manifest"])
