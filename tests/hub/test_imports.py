"""Imports: what is good comes in at the rung it earns; what is hostile is refused in one sentence, leaving nothing."""

from __future__ import annotations

import json
import random
import shutil
import stat
import struct
import time
import unicodedata
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from evidentia.cli.app import app
from evidentia.errors import BadInputError
from evidentia.hub.exports import EXPORTS
from evidentia.hub.imports import archive, import_path, outside
from evidentia.hub.ranking import list_packages
from evidentia.hub.verification import verify
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.package.store import load_manifest
from evidentia.workspace.package.validator import lint
from evidentia.workspace.signing import Key, new_key, sign, statement, trust

Bench = Any
Copied = Callable[[Path], Any]
Entries = dict[str, bytes]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


@pytest.fixture(scope="session")
def good(supported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of the supported package."""
    return EXPORTS["zip"](supported, tmp_path_factory.mktemp("good") / "good.zip")


def entries(path: Path) -> Entries:
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(path: Path, held: Entries, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, data in held.items():
            made.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
    return path


def left(workspace: Workspace) -> dict[str, bytes]:
    """Every file of a workspace, but the index that is made from the others."""
    return {
        p.relative_to(workspace.root).as_posix(): p.read_bytes()
        for p in workspace.root.rglob("*")
        if p.is_file() and not p.name.startswith("index.")
    }


def refused(workspace: Workspace, path: Path, told: str) -> str:
    """The sentence a hostile thing is refused with; nothing of it stays behind."""
    before = left(workspace)
    with pytest.raises(BadInputError, match=told) as caught:
        import_path(workspace, path)
    assert left(workspace) == before
    assert not list(workspace.packages.glob(".*"))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    return str(caught.value)


# What is good


@pytest.mark.parametrize("kind", ["supported", "refuted", "crashed"])
def test_a_package_comes_in_intact_at_level_1(
    kind: str, workspace: Workspace, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    package = request.getfixturevalue(kind)
    receipt = import_path(workspace, EXPORTS["zip"](package, tmp_path / "p.zip"))
    assert (receipt.package, receipt.version, receipt.new, receipt.rung) == (package.parent.name, 1, True, 1)
    assert EXPORTS["zip"](receipt.path, tmp_path / "again.zip").exists()
    names = {p.relative_to(package) for p in package.rglob("*") if p.is_file()}
    assert {p.relative_to(receipt.path) for p in receipt.path.rglob("*") if p.is_file()} == names
    assert all((receipt.path / n).read_bytes() == (package / n).read_bytes() for n in names)
    (listed,) = list_packages(workspace)
    assert (listed["attention"], listed["rung"], listed["outcome"]) == (4.0, 1, load_manifest(package).outcome)


def test_an_imported_package_runs_here(workspace: Workspace, good: Path, bench: Bench) -> None:
    receipt = import_path(workspace, good)
    assert verify(receipt.path, workspace, 3, sandbox=bench.sandbox)["rung"] == 3


def test_importing_twice_adds_nothing(workspace: Workspace, good: Path) -> None:
    import_path(workspace, good)
    before = left(workspace)
    receipt = import_path(workspace, good)
    assert (receipt.new, receipt.rung) == (False, 1)
    assert left(workspace) == before


def test_a_zip_packed_again_by_another_program_comes_in(workspace: Workspace, good: Path, tmp_path: Path) -> None:
    held = entries(good)
    folders = {f"{name.rpartition('/')[0]}/": b"" for name in held}
    path = packed(tmp_path / "deflated.zip", {**folders, **held}, zipfile.ZIP_DEFLATED)
    assert import_path(workspace, path).rung == 1


def test_an_import_cut_off_before_it_was_announced_is_finished_by_the_next(
    workspace: Workspace, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise BadInputError("the ledger is being written by another process; try again")

    with monkeypatch.context() as patch:
        patch.setattr("evidentia.hub.imports.receipt.publish", fail)
        with pytest.raises(BadInputError, match="the ledger is being written"):
            import_path(workspace, good)
    assert list_packages(workspace) == []
    assert import_path(workspace, good).rung == 1
    assert [p["attention"] for p in list_packages(workspace)] == [4.0]


# Versions


def second_version(package: Path, copied: Copied, tmp_path: Path) -> Path:
    """A zip of the same id with another version number."""
    copy = copied(package)
    copy.edit("CITATION.cff", 'version: "1"', 'version: "2"').reseal()
    copy.edit_manifest(lambda data: data.update(version=2))
    second = copy.path.parent / "v2"
    copy.path.rename(second)
    return EXPORTS["zip"](second, tmp_path / "second.zip")


def test_a_second_version_is_added_and_what_changed_is_listed(
    workspace: Workspace, supported: Path, good: Path, copied: Copied, tmp_path: Path
) -> None:
    first = import_path(workspace, good)
    receipt = import_path(workspace, second_version(supported, copied, tmp_path))
    assert (receipt.version, receipt.new, receipt.rung) == (2, True, 1)
    assert receipt.changes == ("file CITATION.cff changed",)
    assert (first.path / "manifest.json").exists()
    assert [p["version"] for p in list_packages(workspace)] == [2]


def test_one_version_with_other_bytes_is_refused(
    workspace: Workspace, supported: Path, good: Path, copied: Copied, tmp_path: Path
) -> None:
    import_path(workspace, good)
    copy = copied(supported).edit_manifest(lambda data: data.update(abstract="Said in other words."))
    other = EXPORTS["zip"](copy.path, tmp_path / "other.zip")
    refused(workspace, other, "v1 is in this workspace with other bytes; a version never changes")


# What others say


def signed(key: Key, manifest: bytes, rung: int = 3) -> bytes:
    predicate = {"package": "p", "rung": rung, "verdict": "passed"}
    made = sign(key, statement("manifest.json", sha256(manifest), "urn:evidentia:verification:v1", predicate))
    return canonical(made) + b"\n"


def with_attestations(good: Path, out: Path, *envelopes: bytes) -> Path:
    held = entries(good)
    identity = next(iter(held)).split("/")[0]
    held |= {f"{identity}/attestations/v1-L3-{i}.json": data for i, data in enumerate(envelopes, 1)}
    return packed(out, held)


def manifest_of(good: Path) -> bytes:
    return next(data for name, data in entries(good).items() if name.endswith("/manifest.json"))


def test_attestations_are_shown_as_claims_of_others_and_never_raise_the_rung(
    workspace: Workspace, good: Path, tmp_path: Path
) -> None:
    known, stranger = new_key(), new_key()
    trust(workspace, known.public)
    manifest = manifest_of(good)
    broken = json.loads(signed(known, manifest))
    broken["signatures"][0]["sig"] = json.loads(signed(known, manifest, 2))["signatures"][0]["sig"]
    path = with_attestations(
        good,
        tmp_path / "said.zip",
        signed(known, manifest),
        signed(stranger, manifest, 4),
        canonical(broken),
        signed(known, b"another manifest"),
        b"[" * 5000,
    )
    receipt = import_path(workspace, path)
    assert receipt.rung == 1
    told = [(s.kept, s.detail) for s in receipt.said]
    assert told[0] == (True, f"states L3, signed by the trusted key {known.keyid[:16]}…")
    assert told[1] == (True, f"states L4, signed by the unknown key {stranger.keyid[:16]}…: not counted here")
    assert told[2] == (False, f"left out: the signature of the key {known.keyid[:16]}… does not hold")
    assert told[3][0] is False
    assert "it is about another manifest" in told[3][1]
    assert told[4][0] is False
    assert [p["attention"] for p in list_packages(workspace)] == [4.0]
    assert import_path(workspace, path).new is False


def test_a_package_known_by_one_key_is_refused_when_another_has_signed_it(
    workspace: Workspace, supported: Path, good: Path, copied: Copied, tmp_path: Path
) -> None:
    author, thief = new_key(), new_key()
    import_path(workspace, with_attestations(good, tmp_path / "first.zip", signed(author, manifest_of(good))))
    second = second_version(supported, copied, tmp_path)
    told = refused(workspace, second, "v2 is not signed; this workspace knows the package by the key")
    assert author.keyid[:16] in told
    held = entries(second)
    identity = next(iter(held)).split("/")[0]
    manifest = held[f"{identity}/v2/manifest.json"]

    def by(*keys: Key) -> Path:
        said = {f"{identity}/attestations/v2-L3-{i}.json": signed(k, manifest) for i, k in enumerate(keys)}
        return packed(tmp_path / "by.zip", {**held, **said})

    refused(workspace, by(thief), f"is signed by {thief.keyid[:16]}….*it may come from someone else")
    assert import_path(workspace, by(thief, author)).version == 2


def test_the_same_package_signed_by_a_stranger_alone_is_refused(
    workspace: Workspace, good: Path, tmp_path: Path
) -> None:
    author, thief = new_key(), new_key()
    import_path(workspace, with_attestations(good, tmp_path / "a.zip", signed(author, manifest_of(good))))
    stolen = with_attestations(good, tmp_path / "b.zip", signed(thief, manifest_of(good)))
    refused(workspace, stolen, "it may come from someone else")
    assert import_path(workspace, good).new is False


# Hostile zips: the form


def write_raw(path: Path, names: list[str], *, attributes: int = 0, flags: int = 0) -> Path:
    """A zip whose entries have these very names, attributes and flags."""
    body, directory = b"", b""
    for name in names:
        raw = name.encode("utf-8")
        flag = flags | (0 if name.isascii() else 0x0800)
        head = struct.pack("<5H3L2H", 20, flag, 0, 0, 33, 0, 0, 0, len(raw), 0)
        offset = len(body)
        body += b"PK\x03\x04" + head + raw
        directory += (
            b"PK\x01\x02" + struct.pack("<H", 3 << 8 | 20) + head + struct.pack("<3H2L", 0, 0, 0, attributes, offset)
        )
        directory += raw
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(names), len(names), len(directory), len(body), 0)
    path.write_bytes(body + directory + end)
    return path


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("../evil", "leaves the folder"),
        ("p/v1/../../../evil", "leaves the folder"),
        ("/etc/evil", "leaves the folder"),
        ("C:/evil", "drive letter"),
        ("p\\v1\\evil", "backslash"),
        ("p//evil", "empty or blank part"),
        ("p/./evil", "empty or blank part"),
        ("p/evil. ", "empty or blank part"),
        ("p/e\u202evil", "invisible characters"),
        ("p/e\x1b[2Jvil", "invisible characters"),
        ("p/evil\x00.txt", "invisible characters"),
        ("/".join(["d"] * 40), "folders deep"),
        ("p/" + "n" * 400, "too long"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str, told: str, workspace: Workspace, tmp_path: Path) -> None:
    refused(workspace, write_raw(tmp_path / "hostile.zip", [name]), told)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFDIR])
def test_links_and_special_files_are_refused(kind: int, workspace: Workspace, tmp_path: Path) -> None:
    path = write_raw(tmp_path / "hostile.zip", ["p/v1/link"], attributes=(kind | 0o777) << 16)
    refused(workspace, path, "is a symbolic link" if kind == stat.S_IFLNK else "is not a plain file")


@pytest.mark.parametrize("flag", [0x0001, 0x0041, 0x2000])
def test_encrypted_entries_are_refused(flag: int, workspace: Workspace, tmp_path: Path) -> None:
    refused(workspace, write_raw(tmp_path / "hostile.zip", ["p/v1/secret"], flags=flag), "is encrypted")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["p/a", "p/a"], "stands twice"),
        (["p/a", "P/A"], "only in case or Unicode form"),
        (["p/straße", "p/STRASSE"], "only in case or Unicode form"),
        ([unicodedata.normalize(form, "p/é") for form in ("NFC", "NFD")], "only in case or Unicode form"),
        (["p/ﬁ", "p/fi"], "only in case or Unicode form"),
        (["p/a", "p/a/b"], "is both a file and a folder"),
        (["p/A", "p/a/b"], "is both a file and a folder"),
    ],
)
def test_names_that_could_be_one_are_refused(names: list[str], told: str, workspace: Workspace, tmp_path: Path) -> None:
    refused(workspace, write_raw(tmp_path / "hostile.zip", names), told)


def test_a_million_entries_are_refused_at_once(workspace: Workspace, tmp_path: Path) -> None:
    path, count = tmp_path / "million.zip", 1_000_000
    head = struct.pack("<5H3L2H", 20, 0, 0, 0, 33, 0, 0, 0, 8, 0)
    tail = struct.pack("<3H2L", 0, 0, 0, 0, 0)
    with path.open("wb") as out:
        out.write(b"PK\x03\x04" + head + b"00000000")
        start = out.tell()
        for block in range(0, count, 10_000):
            out.write(b"".join(b"PK\x01\x02\x14\x03" + head + tail + b"%08d" % i for i in range(block, block + 10_000)))
        length = out.tell() - start
        out.write(struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, length, start))
        out.write(struct.pack("<4sLQL", b"PK\x06\x07", 0, start + length, 1))
        out.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, length, start, 0))
    began = time.perf_counter()
    refused(workspace, path, "it has more than the 10,000 files taken")
    assert time.perf_counter() - began < 2


def test_a_directory_larger_than_its_end_says_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    path = write_raw(tmp_path / "hostile.zip", [f"p/{i}" for i in range(20_000)])
    refused(workspace, path, "has 20,000 files")
    data = bytearray(path.read_bytes())
    data[-14:-10] = struct.pack("<2H", 5, 5)
    path.write_bytes(data)
    refused(workspace, path, "has more than 10,000 files")


def test_a_bomb_is_refused_before_it_is_unpacked(workspace: Workspace, tmp_path: Path) -> None:
    path = packed(tmp_path / "bomb.zip", {"p/v1/zeros": bytes(64 * 1024**2)}, zipfile.ZIP_DEFLATED)
    refused(workspace, path, "more than 200 times its size")


def test_one_file_that_is_too_large_is_refused(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_FILE_BYTES", 1000)
    refused(workspace, packed(tmp_path / "big.zip", {"p/v1/big": bytes(1001)}), "more than the 1,000 taken of one file")


def test_many_files_that_are_too_much_together_are_refused(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_TOTAL_BYTES", 5000)
    path = packed(tmp_path / "big.zip", {f"p/v1/{i}": bytes(900) for i in range(7)}, zipfile.ZIP_DEFLATED)
    refused(workspace, path, "unpacks to 6,300 bytes; at most 5,000 are taken")


@pytest.mark.parametrize("declared", [100, 10_000_000])
def test_a_declared_size_is_not_believed(declared: int, workspace: Workspace, tmp_path: Path) -> None:
    path = packed(tmp_path / "lies.zip", {"p/v1/data": bytes(1_000_000)}, zipfile.ZIP_DEFLATED)
    data = path.read_bytes().replace(struct.pack("<L", 1_000_000), struct.pack("<L", declared))
    path.write_bytes(data)
    refused(workspace, path, "not a whole zip|fewer bytes than it declares")


def test_entries_that_overlap_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    path = packed(tmp_path / "overlap.zip", {f"p/v1/{i}": b"data" * 50 for i in range(3)})
    data = bytearray(path.read_bytes())
    offsets = [i for i in range(len(data) - 4) if data[i : i + 4] == b"PK\x01\x02"]
    data[offsets[2] + 42 : offsets[2] + 46] = data[offsets[1] + 42 : offsets[1] + 46]
    path.write_bytes(data)
    refused(workspace, path, "overlaps another")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_zip_cut_short_is_refused(share: float, workspace: Workspace, good: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.zip"
    path.write_bytes(good.read_bytes()[: int(share * good.stat().st_size)])
    refused(workspace, path, "is not a zip, was cut short, or has bytes after its end")


def test_bytes_before_or_after_a_zip_are_refused(workspace: Workspace, good: Path, tmp_path: Path) -> None:
    for before, after in ((b"", b"more"), (b"#!/bin/sh\n", b"")):
        path = tmp_path / "polyglot.zip"
        path.write_bytes(before + good.read_bytes() + after)
        refused(workspace, path, "bytes after its end|not where its end says")


# Hostile zips: the package


def tampered(good: Path, out: Path, change: Callable[[str, Entries], None]) -> Path:
    held = entries(good)
    change(next(iter(held)).split("/")[0], held)
    return packed(out, held)


def _drop_manifest(p: str, held: Entries) -> None:
    del held[f"{p}/v1/manifest.json"]


def _two_manifests(p: str, held: Entries) -> None:
    held[f"{p}/v2/manifest.json"] = held[f"{p}/v1/manifest.json"]


def _other_place(p: str, held: Entries) -> None:
    for name in list(held):
        held[name.replace(p, "another-package")] = held.pop(name)


def _strange_id(p: str, held: Entries) -> None:
    for name in list(held):
        held[name.replace(p, ".hidden")] = held.pop(name)


def _changed_file(p: str, held: Entries) -> None:
    held[f"{p}/v1/evidence/rows/E01.jsonl"] += b"\n"


def _extra_file(p: str, held: Entries) -> None:
    held[f"{p}/v1/src/extra.py"] = b"print()"


def _file_outside(p: str, held: Entries) -> None:
    held[f"{p}/notes.txt"] = b"hello"


def _other_package(p: str, held: Entries) -> None:
    held["other/v1/README.md"] = b"hello"


def _missing_file(p: str, held: Entries) -> None:
    del held[f"{p}/v1/README.md"]


def _not_json(p: str, held: Entries) -> None:
    held[f"{p}/v1/manifest.json"] = b"{"


def _endless(p: str, held: Entries) -> None:
    held[f"{p}/v1/manifest.json"] = b"[" * 100_000


def _unknown_field(p: str, held: Entries) -> None:
    held[f"{p}/v1/manifest.json"] = held[f"{p}/v1/manifest.json"].replace(b'"abstract"', b'"abstrakt"', 1)


def _path_in_manifest(p: str, held: Entries) -> None:
    said = json.loads(held[f"{p}/v1/manifest.json"])
    said["files"]["../../../evil"] = "0" * 64
    held[f"{p}/v1/manifest.json"] = canonical(said) + b"\n"


def _forged_claim(p: str, held: Entries) -> None:
    said = json.loads(held[f"{p}/v1/manifest.json"])
    for claim in (said["claims"][0], said["branch"]["claims"][0]):
        claim["value"] = 80.0
    held[f"{p}/v1/manifest.json"] = canonical(said) + b"\n"


def _forged_file(p: str, held: Entries) -> None:
    name = f"{p}/v1/evidence/logs/E01.stdout.txt"
    held[name] = held[name].replace(b"5", b"6")
    said = json.loads(held[f"{p}/v1/manifest.json"])
    said["files"]["evidence/logs/E01.stdout.txt"] = sha256(held[name])
    held[f"{p}/v1/manifest.json"] = canonical(said) + b"\n"


def _escapes(p: str, held: Entries) -> None:
    said = json.loads(held[f"{p}/v1/manifest.json"])
    said["branch"]["claims"][0]["a\nb\x1b[2J"] = 1
    held[f"{p}/v1/manifest.json"] = canonical(said) + b"\n"


def _yaml_bomb(p: str, held: Entries) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    name = "trace/exploration_tree.yaml"
    held[f"{p}/v1/{name}"] = ("\n".join(lines) + "\ntree: *a11\n").encode()
    said = json.loads(held[f"{p}/v1/manifest.json"])
    said["files"][name] = sha256(held[f"{p}/v1/{name}"])
    held[f"{p}/v1/manifest.json"] = canonical(said) + b"\n"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_drop_manifest, "holds no manifest"),
        (_two_manifests, "holds 2 manifests"),
        (_other_place, "the manifest is of lfu-perfect.*, the files are of another-package v1"),
        (_strange_id, "is not the place of a manifest"),
        (_changed_file, "was changed: its SHA-256 is not the manifest's"),
        (_extra_file, r"'src/extra\.py' is not in the manifest"),
        (_file_outside, "is neither of .* nor said of it"),
        (_other_package, "is neither of .* nor said of it"),
        (_missing_file, r"'README\.md' is in the manifest and not in the zip"),
        (_not_json, "is not JSON"),
        (_endless, "not JSON|nested too deep"),
        (_unknown_field, "is not a package manifest"),
        (_path_in_manifest, "is in the manifest and not in the zip"),
        (_forged_claim, "is not intact: logged records: the claims are not those in the log"),
        (_forged_file, "is not intact: evidence"),
        (_escapes, r"is not a package manifest: branch\.claims\.0\.a b \[2J: Extra inputs"),
        (_yaml_bomb, "once its aliases are followed"),
    ],
)
def test_a_forged_package_is_refused_and_the_fault_named(
    change: Callable[[str, Entries], None], told: str, workspace: Workspace, good: Path, tmp_path: Path
) -> None:
    refused(workspace, tampered(good, tmp_path / "forged.zip", change), told)
    assert not (tmp_path / "evil").exists()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace for the mutations, emptied by whoever fills it."""
    return open_workspace(tmp_path_factory.mktemp("mutations") / "workspace", create=True)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_zip_comes_in_unchanged_or_is_refused_whole(
    data: st.DataObject, shared: Workspace, good: Path, supported: Path
) -> None:
    raw = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, len(raw) - 1) | st.integers(max(0, len(raw) - 3000), len(raw) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "insert", "copy", "zero"]))
        if kind == "flip":
            raw[where] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del raw[where : where + data.draw(st.integers(1, 200))]
        elif kind == "insert":
            raw[where:where] = data.draw(st.binary(min_size=1, max_size=20))
        elif kind == "copy":
            start = data.draw(st.integers(0, len(raw) - 1))
            raw[where : where + 60] = raw[start : start + 60]
        else:
            raw[where : where + 4] = bytes(4)
        if not raw:
            raw = bytearray(b"PK")
    path = shared.root.parent / "mutated.zip"
    path.write_bytes(raw)
    before = left(shared)
    try:
        receipt = import_path(shared, path)
    except BadInputError:
        assert left(shared) == before
        assert list(shared.packages.iterdir()) == []
        return
    names = {p.relative_to(supported) for p in supported.rglob("*") if p.is_file()}
    assert {p.relative_to(receipt.path) for p in receipt.path.rglob("*") if p.is_file()} == names
    assert all((receipt.path / n).read_bytes() == (supported / n).read_bytes() for n in names)
    shutil.rmtree(receipt.path.parent)
    shared.ledger_path.unlink()


