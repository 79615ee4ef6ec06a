"""Packages on disk: whole or not at all, versions added and never overwritten, found by id, beginning or path."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from evidentia.errors import BadInputError, IntegrityError
from evidentia.workspace.canonical import sha256
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.package.manifest import Manifest, json_schema
from evidentia.workspace.package.store import hashes, load_manifest, locate, package_versions, write_package


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


@pytest.fixture
def manifest(supported: Path) -> Manifest:
    return load_manifest(supported)


def make(manifest: Manifest, files: Mapping[str, bytes], version: int) -> tuple[Manifest, Mapping[str, bytes]]:
    return manifest.model_copy(update={"version": version, "files": hashes(files)}), files


def written(workspace: Workspace, manifest: Manifest, name: str = "alpha", text: bytes = b"one") -> tuple[int, Path]:
    return write_package(workspace, name, partial(make, manifest, {"deep/er/file.txt": text}))


def test_a_package_is_written_with_the_hashes_of_its_files(workspace: Workspace, manifest: Manifest) -> None:
    version, path = written(workspace, manifest)
    assert (version, path) == (1, workspace.packages / "alpha" / "v1")
    assert (path / "deep/er/file.txt").read_bytes() == b"one"
    assert load_manifest(path).files == {"deep/er/file.txt": sha256(b"one")}


def test_writing_the_same_again_changes_nothing(workspace: Workspace, manifest: Manifest) -> None:
    _, path = written(workspace, manifest)
    before = (path / "manifest.json").stat().st_mtime_ns
    assert written(workspace, manifest) == (1, path)
    assert (path / "manifest.json").stat().st_mtime_ns == before
    assert package_versions(workspace.packages / "alpha") == [1]


def test_another_content_is_another_version(workspace: Workspace, manifest: Manifest) -> None:
    _, first = written(workspace, manifest)
    version, second = written(workspace, manifest, text=b"two")
    assert version == 2
    assert (first / "deep/er/file.txt").read_bytes() == b"one"
    assert (second / "deep/er/file.txt").read_bytes() == b"two"


def test_a_disk_that_refuses_leaves_nothing_behind(
    workspace: Workspace, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(BadInputError, match="cannot write the package alpha: No space left on device"):
        written(workspace, manifest)
    assert [p for p in workspace.packages.rglob("*") if p.is_file()] == []


def test_a_package_is_found_by_id_beginning_version_and_path(workspace: Workspace, manifest: Manifest) -> None:
    written(workspace, manifest, "alpha-1")
    written(workspace, manifest, "alpha-1", b"two")
    written(workspace, manifest, "beta-2")
    home = workspace.packages
    assert locate(workspace, "beta") == home / "beta-2" / "v1"
    assert locate(workspace, "alpha-1") == home / "alpha-1" / "v2"
    assert locate(workspace, "alpha@v1") == home / "alpha-1" / "v1"
    assert locate(None, str(home / "beta-2" / "v1")) == home / "beta-2" / "v1"


def test_a_whole_id_wins_over_a_longer_one_it_begins(workspace: Workspace, manifest: Manifest) -> None:
    written(workspace, manifest, "alpha")
    written(workspace, manifest, "alpha-2")
    assert locate(workspace, "alpha").parent.name == "alpha"


def test_what_is_not_found_is_told_in_one_sentence(workspace: Workspace, manifest: Manifest) -> None:
    with pytest.raises(BadInputError, match="no package 'alpha'; there are no packages yet"):
        locate(workspace, "alpha")
    written(workspace, manifest, "alpha-1")
    written(workspace, manifest, "alpha-2")
    with pytest.raises(BadInputError, match="begins several packages: alpha-1, alpha-2"):
        locate(workspace, "alpha")
    with pytest.raises(BadInputError, match="no package 'gamma'"):
        locate(workspace, "gamma")
    with pytest.raises(BadInputError, match="alpha-1 has no version 'v9'; it has v1"):
        locate(workspace, "alpha-1@v9")
    with pytest.raises(BadInputError, match="no package ''"):
        locate(workspace, "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[]", "is not a package manifest"),
        ('{"schema": "package/1"}', "is not a package manifest: id"),
    ],
)
def test_a_bad_manifest_is_told_with_its_file_and_field(tmp_path: Path, text: str | None, told: str) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(IntegrityError, match=told):
        load_manifest(tmp_path)


def test_an_unknown_field_of_a_manifest_is_refused(supported: Path, tmp_path: Path) -> None:
    data = json.loads((supported / "manifest.json").read_bytes())
    (tmp_path / "manifest.json").write_text(json.dumps({**data, "rung": 3}))
    with pytest.raises(IntegrityError, match="rung"):
        load_manifest(tmp_path)


def test_the_published_schema_names_every_field_of_a_manifest(supported: Path) -> None:
    schema = json_schema()
    data = json.loads((supported / "manifest.json").read_bytes())
    assert set(data) == set(schema["properties"])
    assert set(schema["required"]) <= set(data)
    assert schema["properties"]["schema"]["const"] == "package/1"


def test_shown_claims_have_the_fields_other_programs_rely_on(supported: Path) -> None:
    claim = json.loads((supported / "manifest.json").read_bytes())["claims"][0]
    wanted = "id statement kind metric system baseline workload value unit n sd ci tolerance conditions status evidence"
    assert {*wanted.split(), "check"} <= set(claim)
    assert claim["ci"][0] < claim["value"] < claim["ci"][1]
