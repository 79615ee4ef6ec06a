"""The event log: durable, chained, repaired after a crash, refused when tampered with."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evidentia.errors import BadInputError, IntegrityError
from evidentia.workspace.eventlog import GENESIS, EventLog, append_event, read_events


@pytest.fixture
def path(tmp_path: Path) -> Path:
    log = EventLog(tmp_path / "log.jsonl", "r")
    for number in range(6):
        log.append("thing.happened", {"number": number, "text": "ünï ☃"}, "tester")
    log.close()
    return tmp_path / "log.jsonl"


def test_what_was_appended_is_read_back_in_a_chain(path: Path) -> None:
    events = list(read_events(path))
    assert [e.payload["number"] for e in events] == list(range(6))
    assert [e.seq for e in events] == list(range(6))
    assert [e.prev for e in events] == [GENESIS, *(e.hash for e in events[:-1])]


def test_a_reopened_log_goes_on_with_the_chain(path: Path) -> None:
    log = EventLog(path, "r")
    assert log.repaired is None
    assert log.append("more", {}, "tester").seq == 6
    log.close()
    assert len(list(read_events(path))) == 7


@pytest.mark.parametrize("cut", [1, 7, 60])
def test_a_torn_last_line_is_cut_off_with_a_notice(path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:-cut])
    assert len(list(read_events(path))) == 5
    log = EventLog(path, "r")
    assert log.repaired is not None
    assert "torn" in log.repaired
    assert log.append("again", {}, "tester").seq == 5
    log.close()
    assert len(list(read_events(path))) == 6


TAMPERING: dict[str, tuple[Any, str]] = {
    "a changed payload": (lambda lines: lines.__setitem__(2, lines[2].replace('"number":2', '"number":9')), "event 2"),
    "a removed event": (lambda lines: lines.pop(3), "event 3 is missing"),
    "two events swapped": (lambda lines: lines.insert(1, lines.pop(2)), "event 1 is missing"),
    "an inserted event": (lambda lines: lines.insert(3, lines[2]), "event 3 is missing"),
    "a changed time": (lambda lines: lines.__setitem__(4, lines[4].replace('"time":"2', '"time":"1')), "event 4"),
    "noise": (lambda lines: lines.__setitem__(1, "{{{"), "event 1 is not a readable event"),
    "spacing": (lambda lines: lines.__setitem__(5, lines[5].replace(":", ": ", 1)), "event 5"),
}


@pytest.mark.parametrize("name", sorted(TAMPERING))
def test_tampering_is_named_by_sequence_number(path: Path, name: str) -> None:
    change, told = TAMPERING[name]
    lines = path.read_text().splitlines()
    change(lines)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(IntegrityError, match=told):
        list(read_events(path))
    with pytest.raises(IntegrityError, match=told):
        EventLog(path, "r")


def test_a_rehashed_event_breaks_the_link_of_the_next(path: Path) -> None:
    from evidentia.workspace.canonical import canonical, content_id

    lines = path.read_bytes().splitlines()
    event = json.loads(lines[2])
    event["payload"]["number"] = 99
    del event["hash"]
    event["hash"] = content_id(event)
    lines[2] = canonical(event)
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(IntegrityError, match="event 3"):
        list(read_events(path))


OTHER_SPELLINGS = {
    "a whole number with a point": (b'"number":2', b'"number":2.0'),
    "an exponent": (b'"number":2', b'"number":2e0'),
    "an escape": ("☃".encode(), b"\\u2603"),
    "a key twice": (b'"number":2', b'"number":2,"number":2'),
    "another order": (b'"number":2,"text":"\xc3\xbcn\xc3\xaf \xe2\x98\x83"', b'"text":"","number":2'),
    "a space": (b'"number":2', b'"number": 2'),
}


@pytest.mark.parametrize("name", sorted(OTHER_SPELLINGS))
def test_a_line_that_is_not_canonical_is_refused_even_with_the_hash_of_its_bytes(path: Path, name: str) -> None:
    old, new = OTHER_SPELLINGS[name]
    lines = path.read_bytes().splitlines()[:3]
    assert old in lines[2]
    digest = json.loads(lines[2])["hash"].encode()
    bare = lines[2].replace(b'"hash":"%b",' % digest, b"").replace(old, new)
    changed = lines[2].replace(old, new).replace(digest, hashlib.sha256(bare).hexdigest().encode())
    path.write_bytes(b"\n".join([*lines[:2], changed]) + b"\n")
    with pytest.raises(IntegrityError, match="event 2"):
        list(read_events(path))


def test_a_second_writer_is_refused_with_a_sentence(path: Path) -> None:
    first = EventLog(path, "r")
    with pytest.raises(BadInputError, match="another process"):
        EventLog(path, "r")
    first.close()
    EventLog(path, "r").close()


WRITER = """
import pathlib, sys
from evidentia.workspace.eventlog import append_event
for _ in range(20):
    append_event(pathlib.Path(sys.argv[1]), "shared", "counted", {"writer": sys.argv[2]}, "tester")
