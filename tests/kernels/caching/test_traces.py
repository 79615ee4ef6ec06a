"""Recorded streams: what is written is read, libCacheSim reads the same, and bad files are named."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.kernels.caching.traces import Recording, read_trace, write_oracle_general


@settings(max_examples=60, deadline=None, derandomize=True)
@given(items=st.lists(st.integers(0, 30), max_size=120), seed=st.integers(0, 100))
def test_what_is_written_is_read(items: list[int], seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    order = {x: n for n, x in enumerate(dict.fromkeys(items))}
    sizes = np.random.default_rng(seed).integers(1, 5_000, len(order))
    given_ = Recording(np.asarray([order[x] for x in items], np.int64), sizes)
    path = tmp_path_factory.mktemp("traces") / "t.oracleGeneral"
    write_oracle_general(path, given_)
    assert os.path.getsize(path) == 24 * len(items)
    found = read_trace(path)
    assert found.trace.tolist() == given_.trace.tolist()
    assert found.sizes.tolist() == given_.sizes.tolist()


def test_libcachesim_reads_what_we_write(tmp_path: Path) -> None:
    libcachesim = pytest.importorskip("libcachesim")
    given_ = Recording(np.asarray([0, 1, 0, 2, 1, 0], np.int64), np.asarray([10, 20, 30]))
    path = tmp_path / "t.oracleGeneral"
    write_oracle_general(path, given_)
    reader = libcachesim.TraceReader(trace=str(path), trace_type=libcachesim.TraceType.ORACLE_GENERAL_TRACE)
    read = [(request.obj_id, request.obj_size) for request in reader]
    assert read == [(item, [10, 20, 30][item]) for item in given_.trace.tolist()]


def test_csv_by_name_and_by_position(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("time,key,bytes\n1,b,7\n2,a,5\n\n3,b,8\n")
    found = read_trace(path, item="key", size="bytes")
    assert (found.trace.tolist(), found.sizes.tolist(), found.items) == ([0, 1, 0], [8, 5], 2)
    path.write_text("b\na\nb\n")
    assert read_trace(path).trace.tolist() == [0, 1, 0]
    assert read_trace(path).sizes.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("time,key\n1,a\n", "no column 'bytes'; it has time, key"),
        ("time,key,bytes\n1,a,many\n", "line 2"),
        ("time,key,bytes\n1,a,-3\n", "not negative"),
        ("time,key,bytes\n1\n", "line 2"),
    ],
)
def test_bad_csv_is_named(tmp_path: Path, content: str, named: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=named):
        read_trace(path, item="key", size="bytes")


def test_a_cut_off_binary_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.bin"
    path.write_bytes(bytes(25))
    with pytest.raises(ValueError, match="25 bytes, no multiple of 24"):
        read_trace(path)
