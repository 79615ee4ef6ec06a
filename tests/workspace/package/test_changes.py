"""What changed between two versions: claims, values, files, each on a line of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evidentia.workspace.package.changes import changes
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.package.store import load_manifest


def altered(manifest: Manifest, **claim: Any) -> Manifest:
    return manifest.model_copy(update={"version": 2, "claims": ({**manifest.claims[0], **claim},)})


def test_another_number_alone_is_no_change(supported: Path) -> None:
    manifest = load_manifest(supported)
    assert changes(manifest, manifest.model_copy(update={"version": 2})) == []


def test_a_changed_value_is_told_with_both_values(supported: Path) -> None:
    manifest = load_manifest(supported)
    new = altered(manifest, value=9.25, ci=[9.0, 9.5], n=20, status="inconclusive")
    told = changes(manifest, new)
    assert f"claim C01: value {manifest.claims[0]['value']:.6g} → 9.25" in told
    assert "claim C01: status supported → inconclusive" in told
    assert "claim C01: n 10 → 20" in told
    assert any(line.startswith("claim C01: ci [") and line.endswith("→ [9, 9.5]") for line in told)


def test_claims_and_files_that_came_and_went_are_told(supported: Path) -> None:
    manifest = load_manifest(supported)
    renamed = {**manifest.claims[0], "id": "C02"}
    files = {**manifest.files, "new.txt": "0" * 64, "README.md": "1" * 64}
    del files["LICENSE"]
    new = manifest.model_copy(update={"claims": (renamed,), "files": files, "outcome": "null"})
    statement = manifest.claims[0]["statement"]
    assert changes(manifest, new) == [
        "outcome: supported → null",
        f"claim C02 added: {statement}",
        f"claim C01 removed: {statement}",
        "file LICENSE removed",
        "file README.md changed",
        "file new.txt added",
    ]


def test_another_check_is_told_without_its_text(supported: Path) -> None:
    manifest = load_manifest(supported)
    assert changes(manifest, altered(manifest, check={"estimator": "mean"})) == ["claim C01: check changed"]
