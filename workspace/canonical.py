"""Canonical JSON (RFC 8785) and SHA-256 names: one text for one value, on every machine."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import orjson
import rfc8785

_AS_THEY_ARE = frozenset({str, int, bool, type(None)})
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_WHOLE = re.compile(rb"\.0(?:[],}]|\Z)")
_LARGE = re.compile(rb"e\+[0-9]+(?:[],}]|\Z)")
_SMALL = re.compile(rb"e-[0-9](?:[],}]|\Z)")
"""Numbers that orjson writes otherwise than RFC 8785 does, or text that looks like one: searches that begin with
the same letters always are far faster than one for all."""
_FOUR_BYTES = re.compile(rb"[\xf0-\xf4]")
"""Characters that UTF-16 sorts otherwise, in keys, than orjson does."""


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value. Raises ValueError for NaN, infinities, whole numbers beyond 2^53 that are not
    written as a float64 is, and other non-JSON values.

    orjson writes what it writes alike, rfc8785 (some ten times slower) the rest.
    """
    try:
        return orjson.dumps(_plain(value), option=_SORTED)
    except TypeError:  # orjson's own error is one, too
        pass
    try:
        encoded: bytes = rfc8785.dumps(_as_floats(value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, OverflowError) as error:
        raise ValueError(f"not a JSON value: {error}") from error
    return encoded


def _plain(value: Any) -> Any:
    """The value with whole floats as whole numbers. Raises TypeError for what orjson and RFC 8785 write differently:
    very large and small numbers, keys beyond ASCII (sorted by UTF-16), types of one's own."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is dict:
        if not "".join(value).isascii():
            raise TypeError
        return {k: v if type(v) in _AS_THEY_ARE else _plain(v) for k, v in value.items()}
    if kind is list or kind is tuple:
        return [v if type(v) in _AS_THEY_ARE else _plain(v) for v in value]
    if kind is float and (1e-4 <= abs(value) < 1e15 or value == 0):
        return int(value) if value.is_integer() else value
    raise TypeError


def _as_floats(value: Any) -> Any:
    """The value with whole numbers beyond 2^53 as floats where these are written alike: large floats are read back as
    whole numbers."""
    if isinstance(value, dict):
        return {k: _as_floats(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_as_floats(v) for v in value]
    if isinstance(value, int) and abs(value) >= 2**53 and rfc8785.dumps(float(value)) == b"%d" % value:
        return float(value)
    return value


def is_canonical(text: bytes, value: Any) -> bool:
    """Whether `text` is the canonical JSON of `value`, which orjson has read from it."""
    try:
        odd = _WHOLE.search(text) or _LARGE.search(text) or _SMALL.search(text)
        by_utf_16 = not text.isascii() and _FOUR_BYTES.search(text)
        if not odd and not by_utf_16 and orjson.dumps(value, option=_SORTED) == text:
            return True
    except TypeError:  # a large number
        pass
    try:
        return canonical(json.loads(text)) == text
    except ValueError:
        return False


def sha256(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def content_id(value: Any, length: int = 64) -> str:
    """The first `length` hexadecimal digits of the SHA-256 of the value's canonical JSON."""
    return sha256(canonical(value))[:length]