# Descriptions: ARA


def test_an_ara_directory_becomes_a_package_at_the_rung_it_earns(
    workspace: Workspace, refuted: Path, tmp_path: Path
) -> None:
    folder = EXPORTS["ara"](refuted, tmp_path / "ara")
    receipt = import_path(workspace, folder)
    manifest = load_manifest(receipt.path)
    assert (receipt.new, receipt.version, receipt.rung) == (True, 1, 0)
    assert any(c["detail"] == "C01 names no evidence" for c in receipt.failed)
    assert (manifest.outcome, manifest.title) == ("refuted", "lfu-perfect against lru on hit rate")
    assert [(c["id"], c["status"], c["value"]) for c in manifest.claims] == [("C01", "refuted", None)]
    assert [n.type for n in manifest.branch.path] == ["question", "experiment", "dead_end"]
    assert manifest.branch.dead_end is not None
    assert lint(receipt.path) == []
    listed = (receipt.path / "IMPORT.md").read_text()
    assert all(line in listed for line in receipt.unmapped)
    assert any("E01 stays as text" in line for line in receipt.unmapped)
    for name, data in ((p.relative_to(folder), p.read_bytes()) for p in folder.rglob("*") if p.is_file()):
        assert (receipt.path / name).read_bytes() == data
    before = left(workspace)
    assert import_path(workspace, folder).new is False
    assert left(workspace) == before


