"""Signed statements: what one signs others can check, and what was changed or signed by another is refused."""

from __future__ import annotations

import base64
import copy
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from evidentia.errors import BadInputError, IntegrityError
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.signing import (
    Key,
    carried_key,
    check,
    new_key,
    place_new,
    public_pem,
    sign,
    statement,
    trust,
    trusted_keys,
    workspace_key,
)

SAID = statement("manifest.json", "ab" * 32, "https://example.org/v1", {"rung": 3, "verdict": "passed"})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace", create=True)


@pytest.fixture(scope="module")
def key() -> Key:
    return new_key()


def trusting(*keys: Key) -> dict[str, bytes]:
    return {key.keyid: key.public for key in keys}


def test_a_signed_statement_comes_back_with_its_key(key: Key) -> None:
    assert check(sign(key, SAID), trusting(key)) == (SAID, key.keyid)
    assert check(sign(key, SAID), None) == (SAID, key.keyid)


def test_the_envelope_is_what_the_specifications_say(key: Key) -> None:
    """DSSE 1.0: the signature is over "DSSEv1", lengths and contents; checked with the bare primitive."""
    envelope = sign(key, SAID)
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    body = base64.b64decode(envelope["payload"])
    assert json.loads(body)["_type"] == "https://in-toto.io/Statement/v1"
    kind = envelope["payloadType"].encode()
    signed = b" ".join([b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(body), body])
    (signature,) = envelope["signatures"]
    Ed25519PublicKey.from_public_bytes(key.public).verify(base64.b64decode(signature["sig"]), signed)
    assert signature["keyid"] == sha256(key.public)


def test_signing_is_deterministic(key: Key) -> None:
    assert canonical(sign(key, SAID)) == canonical(sign(key, SAID))


def test_checking_leaves_the_envelope_as_it_was(key: Key) -> None:
    envelope = sign(key, SAID)
    before = copy.deepcopy(envelope)
    check(envelope, None)
    assert envelope == before


def _payload(envelope: dict[str, Any]) -> None:
    said = json.loads(base64.b64decode(envelope["payload"]))
    said["predicate"]["rung"] = 4
    envelope["payload"] = base64.b64encode(canonical(said)).decode()


def _signature(envelope: dict[str, Any]) -> None:
    raw = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
    raw[7] ^= 1
    envelope["signatures"][0]["sig"] = base64.b64encode(bytes(raw)).decode()


def _other_key(envelope: dict[str, Any]) -> None:
    envelope["signatures"][0]["publicKey"] = new_key().public.hex()


def _other_name(envelope: dict[str, Any]) -> None:
    other = new_key()
    envelope["signatures"][0] |= {"publicKey": other.public.hex(), "keyid": other.keyid}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_payload, "does not hold"),
        (_signature, "does not hold"),
        (_other_key, "is not the key"),
        (_other_name, "does not hold"),
        (lambda e: e["signatures"].clear(), "not a DSSE envelope with one signature"),
        (lambda e: e["signatures"].append(sign(new_key(), SAID)["signatures"][0]), "with one signature"),
        (lambda e: e["signatures"].append(dict(e["signatures"][0])), "with one signature"),
        (lambda e: e["signatures"][0].update(publicKey="zz"), "with one signature"),
        (lambda e: e["signatures"][0].update(publicKey=7), "with one signature"),
        (lambda e: e["signatures"][0].update(publicKey="ab"), "is not the key"),
        (lambda e: e.update(signatures="none"), "with one signature"),
        (lambda e: e.update(payload=None), "with one signature"),
        (lambda e: e.update(payload="!"), "with one signature"),
        (lambda e: e.update(payloadType="text/plain"), "payload type"),
        (lambda e: e.clear(), "with one signature"),
    ],
)
def test_a_changed_envelope_is_refused(change: Callable[[dict[str, Any]], None], said: str, key: Key) -> None:
    envelope = copy.deepcopy(sign(key, SAID))
    change(envelope)
    with pytest.raises(IntegrityError, match=said):
        check(envelope, None)


