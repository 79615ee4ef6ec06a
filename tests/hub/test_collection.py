"""Many packages in one file: each is taken in as if it had come alone, and one that is refused stops no other."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from evidentia.errors import BadInputError
from evidentia.hub.exports.collection import export_collection
from evidentia.hub.exports.zipped import export_zip
from evidentia.hub.imports import Receipt, Refused, holds_many, import_collection
from evidentia.workspace.canonical import sha256
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.package.store import load_manifest


@pytest.fixture
def elsewhere(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "elsewhere", create=True)


@pytest.fixture
def collection(tmp_path: Path, supported: Path, refuted: Path, crashed: Path) -> Path:
    return export_collection([supported, refuted, crashed], tmp_path / "all.zip")


def test_every_package_arrives_byte_for_byte(
    elsewhere: Workspace, collection: Path, supported: Path, refuted: Path, crashed: Path
) -> None:
    assert holds_many(collection)
    receipts = list(import_collection(elsewhere, collection))
    assert all(isinstance(r, Receipt) and r.new and r.rung == 1 for r in receipts)
    for package in (supported, refuted, crashed):
        arrived = elsewhere.packages / load_manifest(package).id / "v1"
        for file in load_manifest(package).files:
            assert sha256((arrived / file).read_bytes()) == sha256((package / file).read_bytes())


def test_a_second_time_adds_nothing(elsewhere: Workspace, collection: Path) -> None:
    list(import_collection(elsewhere, collection))
    again = list(import_collection(elsewhere, collection))
    assert [isinstance(r, Receipt) and r.new for r in again] == [False, False, False]


def test_the_same_packages_make_the_same_file(
    tmp_path: Path, collection: Path, supported: Path, refuted: Path, crashed: Path
) -> None:
    other = export_collection([crashed, supported, refuted], tmp_path / "other.zip")
    assert other.read_bytes() == collection.read_bytes()


def test_one_that_is_refused_stops_no_other(
    elsewhere: Workspace, tmp_path: Path, supported: Path, refuted: Path
) -> None:
    torn = export_zip(supported, tmp_path / "torn.zip").read_bytes()[:-40]
    whole = export_zip(refuted, tmp_path / "whole.zip").read_bytes()
    path = tmp_path / "mixed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.zip", torn)
        archive.writestr("b.zip", whole)
        archive.writestr("c.zip", b"no zip at all")
    first, second, third = import_collection(elsewhere, path)
    assert isinstance(first, Refused)
    assert isinstance(second, Receipt)
    assert isinstance(third, Refused)
    assert (first.name, third.name) == ("a.zip", "c.zip")
    assert "evidentia-collection" not in first.why
    assert elsewhere.package_names() == [load_manifest(refuted).id]


def test_a_single_package_or_anything_else_is_no_collection(tmp_path: Path, supported: Path) -> None:
    assert not holds_many(export_zip(supported, tmp_path / "one.zip"))
    (tmp_path / "text").write_text("text")
    assert not holds_many(tmp_path / "text")
    assert not holds_many(tmp_path / "nowhere")
    assert not holds_many(tmp_path)
    (tmp_path / "torn.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(BadInputError):
        holds_many(tmp_path / "torn.zip")


def test_a_collection_within_a_collection_is_refused(elsewhere: Workspace, tmp_path: Path, collection: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("inner.zip", collection.read_bytes())
    path = tmp_path / "outer.zip"
    path.write_bytes(made.getvalue())
    (refused,) = import_collection(elsewhere, path)
    assert isinstance(refused, Refused)
    assert elsewhere.package_names() == []
