"""Rows an experiment wrote are read strictly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.sandbox import strict_json, strict_json_lines

values = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.text(), st.booleans()
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows=st.lists(st.dictionaries(st.text(), values, max_size=5), max_size=8))
def test_what_json_wrote_is_read_back(rows: list[dict[str, object]]) -> None:
    assert strict_json_lines("\n".join(json.dumps(r) for r in rows).encode()) == rows


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": ' + b"9" * 400 + b"}", "20 digits"),
        (b"[" * 100_000, "deeper"),
        (b'{"a": {"b": {"c": 1}}}', "deeper"),
        (b'{"a": [1]}', "a must be"),
        (b'{"a": null}', "a must be"),
        (b"[1, 2]", "object"),
        (b"\xff\xfe", "UTF-8"),
        (b"{", "not JSON"),
        (b"cos\nsystem\n(S'true'\ntR.", "not JSON"),
    ],
)
def test_faults_are_named_with_their_line(data: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=f"line 2.*{fault}"):
        strict_json_lines(b'{"ok": 1}\n' + data)


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 3 rows"):
        strict_json_lines(b'{"a": 1}\n' * 5, max_rows=3)


def test_brackets_in_strings_do_not_count_as_depth() -> None:
    assert strict_json(b'"[[[[[[\\"[["', max_depth=1) == '[[[[[["[['
