"""Workspace folder, blobs, canonical JSON, units, quantities."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import BadInputError, IntegrityError
from evidentia.workspace.blobs import BlobStore
from evidentia.workspace.canonical import canonical, sha256
from evidentia.workspace.home import open_workspace
from evidentia.workspace.quantities import figure
from evidentia.workspace.units import convert, difference_unit, dimension


def test_a_workspace_is_made_once_and_opened_again(tmp_path: Path) -> None:
    home = open_workspace(tmp_path / "w", create=True)
    assert open_workspace(tmp_path / "w").root == home.root
    assert home.run_names() == []
    assert home.package_names() == []


def test_a_workspace_that_a_crash_left_half_made_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "workspace.new").write_text("")
    assert open_workspace(tmp_path / "w", create=True).run_names() == []
    assert [p.name for p in (tmp_path / "w").iterdir()] == ["workspace.json"]


def test_a_writer_clears_what_its_own_crash_left_half_written_and_nothing_else(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, "run-1")
    digest = store.put(b"whole")
    folder = store.path(digest).parent
    for name in (".new-run-1-abc", ".new-run-2-abc", ".new--abc"):
        (folder / name).write_bytes(b"ha")
    store.clear()
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith(".")) == [".new--abc", ".new-run-2-abc"]
    assert store.get(digest) == b"whole"


def test_a_newer_schema_a_strange_folder_and_a_missing_one_are_named(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "workspace.json").write_text('{"schema": 99}')
    with pytest.raises(BadInputError, match=r"newer Evidentia.*99"):
        open_workspace(tmp_path / "new")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "thesis.tex").write_text("mine")
    with pytest.raises(BadInputError, match="not empty and not a workspace"):
        open_workspace(tmp_path / "odd", create=True)
    assert sorted(p.name for p in (tmp_path / "odd").iterdir()) == ["thesis.tex"]
    with pytest.raises(BadInputError, match="no workspace"):
        open_workspace(tmp_path / "none")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "workspace.json").write_text("{")
    with pytest.raises(BadInputError, match="not readable"):
        open_workspace(tmp_path / "bad")


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "none"])
def test_a_run_that_does_not_exist_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="no run"):
        open_workspace(tmp_path / "w", create=True).log_path(name)


def test_blobs_are_found_by_content_and_damage_is_noticed(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    digest = store.put(b"data")
    assert digest == sha256(b"data") == store.put(b"data")
    assert store.get(digest) == b"data"
    store.path(digest).chmod(0o644)
    store.path(digest).write_bytes(b"dada")
    with pytest.raises(IntegrityError, match="changed"):
        store.get(digest)
    with pytest.raises(IntegrityError, match="missing"):
        store.get("0" * 64)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2.0**52), 2.0**52) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(value=json_values)
def test_canonical_json_is_one_text_for_one_value(value: object) -> None:
    text = canonical(value)
    assert canonical(json.loads(text)) == text


def test_canonical_json_refuses_what_json_does_not_have() -> None:
    with pytest.raises(ValueError, match="not a JSON value"):
        canonical({"a": float("nan")})


def test_units_convert_within_a_dimension_and_never_by_guess() -> None:
    assert convert(0.6449, "fraction", "%") == pytest.approx(64.49)
    assert convert(3, "ms", "us") == pytest.approx(3000)
    assert difference_unit("%") == "pp"
    assert difference_unit("ms") == "ms"
    assert dimension("pp") != dimension("%")
    with pytest.raises(ValueError, match="cannot be compared"):
        convert(1, "%", "ms")
    with pytest.raises(ValueError, match="unknown unit"):
        dimension("furlong")


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (11.6668, 0.083, "11.667"),
        (11.6668, 0.83, "11.67"),
        (2.04, 0.9, "2.04"),
        (0.0, None, "0"),
        (64.4934, None, "64.49"),
        (3.41e-7, None, "3.410e-07"),
        (123456.0, 2000.0, "123,456"),
        (0.05187, 0.0, "0.05187"),
    ],
)
def test_figures_have_the_digits_the_interval_deserves(value: float, half: float | None, text: str) -> None:
    assert figure(value, half) == text
