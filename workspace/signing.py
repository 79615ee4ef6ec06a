"""Signed statements: in-toto statements in DSSE envelopes, signed with the workspace's Ed25519 key.

Formats: in-toto Statement v1 (https://github.com/in-toto/attestation), DSSE 1.0
(https://github.com/secure-systems-lab/dsse). Each signature also carries the public key; since a key's id is the
SHA-256 of its public key, that says which key signed, never whether it is to be trusted.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from google.protobuf.json_format import ParseDict, ParseError
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import STATEMENT_TYPE_URI, Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]

from evidentia.errors import BadInputError, IntegrityError
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.home import Workspace

PAYLOAD_TYPE = "application/vnd.in-toto+json"
PRIVATE, PUBLIC, TRUSTED = "ed25519.pem", "ed25519.pub.pem", "trusted"


@dataclass(frozen=True)
class Key:
    """An Ed25519 key pair; `keyid` is the SHA-256 of the 32 raw bytes of its public half."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self.private.public_key().public_bytes_raw()

    @property
    def keyid(self) -> str:
        """Lower-case hexadecimal SHA-256 of the raw public key."""
        return sha256(self.public)


def new_key() -> Key:
    """A fresh key that is kept nowhere."""
    return Key(Ed25519PrivateKey.generate())


def workspace_key(workspace: Workspace) -> Key:
    """The key of a workspace, made on first use in ``keys/``: the private half with mode 0600, the public beside it.

    Raises BadInputError when it cannot be written or read, or when others may read the private half.
    """
    folder = workspace.root / "keys"
    path = folder / PRIVATE
    try:
        if not path.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            place_new(path, _pem(new_key()), 0o600)
        if path.stat().st_mode & 0o077:
            raise BadInputError(f"{path} can be read by others and so proves nothing; chmod 600 it, or remove keys/")
        private = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(private, Ed25519PrivateKey):
            raise BadInputError(f"{path} is not an Ed25519 key; restore it or move it away")
        key = Key(private)
        if not (folder / PUBLIC).exists():
            place_new(folder / PUBLIC, public_pem(key.public))
    except OSError as error:
        raise BadInputError(f"cannot read or write the key {path}: {error.strerror}; make room or mend it") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadInputError(f"{path} is not a PEM private key; restore it or move it away") from None
    return key


def trusted_keys(workspace: Workspace) -> dict[str, bytes]:
    """Raw public keys by id: the workspace's own, if it has one, and those a person has put in ``keys/trusted/``.

    Raises BadInputError naming a file there that is not the public half of an Ed25519 key.
    """
    folder = workspace.root / "keys"
    own = [folder / PUBLIC] if (folder / PUBLIC).is_file() else []
    found = [_public(path) for path in (*own, *sorted((folder / TRUSTED).glob("*.pem")))]
    return {sha256(public): public for public in found}


def trust(workspace: Workspace, public: bytes) -> Path:
    """Count the signatures of another person's key from now on; returns the file that says so."""
    folder = workspace.root / "keys" / TRUSTED
    path = folder / f"{sha256(public)}.pem"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            place_new(path, public_pem(public))
    except OSError as error:
        raise BadInputError(f"cannot write {path}: {error.strerror}; make room and try again") from error
    return path


def public_pem(public: bytes) -> bytes:
    """A raw public key as PEM, as other programs read it."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def statement(name: str, digest: str, predicate_type: str, predicate: Mapping[str, Any]) -> dict[str, Any]:
    """An in-toto statement about one file, named by its SHA-256."""
    return {
        "_type": STATEMENT_TYPE_URI,
        "subject": [{"name": name, "digest": {"sha256": digest}}],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }


def sign(key: Key, statement: Mapping[str, Any]) -> dict[str, Any]:
    """The DSSE envelope of an in-toto statement. Raises ValueError when it is not one."""
    _validate(statement)
    envelope = Envelope(canonical(dict(statement)), PAYLOAD_TYPE, {})
    signer = CryptoSigner(key.private, SSlibKey.from_crypto(key.private.public_key(), key.keyid))
    envelope.sign(signer).unrecognized_fields["publicKey"] = key.public.hex()
    made: dict[str, Any] = envelope.to_dict()
    return made


def check(envelope: Mapping[str, Any], trusted: Mapping[str, bytes] | None) -> tuple[dict[str, Any], str]:
    """The statement of an envelope and the id of the key that signed it.

    `trusted` are the raw public keys that count, by id; with None the key that the signature carries is taken, and
    it is for the caller to decide what its id is worth. Raises IntegrityError when the envelope is not one, is not
    signed by exactly one key, its signature is bad, or its key is not among the trusted.
    """
    try:
        read = Envelope.from_dict(json.loads(json.dumps(dict(envelope))))
        (signature,) = read.signatures.values()
        carried = bytes.fromhex(signature.unrecognized_fields.get("publicKey", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise IntegrityError("not a DSSE envelope with one signature") from None
    if read.payload_type != PAYLOAD_TYPE:
        raise IntegrityError(f"the payload type is {read.payload_type!r}, not {PAYLOAD_TYPE}")
    keyid = signature.keyid
    if trusted is not None and keyid not in trusted:
        raise IntegrityError(f"signed by the unknown key {keyid[:16]}…")
    public = carried if trusted is None else trusted[keyid]
    if sha256(public) != keyid:
        raise IntegrityError(f"the key it carries is not the key {keyid[:16]}… it names")
    try:
        read.verify([SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(public), keyid)], 1)
    except (VerificationError, ValueError):
        raise IntegrityError(f"the signature of the key {keyid[:16]}… does not hold") from None
    try:
        found = json.loads(read.payload)
        _validate(found)
    except (ValueError, TypeError, RecursionError):
        raise IntegrityError("the signed payload is not an in-toto statement") from None
    return found, keyid


def carried_key(envelope: Mapping[str, Any]) -> bytes:
    """The raw public key that a valid envelope carries. Raises IntegrityError as `check` does."""
    _, keyid = check(envelope, None)
    return next(bytes.fromhex(s["publicKey"]) for s in envelope["signatures"] if s["keyid"] == keyid)


def place_new(path: Path, data: bytes, mode: int = 0o644) -> bool:
    """Write a file whole and durably, unless there is one of that name: it stays, and the answer is False."""
    try:
        # A file without a name: a crash leaves nothing of it. It gets its name when it is whole.
        handle, name = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600), ""
    except (AttributeError, OSError):  # not Linux, or a file system without such files
        handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
            if name:
                os.link(name, path)
            else:  # with a handle given, the link is of what the name in /proc stands for (linkat(2))
                os.link(f"/proc/self/fd/{handle}", path, src_dir_fd=handle)
        return True
    except FileExistsError:
        return False
    finally:
        if name:
            os.unlink(name)


def _validate(found: Mapping[str, Any]) -> None:
    """Raises ValueError when the value is not an in-toto statement, version 1."""
    try:
        Statement.copy_from_pb(ParseDict(dict(found), statement_pb2.Statement())).validate()
    except ParseError as error:
        raise ValueError(f"not an in-toto statement: {error}") from None


def _pem(key: Key) -> bytes:
    none = serialization.NoEncryption()
    return key.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none)


def _public(path: Path) -> bytes:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise BadInputError(f"{path} is not a public Ed25519 key in PEM; mend it or move it away")
    return key.public_bytes_raw()
