"""One careful request: what fails is tried again or told, what is slow or large is cut off, what is known is kept."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from evidentia.agents.literature import fetching
from evidentia.agents.literature.cache import Fetched
from evidentia.agents.literature.fetching import Fetcher, FetchError
from evidentia.agents.literature.politeness import turn
from evidentia.agents.literature.settings import Settings, from_environment
from evidentia.errors import BadInputError
from evidentia.workspace.canonical import sha256
from tests.agents.literature.loopback import Answer, Loopback

Fetchers = Callable[..., Fetcher]


def fine(_: bytes) -> None:
    return None


def get(fetcher: Fetcher, loopback: Loopback, **more: Any) -> Fetched:
    return fetcher.get("Service", f"{loopback.url}/x", more.pop("check", fine), **more)


def test_an_answer_comes_with_its_address_its_time_and_its_hash(loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.script["/x"] = [Answer(b"good")]
    before = datetime.now(UTC)
    found = get(fetcher(), loopback, query={"q": "a b"})
    assert (found.body, found.url) == (b"good", f"{loopback.url}/x?q=a+b")
    assert found.sha256 == sha256(b"good")
    assert before - timedelta(seconds=1) <= datetime.fromisoformat(found.retrieved) <= datetime.now(UTC)
    assert loopback.agents[0].startswith("evidentia/")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again_with_growing_waits(
    status: int, loopback: Loopback, fetcher: Fetchers
) -> None:
    loopback.script["/x"] = [Answer(status=status), Answer(status=status), Answer(b"good")]
    waits: list[float] = []
    assert get(fetcher(waits), loopback).body == b"good"
    assert waits == [1.0, 2.0]


def test_retry_after_is_honoured_in_seconds_and_as_a_date(loopback: Loopback, fetcher: Fetchers) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)
    loopback.script["/x"] = [
        Answer(status=429, headers={"Retry-After": "7"}),
        Answer(status=503, headers={"Retry-After": at}),
        Answer(b"good"),
    ]
    waits: list[float] = []
    assert get(fetcher(waits), loopback).body == b"good"
    assert waits[0] == 7.0
    assert 20 < waits[1] <= 50


@pytest.mark.parametrize("header", ["soon", "", "-5", "1e9", "Wed, 99 Foo 2026 25:61:61 GMT", "5; drop", "٣"])
def test_a_retry_after_that_is_none_counts_as_none(header: str, loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.script["/x"] = [
        Answer(status=429, headers={"Retry-After": header.encode().decode("latin-1")}),
        Answer(b"good"),
    ]
    waits: list[float] = []
    assert get(fetcher(waits), loopback).body == b"good"
    assert waits == [1.0]


def test_a_service_that_asks_for_an_hour_is_not_waited_for(loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.script["/x"] = [Answer(status=429, headers={"Retry-After": "3600"})]
    waits: list[float] = []
    with pytest.raises(
        FetchError,
        match=r"^Service answered HTTP 429 and asks to wait 3,600 s, longer than the 60 s that a look-up may take$",
    ):
        get(fetcher(waits), loopback)
    assert waits == []
    assert len(loopback.asked) == 1


@pytest.mark.parametrize(("status", "times"), [(500, 3), (429, 3), (404, 1), (400, 1), (301, 1)])
def test_a_failure_that_stays_is_one_sentence(status: int, times: int, loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.script["/x"] = [Answer(b"<html>", status=status, headers={"Location": "http://127.0.0.1:1/"})]
    with pytest.raises(FetchError, match=f"^Service answered HTTP {status}") as caught:
        get(fetcher(), loopback)
    assert len(loopback.asked) == times
    assert "\n" not in str(caught.value)


def test_a_silent_service_is_left_after_the_time_limit(loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.script["/x"] = [Answer(b"late", wait=60.0)]
    start = time.monotonic()
    with pytest.raises(FetchError, match=r"did not answer within 0.2 s \(2 tries\)"):
        get(fetcher(lookup_timeout_seconds=0.2, lookup_tries=2), loopback)
    assert time.monotonic() - start < 30


def test_a_service_that_drips_is_left_as_well(loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.script["/x"] = [Answer(b"x" * 40, pieces=40, pause=0.1)]
    with pytest.raises(FetchError, match=r"did not answer (whole )?within 0.5 s"):
        get(fetcher(lookup_timeout_seconds=0.5, lookup_tries=1), loopback)


def test_nobody_at_the_address_is_told(fetcher: Fetchers) -> None:
    with pytest.raises(FetchError, match=r"^Service cannot be reached \(.+\) \(3 tries\)$"):
        fetcher().get("Service", "http://127.0.0.1:9/x", fine)


def test_a_cut_off_answer_is_not_taken(loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.script["/x"] = [Answer(b"half", headers={"Transfer-Encoding": "chunked"})]
    with pytest.raises(FetchError, match="cannot be reached"):
        get(fetcher(lookup_tries=1), loopback)


def test_too_much_is_refused(loopback: Loopback, fetcher: Fetchers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 1000)
    loopback.script["/x"] = [Answer(b"x" * 5000)]
    with pytest.raises(FetchError, match=r"^Service answered more than 1,000 bytes$"):
        get(fetcher(), loopback)


def test_a_compressed_answer_is_refused_unread(loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.script["/x"] = [Answer(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})]
    with pytest.raises(FetchError, match="in the encoding 'gzip', which was not asked for"):
        get(fetcher(), loopback)


def test_a_question_asked_twice_costs_one_request(loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.script["/x"] = [Answer(b"good")]
    first, second = get(fetcher(), loopback), get(fetcher(), loopback)
    assert len(loopback.asked) == 1
    assert (second.body, second.retrieved, second.cached) == (first.body, first.retrieved, True)


def test_an_old_or_damaged_answer_on_disk_counts_as_none(loopback: Loopback, fetcher: Fetchers, tmp_path: Path) -> None:
    loopback.script["/x"] = [Answer(b"good")]
    get(fetcher(), loopback)
    get(fetcher(lookup_cache_days=0), loopback)
    assert len(loopback.asked) == 2
    (held,) = (tmp_path / "answers").glob("*.answer")
    for damaged in (b"", b"{", b"[]\n", held.read_bytes() + b"!", held.read_bytes()[:-1]):
        asked = len(loopback.asked)
        held.write_bytes(damaged)
        assert get(fetcher(), loopback).body == b"good"
        assert len(loopback.asked) == asked + 1


def test_what_a_check_finds_fault_with_is_not_kept(loopback: Loopback, fetcher: Fetchers) -> None:
    loopback.script["/x"] = [Answer(b"bad")]
    with pytest.raises(FetchError, match=r"^Service answered what cannot be used: it is bad \(3 tries\)$"):
        get(fetcher(), loopback, check=lambda _: "it is bad")
    get(fetcher(), loopback)
    assert len(loopback.asked) == 4


def test_a_disk_that_refuses_costs_nothing_but_the_next_request(
    loopback: Loopback, fetcher: Fetchers, tmp_path: Path
) -> None:
    (tmp_path / "answers").write_text("a file where the folder should be")
    loopback.script["/x"] = [Answer(b"good")]
    assert get(fetcher(), loopback, delay=3.0).body == b"good"
    assert get(fetcher(), loopback, delay=3.0).body == b"good"
    assert len(loopback.asked) == 2


def test_two_requests_are_apart_by_the_delay_whichever_process_makes_them(
    loopback: Loopback, fetcher: Fetchers
) -> None:
    loopback.script["/x"] = [Answer(b"good")]
    waits: list[float] = []
    get(fetcher(waits), loopback, query={"n": "1"}, delay=50.0)
    assert waits == []
    get(fetcher(waits), loopback, query={"n": "2"}, delay=50.0)
    assert len(waits) == 1
    assert 20 < waits[0] <= 50


ASK = """
import sys
from pathlib import Path
from evidentia.agents.literature.fetching import Fetcher
from evidentia.agents.literature.settings import Settings
fetcher = Fetcher(Settings(), Path(sys.argv[2]))
for number in range(2):
    fetcher.get("Service", sys.argv[1], lambda body: None, query={"n": f"{sys.argv[3]}.{number}"}, delay=0.5)