def test_an_ara_directory_that_changed_is_the_next_version(
    workspace: Workspace, supported: Path, tmp_path: Path
) -> None:
    folder = EXPORTS["ara"](supported, tmp_path / "ara")
    first = import_path(workspace, folder)
    claims = folder / "logic/claims.md"
    claims.write_text(claims.read_text().replace("**Status**: supported", "**Status**: refuted"))
    second = import_path(workspace, folder)
    assert (second.package, second.version) == (first.package, 2)
    assert "claim C01: status supported → refuted" in second.changes
    assert "file logic/claims.md changed" in second.changes


def test_a_small_foreign_ara_directory_lists_its_faults(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    (folder / "logic").mkdir(parents=True)
    (folder / "PAPER.md").write_text("---\ntitle: A finding\nauthors: [Ada Lovelace]\n---\n# A finding\n")
    (folder / "logic/claims.md").write_text("# Claims\n\n## C01: It is fast\n- **Status**: supported\n")
    (folder / "manifest.json").write_text("{}")
    receipt = import_path(workspace, folder)
    assert receipt.rung == -1
    assert "PAPER.md states no year" in receipt.unmapped
    assert any(line.startswith("not well-formed ARA: logic/problem.md") for line in receipt.unmapped)
    assert (receipt.path / "imported/manifest.json").read_text() == "{}"
    assert load_manifest(receipt.path).claims[0]["statement"] == "It is fast"
    assert "Ada Lovelace" in (receipt.path / "CITATION.cff").read_text()
    assert [p["attention"] for p in list_packages(workspace)] == [1.0]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("PAPER.md", "no front matter", "does not begin with a YAML block"),
        ("PAPER.md", "---\ntitle: [\n---\n", "is not YAML"),
        ("PAPER.md", "---\n- a\n---\n", "does not begin with a YAML block"),
        ("PAPER.md", "---\na: &a [*a, *a]\n---\n", "nested without end"),
        ("trace/exploration_tree.yaml", "tree: &t [{id: N1, children: *t}]", "nested without end"),
        ("logic/problem.md", b"\xff\xfe not text at all", r"logic/problem\.md is not UTF-8 text \(byte 0\)"),
    ],
)
def test_a_broken_ara_directory_is_refused(
    name: str, text: str | bytes, told: str, workspace: Workspace, supported: Path, tmp_path: Path
) -> None:
    folder = EXPORTS["ara"](supported, tmp_path / "ara")
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(workspace, folder, told)


