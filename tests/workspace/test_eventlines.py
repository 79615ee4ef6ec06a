"""Events read from the file when looked at: the same ones, in order, each checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import IntegrityError
from evidentia.workspace.eventlines import Events
from evidentia.workspace.eventlog import EventLog


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    """Twelve events of growing size."""
    log = EventLog(tmp_path_factory.mktemp("log") / "log.jsonl", "r")
    for number in range(12):
        log.append("counted", {"number": number, "text": "ü" * 50 * number}, "tester", wait=False)
    log.sync()
    return log


def numbers(events: list[int] | Events) -> list[int]:
    return [e.payload["number"] for e in events]  # type: ignore[union-attr]


@given(st.slices(12), st.integers(-12, 11), st.booleans())
@settings(deadline=None, derandomize=True)
def test_they_are_looked_up_like_a_list(log: EventLog, part: slice, index: int, read_before: bool) -> None:
    events, expected = Events(log.path), list(range(12))
    if read_before:
        assert numbers(events) == expected
    assert events[index].payload["number"] == expected[index]
    assert [e.seq for e in events[part]] == expected[part]
    assert len(events) == 12
    assert numbers(events) == expected == numbers(log.events)


def test_one_that_is_not_there_is_no_event(log: EventLog) -> None:
    for index in (12, -13):
        with pytest.raises(IndexError):
            Events(log.path)[index]


@given(st.integers(0, 11), st.integers(0, 11))
@settings(deadline=None, derandomize=True)
def test_looking_elsewhere_while_reading_changes_nothing(log: EventLog, when: int, where: int) -> None:
    events, seen = Events(log.path), []
    for event in events:
        seen.append(event.seq)
        if event.seq == when:
            assert events[where].seq == where
    assert seen == list(range(12))


def test_what_is_written_later_belongs_to_the_writer_only(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log.jsonl", "r")
    log.append("one", {}, "tester")
    before = Events(log.path)
    log.append("two", {}, "tester")
    assert [e.kind for e in before] == ["one"]
    assert [e.kind for e in log.events] == ["one", "two"]
    log.close()


def test_a_line_changed_after_it_was_checked_is_refused_when_looked_at(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log.jsonl", "r")
    log.append("one", {"number": 1}, "tester")
    log.close()
    log.path.write_bytes(log.path.read_bytes().replace(b'"number":1', b'"number":2'))
    with pytest.raises(IntegrityError, match="event 0 was changed"):
        log.events[0]
