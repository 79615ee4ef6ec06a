"""The published JSON Schema is the model's, and judges manifests as the model does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.package.schema import published

FILE = Path(__file__).parents[3] / "docs" / "schema" / "package-1.json"


def test_the_checked_in_schema_is_the_models() -> None:
    told = "the model changed: python -m evidentia.workspace.package.schema > docs/schema/package-1.json"
    assert FILE.read_bytes() == published(), told


@pytest.mark.parametrize("kind", ["supported", "refuted", "crashed"])
def test_real_manifests_satisfy_the_schema(kind: str, request: pytest.FixtureRequest) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(FILE.read_bytes()))
    manifest = json.loads((request.getfixturevalue(kind) / "manifest.json").read_bytes())
    jsonschema.Draft202012Validator(json.loads(FILE.read_bytes())).validate(manifest)


@pytest.mark.parametrize(
    ("field", "value"),
    [("version", 0), ("outcome", "proven"), ("files", {"a": "no hash"}), ("unheard", 1), ("schema", "package/2")],
)
def test_a_wrong_manifest_does_not(field: str, value: Any, supported: Path) -> None:
    manifest = json.loads((supported / "manifest.json").read_bytes())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**manifest, field: value}, json.loads(FILE.read_bytes()))


KEPT = sorted((Path(__file__).parent / "kept").glob("manifest-*.json"))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_package_of_an_earlier_version_still_is_what_its_manifest_says(path: Path) -> None:
    """Level 0 compares bytes: a field that came later must leave no trace where it has its default."""
    manifest = Manifest.model_validate(json.loads(path.read_bytes()))
    assert manifest.to_bytes() == path.read_bytes()