def test_an_ara_directory_with_an_odd_tree_comes_in_without_the_odd_nodes(
    workspace: Workspace, supported: Path, tmp_path: Path
) -> None:
    folder = EXPORTS["ara"](supported, tmp_path / "ara")
    (folder / "trace/exploration_tree.yaml").write_text("tree: [just words, {id: [1], children: more}]")
    receipt = import_path(workspace, folder)
    assert receipt.rung <= 0
    assert any("has no id; it is left out" in told for told in receipt.unmapped)


def test_a_link_in_an_ara_directory_is_refused(workspace: Workspace, supported: Path, tmp_path: Path) -> None:
    folder = EXPORTS["ara"](supported, tmp_path / "ara")
    (folder / "src/secret.txt").symlink_to("/etc/passwd")
    refused(workspace, folder, "is a link or no plain file")
    (folder / "src/secret.txt").unlink()
    (folder / "src/etc").symlink_to("/etc")
    refused(workspace, folder, "is a link or no plain file")


def test_a_package_directory_is_not_taken_for_ara(workspace: Workspace, supported: Path) -> None:
    refused(workspace, supported, "make it a zip with `evidentia export` and import that")


# Descriptions: discovery.json


def theirs(**changes: Any) -> dict[str, Any]:
    """A discovery as AttentionHub's pages show one."""
    said: dict[str, Any] = {
        "schema": "attentionhub/discovery@0.1",
        "profile": "systems@0.1",
        "slug": "cache-admission",
        "version": 1,
        "title": "LFU beats LRU on a static stream",
        "abstract": "A micro-study of cache replacement.",
        "domain": "cs.DC",
        "concepts": ["caching", "zipfian-workload"],
        "license": "CC-BY-4.0",
        "contributors": [{"kind": "agent", "name": "Seeder"}],
        "provenance": {"created": "2026-06-11T12:02:48Z"},
        "claims": [
            {
                "id": "c1",
                "kind": "comparison",
                "statement": "LFU is at least 10 points better.",
                "structured": {
                    "system": "LFU",
                    "workload": "zipf-1.1-static",
                    "metric": "hit-rate-delta-pp",
                    "value": 11.81,
                    "unit": "pp",
                    "higher_is_better": True,
                    "baseline": "LRU",
                    "hardware": "any-cpu",
                },
            },
            {
                "id": "c2",
                "kind": "performance",
                "statement": "It is quick.",
                "structured": {"system": "LFU", "metric": "speed", "value": 3, "unit": "furlongs"},
            },
            {"id": "c3", "kind": "negative", "statement": "It does not carry over."},
        ],
        "relations": [{"kind": "builds_on", "target": "arXiv:2205.14135", "title": "FlashAttention"}, {"kind": "uses"}],
        "verification": {"mode": "script", "entrypoint": "verify/verify.sh"},
    }
    return {**said, **changes}


