"""Canonical JSON (RFC 8785) and SHA-256 names: one text for one value, on every machine."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value. Raises ValueError for NaN, infinities and other non-JSON values."""
    try:
        encoded: bytes = rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(f"not a JSON value: {error}") from error
    return encoded


def sha256(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def content_id(value: Any, length: int = 64) -> str:
    """The first `length` hexadecimal digits of the SHA-256 of the value's canonical JSON."""
    return sha256(canonical(value))[:length]