"""


def test_many_processes_may_share_a_log_by_turns(tmp_path: Path) -> None:
    path = tmp_path / "shared.jsonl"
    writers = [subprocess.Popen([sys.executable, "-I", "-c", WRITER, str(path), name]) for name in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    events = list(read_events(path))
    assert len(events) == 60
    assert sorted({e.payload["writer"] for e in events}) == ["a", "b", "c"]


def test_a_shared_append_reads_only_the_end(tmp_path: Path) -> None:
    path = tmp_path / "shared.jsonl"
    append_event(path, "shared", "first", {"text": "x" * 20_000}, "tester")
    append_event(path, "shared", "second", {}, "tester")
    path.write_bytes(path.read_bytes() + b'{"torn')
    assert append_event(path, "shared", "third", {}, "tester").seq == 2
    assert [e.kind for e in read_events(path)] == ["first", "second", "third"]


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB; needs the right to mount, as in CI."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("cannot mount a small tmpfs here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_loses_nothing_that_was_acknowledged(full_disk: Path) -> None:
    log = EventLog(full_disk / "log.jsonl", "r")
    acknowledged = 0

    def fill() -> None:
        nonlocal acknowledged
        while True:
            log.append("filled", {"text": "x" * 3000}, "tester")
            acknowledged += 1

    with pytest.raises(BadInputError, match=r"No space left.*resume r"):
        fill()
    log.close()
    assert acknowledged > 5
    assert len(list(read_events(full_disk / "log.jsonl"))) == acknowledged
    again = EventLog(full_disk / "log.jsonl", "r")
    assert again.repaired is None
    again.close()


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="cannot write the log"):
        EventLog(tmp_path / "file" / "log.jsonl", "r")


def test_events_are_on_disk_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(os.fstat(handle).st_size)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    log = EventLog(tmp_path / "log.jsonl", "r")
    log.append("one", {}, "tester")
    assert synced[-1] == (tmp_path / "log.jsonl").stat().st_size
    log.close()


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of the file at each fsync; each takes a while, so that others come to wait."""
    sizes: list[int] = []

    def fsync(handle: int) -> None:
        size = os.fstat(handle).st_size
        time.sleep(0.01)
        sizes.append(size)

    monkeypatch.setattr(os, "fsync", fsync)
    return sizes


def test_threads_that_wait_share_an_fsync_and_none_returns_before_its_event_is_durable(
    tmp_path: Path, syncs: list[int]
) -> None:
    path = tmp_path / "log.jsonl"
    log, early = EventLog(path, "r"), []

    def work(name: int) -> None:
        for number in range(5):
            event = log.append("done", {"worker": name, "number": number}, "tester")
            end = path.read_bytes().find(event.hash.encode())
            early.append(max(syncs) < end)

    workers = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    log.close()
    assert len(list(read_events(path))) == 40
    assert early == [False] * 40
    assert len(syncs) < 30


def test_what_nobody_waits_for_is_durable_with_the_next_or_soon(tmp_path: Path, syncs: list[int]) -> None:
    path, told = tmp_path / "log.jsonl", list[tuple[int, int]]()
    log = EventLog(path, "r")
    log.listener = lambda event: told.append((event.seq, len(syncs)))
    for _ in range(4):
        log.append("step", {}, "tester", wait=False)
    log.append("end of a step", {}, "tester")
    assert syncs[-1] == path.stat().st_size
    assert [seq for seq, _ in told] == [0, 1, 2, 3, 4]
    assert all(done > 0 for _, done in told)
    log.append("nobody waits", {}, "tester", wait=False)
    deadline = time.monotonic() + 5
    while len(told) < 6 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert syncs[-1] == path.stat().st_size
    log.append("last", {}, "tester", wait=False)
    log.close()
    assert syncs[-1] == path.stat().st_size
    assert [e.kind for e in read_events(path)][-2:] == ["nobody waits", "last"]


def test_a_log_can_be_closed_at_any_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evidentia.workspace.eventlog.LINGER", 0.0005)
    for number in range(100):
        log = EventLog(tmp_path / f"{number}.jsonl", "r")
        log.append("one", {}, "tester", wait=False)
        time.sleep(number * 2e-5)
        log.close()


def test_a_disk_that_refuses_to_sync_takes_back_what_was_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    log = EventLog(path, "r")
    log.append("kept", {}, "tester")
    real = os.fsync

    def refuse(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(BadInputError, match=r"No space left.*resume r"):
        log.append("lost", {}, "tester")
    monkeypatch.setattr(os, "fsync", real)
    with pytest.raises(BadInputError, match="No space left"):  # what was built on the lost event is wrong
        log.append("later", {}, "tester")
    log.close()
    assert [e.kind for e in read_events(path)] == ["kept"]
    again = EventLog(path, "r")
    assert again.append("again", {}, "tester").seq == 1
    again.close()