def written(tmp_path: Path, said: Any) -> Path:
    path = tmp_path / "discovery.json"
    path.write_text(said if isinstance(said, str) else json.dumps(said))
    return path


def test_a_discovery_becomes_a_package_with_what_it_states(workspace: Workspace, tmp_path: Path) -> None:
    receipt = import_path(workspace, written(tmp_path, theirs()))
    manifest = load_manifest(receipt.path)
    assert receipt.rung == 0
    first, second, third = manifest.branch.claims
    assert (first.value, first.unit, first.system, first.baseline) == (11.81, "pp", "LFU", "LRU")
    assert (first.workload, first.conditions) == ("zipf-1.1-static", {"hardware": "any-cpu"})
    assert {c.status for c in manifest.branch.claims} == {"inconclusive"}
    assert (second.value, third.value) == (None, None)
    assert manifest.created == "2026-06-11T12:02:48+00:00"
    assert [c.arxiv for c in manifest.branch.citations] == ["2205.14135"]
    assert "c2: the unit 'furlongs' is not known, so its value 3 is left as text" in receipt.unmapped
    assert "verification: kept in imported/discovery.json, not read" in receipt.unmapped
    assert any("the relation to 'nothing named'" in line for line in receipt.unmapped)
    assert json.loads((receipt.path / "imported/discovery.json").read_text()) == theirs()
    assert lint(receipt.path) == []
    assert import_path(workspace, written(tmp_path, theirs())).new is False
    later = import_path(workspace, written(tmp_path, theirs(abstract="Said better.")))
    assert (later.package, later.version) == (receipt.package, 2)


