"""Exports, judged by others: the RO-Crate validator, the BagIt library, the rules of CFF, and byte for byte."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bagit
import pytest
import urllib3
import yaml
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests_cache import CachedSession
from rocrate_validator import services
from typer.testing import CliRunner

from evidentia.cli.app import app
from evidentia.errors import BadInputError, IntegrityError
from evidentia.hub.exports import EXPORTS
from evidentia.hub.exports.ro_crate import SHA256
from evidentia.hub.verification import verify
from evidentia.workspace.canonical import sha256
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.package.validator import lint

Bench = Any
Copied = Callable[[Path], Any]
OURS = ("zip", "ara", "ro-crate", "discovery", "citation", "bagit")
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
TERMS = Path(__file__).parent / "ro-crate-1.1-context.json"


def files(place: Path) -> dict[str, bytes]:
    """Every file below a folder, or the file itself."""
    if place.is_file():
        return {"": place.read_bytes()}
    return {p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("kind", ["supported", "refuted", "crashed"])
def test_the_same_package_gives_the_same_bytes(
    name: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest, copied: Copied
) -> None:
    package = request.getfixturevalue(kind)
    first = EXPORTS[name](package, tmp_path / "first")
    second = EXPORTS[name](copied(package).path, tmp_path / "elsewhere" / "second")
    assert files(first) == files(second)


@pytest.mark.parametrize("name", OURS)
def test_a_changed_package_is_not_exported(name: str, supported: Path, copied: Copied, tmp_path: Path) -> None:
    copy = copied(supported).edit("README.md", "8.1", "9.1")
    with pytest.raises(IntegrityError, match=r"README\.md is not what the manifest says"):
        EXPORTS[name](copy.path, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == [supported.parent.name]


@pytest.mark.parametrize("name", OURS)
def test_nothing_is_written_over_something_else(name: str, supported: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(BadInputError, match="exists"):
        EXPORTS[name](supported, out)
    assert files(tmp_path) == {"out/mine.txt": b"mine"}


@pytest.mark.parametrize("name", OURS)
def test_a_place_that_cannot_be_written_is_named(name: str, supported: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(BadInputError, match=r"cannot write .*--out"):
        EXPORTS[name](supported, tmp_path / "file" / "out")


# Zip


def test_the_zip_holds_the_version_and_what_is_said_of_it(supported: Path, copied: Copied, tmp_path: Path) -> None:
    copy = copied(supported)
    for folder, name in (("attestations", "v1-L3-0123-1.json"), ("reviews", "v1-1.json"), ("reviews", "v2-1.json")):
        (copy.path.parent / folder).mkdir(exist_ok=True)
        (copy.path.parent / folder / name).write_text("{}")
    with zipfile.ZipFile(EXPORTS["zip"](copy.path, tmp_path / "p.zip")) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
        assert archive.namelist() == sorted(found)
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {i.external_attr >> 16 for i in archive.infolist()} == {0o100644}
        assert {i.compress_type for i in archive.infolist()} == {zipfile.ZIP_STORED}
    identity = supported.parent.name
    held = {f"{identity}/v1/{name}": data for name, data in files(copy.path).items()}
    said = {f"{identity}/attestations/v1-L3-0123-1.json": b"{}", f"{identity}/reviews/v1-1.json": b"{}"}
    assert found == held | said


def test_the_zip_is_the_same_from_another_process(supported: Path, tmp_path: Path) -> None:
    here = EXPORTS["zip"](supported, tmp_path / "here.zip")
    program = (
        "import os, sys; os.umask(0o077); os.environ['TZ'] = 'Asia/Tokyo'\n"
        "from pathlib import Path\nfrom evidentia.hub.exports import EXPORTS\n"
        "EXPORTS['zip'](Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    there = tmp_path / "there.zip"
    environment = {"PYTHONHASHSEED": "7", "LC_ALL": "C", "PYTHONSAFEPATH": "1"}
    subprocess.run([sys.executable, "-c", program, str(supported), str(there)], check=True, env=environment)
    assert here.read_bytes() == there.read_bytes()


def test_exporting_twice_to_one_place_is_no_fault(supported: Path, tmp_path: Path) -> None:
    assert EXPORTS["zip"](supported, tmp_path / "p.zip") == EXPORTS["zip"](supported, tmp_path / "p.zip")


# ARA


@pytest.mark.parametrize("kind", ["supported", "refuted", "crashed"])
def test_the_plain_ara_directory_is_well_formed(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    out = EXPORTS["ara"](request.getfixturevalue(kind), tmp_path / "ara")
    assert lint(out) == []
    names = set(files(out))
    assert not names & {"manifest.json", "README.md", "CITATION.cff"}
    assert {"PAPER.md", "LICENSE", "logic/claims.md", "trace/exploration_tree.yaml"} <= names


# RO-Crate


class Held(BaseAdapter):
    """Answers every request with one document, so that the validator's cache is filled without a network."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        answer = Response()
        answer.status_code, answer.url, answer.request = 200, str(request.url), request
        answer.headers["Content-Type"] = "application/ld+json"
        answer.raw = urllib3.HTTPResponse(
            io.BytesIO(self.data),
            headers={"Content-Type": "application/ld+json"},
            status=200,
            preload_content=False,
            request_url=request.url,
        )
        return answer

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the validator that holds the terms of the RO-Crate 1.1 context and nothing else."""
    place = tmp_path_factory.mktemp("validator") / "cache"
    with CachedSession(cache_name=str(place), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", Held(TERMS.read_bytes()))
        assert session.get(CONTEXT).status_code == 200
    return place


def issues(crate: Path, profile: str, cache: Path) -> list[str]:
    """What the validator holds against a crate at the level REQUIRED, offline."""
    settings = {
        "rocrate_uri": str(crate),
        "profile_identifier": profile,
        "requirement_severity": "REQUIRED",
        "offline": True,
        "cache_path": cache,
    }
    result = services.validate(settings)
    return [str(issue.message) for issue in result.get_issues()] + ([] if result.passed() else ["not passed"])


@pytest.mark.parametrize("profile", ["ro-crate-1.1", "process-run-crate-0.5"])
@pytest.mark.parametrize("kind", ["supported", "crashed"])
def test_the_crate_is_valid(
    profile: str, kind: str, seeded: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    crate = EXPORTS["ro-crate"](request.getfixturevalue(kind), tmp_path / "crate")
    assert issues(crate, profile, seeded) == []


def test_the_validator_sees_a_crate_without_instruments(seeded: Path, supported: Path, tmp_path: Path) -> None:
    crate = EXPORTS["ro-crate"](supported, tmp_path / "crate")
    text = (crate / "ro-crate-metadata.json").read_text()
    (crate / "ro-crate-metadata.json").write_text(text.replace('"instrument"', '"description"'))
    assert any("instrument" in issue for issue in issues(crate, "process-run-crate-0.5", seeded))


def test_every_run_is_an_action_with_its_script_times_and_hashes(supported: Path, tmp_path: Path) -> None:
    crate = EXPORTS["ro-crate"](supported, tmp_path / "crate")
    said = json.loads((crate / "ro-crate-metadata.json").read_text())
    entities = {e["@id"]: e for e in said["@graph"]}
    assert said["@context"] == [CONTEXT, {"sha256": SHA256}]
    manifest = load_manifest(supported)
    actions = [e for e in entities.values() if e["@type"] == "CreateAction"]
    assert [a["@id"] for a in actions] == ["#E01", "#E02"]
    for action, entry, run in zip(actions, manifest.entry_points, manifest.branch.runs, strict=True):
        assert action["instrument"] == {"@id": entry.script}
        assert "SoftwareSourceCode" in entities[entry.script]["@type"]
        assert f"evidence/rows/{entry.id}.jsonl" in {r["@id"] for r in action["result"]}
        assert entities[f"#{entry.id}-seeds"]["value"] == ", ".join(map(str, run.experiment.seeds))
        assert action["startTime"] < action["endTime"]
        assert action["agent"]["@id"] in entities
    for name, data in files(supported).items():
        assert entities[name]["sha256"] == sha256(data)


def test_a_crash_is_a_failed_action_with_its_error(crashed: Path, tmp_path: Path) -> None:
    crate = EXPORTS["ro-crate"](crashed, tmp_path / "crate")
    said = json.loads((crate / "ro-crate-metadata.json").read_text())
    (action,) = [e for e in said["@graph"] if e["@type"] == "CreateAction"]
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert "exit status 1" in action["error"]


# CITATION.cff, by the rules of its schema 1.2.0

CFF_KEYS = {
    *("abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers", "keywords"),
    *("license", "license-url", "message", "preferred-citation", "references", "repository", "repository-artifact"),
    *("repository-code", "title", "type", "url", "version"),
}
REFERENCE_KEYS = {"type", "title", "authors", "year", "identifiers", "url"}


@pytest.mark.parametrize("kind", ["supported", "refuted", "crashed"])
def test_the_citation_follows_the_rules_of_cff(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    package = request.getfixturevalue(kind)
    out = EXPORTS["citation"](package, tmp_path / "CITATION.cff")
    assert check_cff(yaml.safe_load(out.read_text())) == "lfu-perfect against lru on hit rate"


def check_cff(said: dict[str, Any]) -> str:
    assert {"authors", "cff-version", "message", "title"} <= said.keys() <= CFF_KEYS
    assert said["cff-version"] == "1.2.0"
    assert said["type"] in ("software", "dataset")
    assert isinstance(said["version"], str)
    assert re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", said["date-released"])
    assert said["authors"]
    assert all(a.keys() == {"name"} and a["name"] for a in said["authors"])
    assert said["license"] == ["Apache-2.0", "CC-BY-4.0"]
    assert len(set(said["keywords"])) == len(said["keywords"]) > 0
    assert all(i["type"] in ("doi", "url", "swh", "other") and i["value"] for i in said["identifiers"])
    for reference in said.get("references", []):
        assert {"authors", "title", "type"} <= reference.keys() <= REFERENCE_KEYS
        assert reference["authors"]
        assert isinstance(reference.get("year", 1), int)
    return str(said["title"])


# AttentionHub


def test_discovery_has_the_fields_of_the_published_schema(supported: Path, tmp_path: Path) -> None:
    out = EXPORTS["discovery"](supported, tmp_path / "discovery")
    said = json.loads((out / "discovery.json").read_text())
    assert said.keys() == {
        *("schema", "profile", "slug", "version", "title", "abstract", "domain", "concepts", "license"),
        *("contributors", "provenance", "claims", "runs", "artifacts", "environment", "verification"),
        *("exploration", "relations"),
    }
    assert said["schema"] == "attentionhub/discovery@0.1"
    assert re.fullmatch(r"[a-z0-9_-]+@[0-9.]+", said["profile"])
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{2,63}", said["slug"])
    assert 4 <= len(said["title"]) <= 300
    assert len(said["abstract"]) <= 5000
    assert all(2 <= len(c) <= 80 for c in said["concepts"])
    assert all(c["kind"] in ("agent", "human") and c["name"] for c in said["contributors"])
    (claim,) = said["claims"]
    held = load_manifest(supported).branch.claims[0]
    assert claim["structured"]["value"] == held.value
    assert claim["structured"]["unit"] == "pp"
    assert claim["structured"]["conditions"] == {"capacity": 100}
    for artifact in said["artifacts"]:
        assert sha256((out / artifact["path"]).read_bytes()) == artifact["sha256"]
    runs = {r["id"] for r in said["runs"]}
    paths = {a["path"] for a in said["artifacts"]}
    assert all(e.get("run") in runs or e.get("artifact") in paths for e in claim["evidence"])


def test_what_discovery_carries_is_the_package_itself(supported: Path, tmp_path: Path) -> None:
    out = EXPORTS["discovery"](supported, tmp_path / "discovery")
    assert verify(out / "artifacts", None, 1)["rung"] == 1


def test_a_dead_end_is_told_with_its_lesson(refuted: Path, tmp_path: Path) -> None:
    said = json.loads((EXPORTS["discovery"](refuted, tmp_path / "d") / "discovery.json").read_text())
    (end,) = [n for n in said["exploration"]["nodes"] if n["status"] == "dead_end"]
    assert end["lesson"]
    assert end["failure_mode"]
    assert said["claims"][0]["kind"] == "negative"


# BagIt


def test_the_bag_is_valid_and_notices_a_change(supported: Path, tmp_path: Path) -> None:
    out = EXPORTS["bagit"](supported, tmp_path / "bag")
    bag = bagit.Bag(str(out))
    assert bag.validate()
    assert bag.info["Bagging-Date"] == load_manifest(supported).created[:10]
    assert files(out / "data") == files(supported)
    (out / "data" / "README.md").write_text("something else")
    assert not bagit.Bag(str(out)).is_valid()


# The command


def test_export_writes_beside_the_caller_and_says_where(
    supported: Path, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    identity = supported.parent.name
    root = ["--workspace", str(bench.workspace.root)]
    result = CliRunner().invoke(app, ["export", identity, *root, "--format", "citation", "--json"])
    assert json.loads(result.stdout) == {
        "package": identity,
        "version": 1,
        "format": "citation",
        "path": f"{identity}-v1.cff",
    }
    assert CliRunner().invoke(app, ["export", str(supported), "--format", "ara"]).exit_code == 0
    assert {p.name for p in tmp_path.iterdir()} == {f"{identity}-v1.cff", f"{identity}-v1-ara"}
    unknown = CliRunner().invoke(app, ["export", identity, *root, "--format", "docx"])
    assert isinstance(unknown.exception, BadInputError)
    assert "there are zip, ara" in str(unknown.exception)
    shutil.rmtree(tmp_path / f"{identity}-v1-ara")