def test_an_unknown_key_is_refused_however_well_it_signs(key: Key) -> None:
    with pytest.raises(IntegrityError, match="signed by the unknown key"):
        check(sign(new_key(), SAID), trusting(key))


def test_a_trusted_name_with_another_key_is_refused(key: Key) -> None:
    with pytest.raises(IntegrityError, match="is not the key"):
        check(sign(key, SAID), {key.keyid: new_key().public})


@pytest.mark.parametrize(
    "said",
    [
        {},
        {**SAID, "subject": []},
        {**SAID, "_type": "https://example.org/Statement"},
        {**SAID, "predicate": {}},
        {**SAID, "subject": [{"name": "manifest.json"}]},
        {**SAID, "more": 1},
    ],
)
def test_what_is_no_statement_is_not_signed(said: dict[str, Any], key: Key) -> None:
    with pytest.raises(ValueError, match=r"statement|required|digest|type"):
        sign(key, said)


def test_a_workspace_keeps_one_key_that_only_its_owner_can_read(workspace: Workspace) -> None:
    first = workspace_key(workspace)
    assert workspace_key(workspace).keyid == first.keyid
    private = workspace.root / "keys/ed25519.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    read = load_pem_public_key((workspace.root / "keys/ed25519.pub.pem").read_bytes())
    assert isinstance(read, Ed25519PublicKey)
    assert read.public_bytes_raw() == first.public
    assert sorted(p.name for p in private.parent.iterdir()) == ["ed25519.pem", "ed25519.pub.pem"]


def test_processes_that_begin_together_agree_on_one_key(workspace: Workspace) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        assert len(set(pool.map(lambda _: workspace_key(workspace).keyid, range(16)))) == 1


def test_a_private_key_that_others_can_read_is_refused(workspace: Workspace) -> None:
    workspace_key(workspace)
    os.chmod(workspace.root / "keys/ed25519.pem", 0o644)
    with pytest.raises(BadInputError, match="can be read by others"):
        workspace_key(workspace)


def test_a_key_file_that_is_none_is_named(workspace: Workspace) -> None:
    workspace_key(workspace)
    (workspace.root / "keys/ed25519.pem").write_text("no key")
    with pytest.raises(BadInputError, match=r"ed25519\.pem is not a PEM private key"):
        workspace_key(workspace)


def test_trust_counts_from_when_a_person_says_so(workspace: Workspace, key: Key) -> None:
    envelope = sign(key, SAID)
    own = workspace_key(workspace)
    assert trusted_keys(workspace) == trusting(own)
    trust(workspace, carried_key(envelope))
    trust(workspace, carried_key(envelope))
    assert trusted_keys(workspace) == trusting(own, key)
    assert check(envelope, trusted_keys(workspace)) == (SAID, key.keyid)


def test_a_file_among_the_trusted_that_is_no_key_is_named(workspace: Workspace, key: Key) -> None:
    trust(workspace, key.public).write_bytes(public_pem(key.public)[:40])
    with pytest.raises(BadInputError, match="is not a public Ed25519 key"):
        trusted_keys(workspace)


def test_a_workspace_without_keys_trusts_nobody(workspace: Workspace) -> None:
    assert trusted_keys(workspace) == {}


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="this system has no files without a name")
def test_a_crash_in_mid_write_leaves_no_file_under_any_name(tmp_path: Path) -> None:
    killed = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from evidentia.workspace.signing import place_new\n"
        "os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
        "place_new(Path(sys.argv[1]) / 'said.json', b'half')\n"
    )
    assert subprocess.run([sys.executable, "-c", killed, str(tmp_path)]).returncode == -9
    assert list(tmp_path.iterdir()) == []
    assert place_new(tmp_path / "said.json", b"whole", 0o600)
    assert not place_new(tmp_path / "said.json", b"another")
    assert (tmp_path / "said.json").read_bytes() == b"whole"
    assert stat.S_IMODE((tmp_path / "said.json").stat().st_mode) == 0o600


def test_where_files_need_a_name_they_are_placed_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    assert place_new(tmp_path / "said.json", b"whole")
    assert not place_new(tmp_path / "said.json", b"another")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"whole"]