def test_our_own_discovery_comes_back_with_values_tree_and_files(
    workspace: Workspace, refuted: Path, tmp_path: Path
) -> None:
    folder = EXPORTS["discovery"](refuted, tmp_path / "discovery")
    (folder / "artifacts/README.md").write_text("something else")
    (folder / "artifacts/LICENSE").unlink()
    receipt = import_path(workspace, folder)
    ours, theirs = load_manifest(refuted).branch, load_manifest(receipt.path).branch
    fields = ("statement", "metric", "system", "baseline", "value", "unit", "n", "ci", "tolerance", "status")
    assert [[getattr(c, f) for f in fields] for c in theirs.claims] == [
        [getattr(c, f) for f in fields] for c in ours.claims
    ]
    assert theirs.path == ours.path
    assert theirs.dead_end == ours.dead_end
    rows = "evidence/rows/E01.jsonl"
    assert (receipt.path / "imported/artifacts" / rows).read_bytes() == (refuted / rows).read_bytes()
    assert "the artifact artifacts/README.md is not what its SHA-256 says; left out" in receipt.unmapped
    assert "the artifact artifacts/LICENSE is not in the folder" in receipt.unmapped


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no JSON object"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("[" * 200_000, "is nested without end|is not JSON"),
        ("{}", "the field 'schema' is missing"),
        (theirs(claims="many"), "the field 'claims' is missing or no list"),
        (theirs(contributors=[]), "the field 'contributors' is missing"),
        (theirs(schema="other/1"), "the schema is 'other/1'"),
    ],
)
def test_a_file_that_is_no_discovery_is_refused(said: Any, told: str, workspace: Workspace, tmp_path: Path) -> None:
    refused(workspace, written(tmp_path, said), told)


