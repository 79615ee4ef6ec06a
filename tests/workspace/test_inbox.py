"""The inbox keeps requests whole, in order, until they are removed."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evidentia.errors import BadInputError
from evidentia.workspace import inbox


def test_requests_come_out_in_the_order_they_were_put(tmp_path: Path) -> None:
    tickets = [inbox.put(tmp_path / "inbox", {"number": n}) for n in range(30)]
    assert tickets == sorted(tickets)
    assert [(t, r["number"]) for t, r in inbox.waiting(tmp_path / "inbox") if r] == [
        *zip(tickets, range(30), strict=True)
    ]


def test_a_clock_that_is_set_back_changes_no_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = inbox.put(tmp_path, {"n": 1})
    monkeypatch.setattr("evidentia.workspace.inbox.time.time_ns", lambda: 17)
    assert inbox.put(tmp_path, {"n": 2}) > first


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        tickets = list(pool.map(lambda n: inbox.put(tmp_path, {"n": n}), range(80)))
    assert len(set(tickets)) == 80
    assert sorted(r["n"] for _, r in inbox.waiting(tmp_path) if r) == list(range(80))


def test_what_a_crash_left_half_written_is_no_request(tmp_path: Path) -> None:
    ticket = inbox.put(tmp_path, {"n": 1})
    (tmp_path / f".{ticket}x.new").write_bytes(b'{"n": 2')
    assert [t for t, _ in inbox.waiting(tmp_path)] == [ticket]


@pytest.mark.parametrize("junk", [b"", b"{", b"[1]", b"\xff\xfe", b"x" * (inbox.MOST_BYTES + 1)])
def test_a_file_that_is_no_request_is_told_apart(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "00000000000000000001-aa.json").write_bytes(junk)
    assert list(inbox.waiting(tmp_path)) == [("00000000000000000001-aa", None)]


def test_removing_twice_is_removing_once(tmp_path: Path) -> None:
    ticket = inbox.put(tmp_path, {"n": 1})
    assert inbox.holds(tmp_path, ticket)
    inbox.remove(tmp_path, ticket)
    inbox.remove(tmp_path, ticket)
    assert not inbox.holds(tmp_path, ticket)
    assert list(inbox.waiting(tmp_path)) == []
    assert list(inbox.waiting(tmp_path / "none")) == []


def test_a_disk_that_refuses_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("evidentia.workspace.inbox.os.fsync", full)
    with pytest.raises(BadInputError, match="No space left on device; nothing was asked"):
        inbox.put(tmp_path / "inbox", {"n": 1})
    assert list((tmp_path / "inbox").iterdir()) == []
