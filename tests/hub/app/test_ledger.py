"""The ledger on its page: paged, narrowed, checked event by event, and told where it is broken."""

from __future__ import annotations

import hashlib
import os
import time

import pytest
from starlette.testclient import TestClient

from evidentia.hub.app.pages.ledger import AT_ONCE, sentence
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace
from evidentia.workspace.ledger import record, record_verification
from evidentia.workspace.ledger_chain import LedgerChain
from evidentia.workspace.ledger_events import Retracted
from evidentia.workspace.records import Event
from evidentia.workspace.tailing import LogTail

CHECK = [{"rung": 1, "name": "<b>files</b>", "passed": False, "detail": "d"}]


def verified(home: Workspace, times: int) -> str:
    """So many verifications of the first package; its id."""
    name = home.package_names()[0]
    for _ in range(times):
        record_verification(home, name, 1, 0, CHECK, "verifier")
    return name


def test_chain_is_the_one_that_lies_there(home: Workspace) -> None:
    name = verified(home, 4)
    events = list(read_events(home.ledger_path))
    chain = LedgerChain(home.ledger_path)
    told = chain.check()
    assert (told.count, told.head, told.broken) == (len(events), events[-1].hash, "")
    assert chain.read(chain.find()) == events
    assert list(chain.find(kind="package.verified")) == [e.seq for e in events if e.kind == "package.verified"]
    assert list(chain.find(name)) == [e.seq for e in events if e.payload["package"] == name]
    both = [e.seq for e in events if e.payload["package"] == name and e.kind == "package.published"]
    assert list(chain.find(name, "package.published")) == both
    assert list(chain.find("nothing")) == []
    assert sum(chain.kinds().values()) == len(events)


def test_only_new_events_are_checked_one_by_one(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = LedgerChain(home.ledger_path)
    before = chain.check().count
    read: list[int] = []
    new = LogTail.new

    def counted(self: LogTail) -> object:
        for event, length in new(self):
            read.append(event.seq)
            yield event, length

    monkeypatch.setattr(LogTail, "new", counted)
    assert chain.check().count == before
    assert read == []
    verified(home, 2)
    assert chain.check().count == before + 2
    assert read == [before, before + 1]
    assert chain.check(anew=True).count == before + 2
    assert len(read) == before + 4


def test_change_anywhere_is_found_with_its_place(home: Workspace, reader: TestClient) -> None:
    verified(home, 6)
    chain = LedgerChain(home.ledger_path)
    whole = chain.check()
    lines = home.ledger_path.read_bytes().splitlines(keepends=True)
    for number in range(len(lines)):
        changed = [*lines[:number], lines[number].replace(b'"version":1', b'"version":2'), *lines[number + 1 :]]
        home.ledger_path.write_bytes(b"".join(changed))
        told = chain.check()
        assert told.count == number
        assert f"event {number} was changed after it was written (line {number + 1})" in told.broken
    home.ledger_path.write_bytes(b"".join([*lines[:3], *lines[4:]]))
    assert "event 3 is missing" in chain.check().broken
    page = reader.get("/ledger").text
    assert "The chain is broken" in page
    assert "event 3 is missing" in page
    assert page.count('class="card"') == 3
    home.ledger_path.write_bytes(b"".join(lines))
    assert chain.check() == whole


def test_chain_that_was_rewritten_whole_is_another_chain(home: Workspace) -> None:
    verified(home, 2)
    chain = LedgerChain(home.ledger_path)
    head = chain.check().head
    lines = home.ledger_path.read_bytes().splitlines(keepends=True)
    time.sleep(0.05)  # within one tick of the file system's clock a file of the same size looks the same
    home.ledger_path.write_bytes(b"".join(lines[:-1]))
    verified(home, 1)
    told = chain.check()
    assert told.count == len(lines)
    assert told.head != head
    assert chain.read([told.count - 1])[0].hash == told.head


def test_unfinished_last_line_waits_and_missing_ledger_is_empty(home: Workspace) -> None:
    chain = LedgerChain(home.ledger_path)
    count = chain.check().count
    with home.ledger_path.open("ab") as file:
        file.write(b'{"actor":"x"')
    assert (chain.check().count, chain.check().broken) == (count, "")
    os.remove(home.ledger_path)
    assert (chain.check().count, chain.check().broken) == (0, "")


def test_page_is_narrowed_paged_and_escaped(home: Workspace, reader: TestClient) -> None:
    name = verified(home, AT_ONCE + 5)
    record(home, Retracted(package=name, version=1, reason="<script>alert(1)</script>"), "<i>me</i>")
    events = list(read_events(home.ledger_path))
    page = reader.get("/ledger").text
    assert f"{len(events)} events, each with the hash" in page
    assert events[-1].hash in page
    assert "retracted: &lt;script&gt;" in page
    assert "<i>me" not in page
    assert "&lt;b&gt;files" in page
    assert page.count('class="card"') == AT_ONCE
    assert f'id="e{events[-1].seq}"' in page
    older = reader.get("/ledger?page=1").text
    assert 'id="e0"' in older
    assert f'id="e{events[-1].seq}"' not in older
    assert 'id="e1"' in reader.get("/ledger?at=1").text
    published = reader.get("/ledger", params={"kind": "package.published"}).text
    assert published.count('class="card"') == len(home.package_names())
    assert reader.get("/ledger", params={"package": name, "kind": "package.retracted"}).text.count('class="card"') == 1
    assert "All were checked again in" in reader.get("/ledger?anew=true").text
    for odd in ({"package": "../.."}, {"kind": "<x>"}, {"page": 10**9}, {"at": 10**11}, {"package": "\x00"}):
        assert reader.get("/ledger", params=odd).status_code == 200
    for bad in ({"page": -1}, {"at": "x"}, {"package": "x" * 201}, {"page": 10**30}):
        assert reader.get("/ledger", params=bad).status_code == 422


def test_events_of_an_unknown_form_are_told_by_their_kind() -> None:
    body = {"schema": "event/1", "seq": 0, "time": "2026-01-01T00:00:00+00:00", "run": "ledger", "actor": "a"}
    digest = hashlib.sha256(b"").hexdigest()
    for kind in ("package.published", "package.verified", "tension.resolved", "something.else"):
        event = Event.model_validate({**body, "kind": kind, "payload": {"package": 3}, "prev": digest, "hash": digest})
        assert sentence(event) == kind