def test_paths_in_a_discovery_lead_nowhere(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    names = ["../secret", "/etc/passwd", "a\\b", "https://example.org/data", "C:/x", 7, None]
    said = theirs(artifacts=[{"path": name, "sha256": sha256(b"secret")} for name in names])
    (folder / "discovery.json").write_text(json.dumps(said))
    receipt = import_path(workspace, folder)
    assert sum("was not fetched" in line or "is not in the folder" in line for line in receipt.unmapped) == len(names)
    assert not [p for p in receipt.path.rglob("*") if p.is_file() and p.read_bytes() == b"secret"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_values_in_a_discovery_come_in_or_are_refused(data: st.DataObject, shared: Workspace) -> None:
    said = theirs()
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = said
        while True:
            keys = list(range(len(place))) if isinstance(place, list) else list(place)
            key = data.draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
                place = place[key]
                continue
            place[key] = data.draw(JSON)
            break
    path = shared.root.parent / "discovery.json"
    path.write_text(json.dumps(said))
    before = left(shared)
    try:
        receipt = import_path(shared, path)
    except BadInputError:
        assert left(shared) == before
        return
    assert receipt.rung <= 0
    shutil.rmtree(receipt.path.parent)
    shared.ledger_path.unlink()


def test_a_description_can_be_exported_and_imported_as_a_zip(workspace: Workspace, tmp_path: Path) -> None:
    receipt = import_path(workspace, written(tmp_path, theirs()))
    path = EXPORTS["zip"](receipt.path, tmp_path / "p.zip")
    elsewhere = open_workspace(tmp_path / "elsewhere", create=True)
    again = import_path(elsewhere, path)
    assert (again.package, again.rung, again.new) == (receipt.package, 0, True)


# The command


def test_import_says_what_it_did_and_where_it_stands(good: Path, tmp_path: Path) -> None:
    root = ["--workspace", str(tmp_path / "new")]
    result = CliRunner().invoke(app, ["import", str(good), *root])
    assert result.exit_code == 0
    assert "intact: it earns L1 here" in result.stdout
    said = json.loads(CliRunner().invoke(app, ["import", str(good), *root, "--json"]).stdout)
    assert (said["new"], said["rung"], said["form"]) == (False, 1, "zip")


def test_a_refused_import_leaves_no_workspace_behind(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.zip"
    path.write_bytes(good.read_bytes()[:-100])
    result = CliRunner().invoke(app, ["import", str(path), "--workspace", str(tmp_path / "new")])
    assert isinstance(result.exception, BadInputError)
    assert [p.name for p in tmp_path.iterdir()] == ["short.zip"]
    missing = CliRunner().invoke(app, ["import", str(tmp_path / "none"), "--workspace", str(tmp_path / "new")])
    assert "is not there" in str(missing.exception)


def test_code_from_outside_does_not_run_in_a_weak_sandbox(
    good: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidentia.hub.imports.zipped.strongest_level", lambda: "process")
    with pytest.raises(BadInputError, match="needs the sandbox level bubblewrap"):
        import_path(workspace, good, rung=2)
    assert left(workspace).keys() == {"workspace.json"}
    assert import_path(workspace, good, rung=2, allow_weak_sandbox=True).rung == 2


def test_limits_of_a_folder_are_kept(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "PAPER.md").write_text("---\ntitle: t\n---\n")
    for number in range(5):
        (folder / f"{number}.txt").write_text(str(random.Random(number).random()))
    monkeypatch.setattr(outside, "MOST_ENTRIES", 3)
    refused(workspace, folder, "is too much")


warnings.filterwarnings("ignore", message="Duplicate name", category=UserWarning)
