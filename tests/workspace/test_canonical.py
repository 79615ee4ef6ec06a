"""Canonical JSON: the bytes of RFC 8785, whichever library writes them."""

from __future__ import annotations

import contextlib
import enum
import json
import math
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evidentia.workspace.canonical import canonical, is_canonical

# Lone surrogates included: they are no Unicode text, and both must refuse them.
TEXT = st.text(st.characters(codec=None)) | st.text(st.sampled_from('aé€\ue000\uffff😀\ud83d\x00\x1f\x7f"\\/.0e,]}'))
NUMBERS = (
    st.integers()
    | st.floats()
    | st.floats(-1e-3, 1e-3)
    | st.integers(-(2**54), 2**54).map(float)
    | st.sampled_from([0.0, -0.0, 1e-4, 1e-5, 9.9e-6, 1e-6, 1e-7, 1e15, 1e16, 1e20, 1e21, 1e22, 5e-324, 2.0**53])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(TEXT, inner),
    max_leaves=12,
)


def reference(value: Any) -> bytes | None:
    """What rfc8785 writes, or None where it refuses."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return None


def written(value: Any) -> bytes | None:
    try:
        return canonical(value)
    except ValueError:
        return None


def largest(value: Any) -> int:
    """The largest size of a whole number in the value."""
    if isinstance(value, dict):
        return max((largest(v) for v in value.values()), default=0)
    if isinstance(value, list | tuple):
        return max(map(largest, value), default=0)
    return abs(value) if isinstance(value, int) else 0


@settings(deadline=None, derandomize=True, max_examples=600)
@given(VALUES)
@example({"\ue000": 1, "😀": 2})
@example([1.0, -0.0, 1e16, 123456789012345680.0, 1.2e-5])
@example({"a": {"1.0": "[1.0,2e5]", "b": 3.0}})
def test_the_bytes_are_those_of_rfc_8785(value: Any) -> None:
    if largest(value) < 2**53:
        assert written(value) == reference(value)


@given(st.integers())
@settings(deadline=None, derandomize=True)
@example(2**53 + 1)
@example(20084014483902350)
@example(10**18)
@example(10**400)
def test_a_whole_number_is_written_as_it_is_or_not_at_all(number: int) -> None:
    digits = b"%d" % number
    readable = abs(number) < 2**1023 and rfc8785.dumps(float(number)) == digits
    assert written(number) == (digits if abs(number) < 2**53 or readable else None)


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize("value", [math.nan, math.inf, {1: 2}, {"a", "b"}, b"x", Colour.RED, UUID(int=1), Decimal(1)])
def test_what_is_no_json_value_is_refused(value: Any) -> None:
    for held in (value, [value], {"k": value}):
        with pytest.raises(ValueError, match="not a JSON value"):
            canonical(held)


@settings(deadline=None, derandomize=True, max_examples=400)
@given(VALUES)
@example(["2e5,", "1.0]", 7.0, 1e16])
def test_what_canonical_wrote_is_recognised(value: Any) -> None:
    text = written(value)
    if text is not None:
        assert is_canonical(text, orjson.loads(text))
        assert canonical(json.loads(text)) == text


@settings(deadline=None, derandomize=True, max_examples=400)
@given(VALUES)
@example({"b": 1.0, "a": [1e16, 1e-6, -0.0, 1e20]})
@example({"\ue000": 1, "😀": 2})
@example({"k": 10**16})
def test_the_same_value_written_otherwise_is_not_canonical(value: Any) -> None:
    text = written(value)
    if text is None:
        return
    others = {
        json.dumps(value).encode(),
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(),
        text + b" ",
    }
    with contextlib.suppress(TypeError):
        others.add(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    for other in others - {text}:
        assert not is_canonical(other, orjson.loads(other))


@pytest.mark.parametrize(
    "text", [b'{"a":1,"a":1}', b'{"b":1,"a":1}', b"[1.0]", b"[1e2]", b"[-0]", b'["\\u0041"]', b"[ 1]"]
)
def test_other_spellings_are_not_canonical(text: bytes) -> None:
    assert not is_canonical(text, orjson.loads(text))