"""


def test_two_processes_at_once_keep_the_delay_and_ask_one_at_a_time(loopback: Loopback, tmp_path: Path) -> None:
    loopback.script["/x"] = [Answer(b"good", wait=0.2)]
    command = [sys.executable, "-c", ASK, f"{loopback.url}/x", str(tmp_path / "answers")]
    running = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    assert [p.wait(60) for p in running] == [0, 0, 0]
    assert len(loopback.times) == 6
    assert min(b - a for a, b in pairwise(sorted(loopback.times))) >= 0.6  # the delay begins where an answer ends


def test_who_waits_too_long_for_a_turn_is_told_why(loopback: Loopback, fetcher: Fetchers, tmp_path: Path) -> None:
    loopback.script["/x"] = [Answer(b"good")]
    patient = fetcher(lookup_patience_seconds=0.3)
    with turn(tmp_path / "answers" / ".last-service", 3.0, time.monotonic() + 1, time.sleep) as ours:
        assert ours
        with pytest.raises(FetchError, match="one at a time"):
            get(patient, loopback, delay=3.0)
    assert loopback.asked == []


def test_a_key_is_sent_and_neither_kept_nor_told(loopback: Loopback, fetcher: Fetchers, tmp_path: Path) -> None:
    loopback.script["/x"] = [Answer(b"good")]
    found = get(fetcher(), loopback, query={"q": "1"}, secret={"api_key": "hunter2"})
    assert "api_key=hunter2" in loopback.asked[0]
    assert "hunter2" not in found.url
    assert not any(b"hunter2" in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert "hunter2" not in repr(Settings(openalex_key="hunter2"))
    loopback.script["/x"] = [Answer(status=404)]
    with pytest.raises(FetchError) as caught:
        get(fetcher(), loopback, query={"q": "2"}, secret={"api_key": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_settings_come_from_the_environment_and_are_checked() -> None:
    assert from_environment({}) == Settings()
    given = {"EVIDENTIA_ARXIV_URL": "http://127.0.0.1:1/api", "EVIDENTIA_ARXIV_DELAY_SECONDS": "5", "OTHER": "x"}
    assert from_environment(given) == Settings(arxiv_url="http://127.0.0.1:1/api", arxiv_delay_seconds=5)
    for name, value in (
        ("EVIDENTIA_ARXIV_URL", "file:///etc/passwd"),
        ("EVIDENTIA_LOOKUP_TRIES", "many"),
        ("EVIDENTIA_LOOKUP_TIMEOUT_SECONDS", "nan"),
    ):
        with pytest.raises(BadInputError, match=f"the environment variable {name} cannot be used"):
            from_environment({name: value})
