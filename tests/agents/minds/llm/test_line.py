"""Requests over the real SDKs to a loopback server: what passes is tried again, what does not is told plainly."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from evidentia.agents.minds.llm.account import Account
from evidentia.agents.minds.llm.answers import Reply
from evidentia.agents.minds.llm.line import Line, ModelError
from evidentia.agents.minds.llm.names import ModelName
from evidentia.agents.minds.llm.prices import Price, Prices
from evidentia.errors import RunInterruptedError
from tests.agents.minds.llm.conftest import PROVIDERS, line, model
from tests.agents.minds.llm.server import KEY, Bad, Brain, Said, Server, in_turn

Serve = Callable[[Brain], Server]
MESSAGES = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Say hello."}]
SHAPES = pytest.mark.parametrize("provider", PROVIDERS)


@SHAPES
def test_a_good_answer_arrives_with_its_usage(serve: Serve, provider: str) -> None:
    server = serve(in_turn(Said("hello", tokens=(31, 7))))
    assert line().ask("review", model(provider, server), MESSAGES) == Reply("hello", "end", (31, 7))
    assert server.requests[0].messages == [("system", "Be short."), ("user", "Say hello.")]


@SHAPES
@pytest.mark.parametrize(
    ("said", "stop"),
    [(Said("I cannot", stop="refusal"), "refusal"), (Said("half of", stop="length"), "length"), (Said(""), "end")],
    ids=["refusal", "truncation", "empty"],
)
def test_why_an_answer_ended_is_known(serve: Serve, provider: str, said: Said, stop: str) -> None:
    reply = line().ask("review", model(provider, serve(in_turn(said))), MESSAGES)
    assert (reply.text, reply.stop) == (said.text, stop)


@SHAPES
@pytest.mark.parametrize(
    "bad",
    [
        Bad(429, {"retry-after": "0"}),
        Bad(429, {"retry-after-ms": "5"}),
        Bad(500),
        Bad(503),
        Bad(529),
        Bad(cut=True),
        Bad(200, raw=b'{"choices": ['),
        Bad(200, raw=b"<html>gateway</html>"),
    ],
    ids=["429", "429-ms", "500", "503", "529", "cut", "half-json", "html"],
)
def test_a_fault_that_passes_is_tried_again(serve: Serve, provider: str, bad: Bad) -> None:
    server = serve(in_turn(bad, bad, Said("at last")))
    assert line().ask("review", model(provider, server), MESSAGES).text == "at last"
    assert len(server.requests) == 3


@SHAPES
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (Bad(401, body={"error": {"message": f"wrong key {KEY}"}}), "status 401: wrong key"),
        (Bad(404, body={"error": {"message": "no such model"}}), "status 404: no such model"),
        (Bad(400, body={"error": {"message": "maximum context length is 8192 tokens"}}), "status 400: maximum context"),
        (Bad(429, body={"error": {"message": "pay first", "code": "insufficient_quota"}}), "status 429: pay first"),
        (Bad(429, {"retry-after": "86400"}), "asks to wait 86400 seconds"),
    ],
    ids=["key", "model", "context", "quota", "tomorrow"],
)
def test_a_fault_that_does_not_pass_is_told_at_once(serve: Serve, provider: str, bad: Bad, words: str) -> None:
    server = serve(in_turn(bad))
    with pytest.raises(ModelError, match=words) as told:
        line().ask("review", model(provider, server), MESSAGES)
    assert KEY not in str(told.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("wait", ["0.4", "date"])
def test_retry_after_is_waited_for(serve: Serve, wait: str) -> None:
    # A date has whole seconds: two seconds ahead is more than one away.
    after, least = (formatdate(time.time() + 2, usegmt=True), 0.9) if wait == "date" else (wait, 0.4)
    server = serve(in_turn(Bad(429, {"retry-after": after}), Said("ok")))
    began = time.monotonic()
    assert line().ask("review", model("openai", server), MESSAGES).text == "ok"
    assert time.monotonic() - began >= least


def test_tries_end(serve: Serve) -> None:
    server = serve(in_turn(Bad(500, body={"error": {"message": "on fire"}})))
    with pytest.raises(ModelError, match="after 4 attempts: status 500: on fire"):
        line().ask("review", model("openai", server), MESSAGES)
    assert len(server.requests) == 4


@SHAPES
@pytest.mark.parametrize("bad", [Bad(slow=20.0), Bad(200, drip=0.02)], ids=["silent", "dripping"])
def test_a_request_is_bounded_in_all(serve: Serve, provider: str, bad: Bad) -> None:
    began = time.monotonic()
    with pytest.raises(ModelError, match="no answer in time; allow more with --model-timeout"):
        line(request_seconds=0.3).ask("review", model(provider, serve(in_turn(bad))), MESSAGES)
    assert time.monotonic() - began < 5


def test_a_run_is_bounded_in_all(serve: Serve) -> None:
    server = serve(in_turn(Bad(slow=0.3, status=500)))
    with pytest.raises(ModelError, match=r"no answer in time|time for models is spent"):
        line(run_seconds=0.5, retries=20).ask("review", model("openai", server), MESSAGES)
    assert len(server.requests) <= 3


def test_a_server_that_is_not_there_is_named_by_its_fault() -> None:
    with pytest.raises(ModelError, match="connection failed or was cut"):
        line(retries=1).ask("review", ModelName("openai", "served", "http://127.0.0.1:9/v1"), MESSAGES)


@SHAPES
def test_calls_of_tools_are_ignored_and_no_tools_are_offered(serve: Serve, provider: str) -> None:
    server = serve(in_turn(Said("words", tool=True)))
    assert line().ask("review", model(provider, server), MESSAGES).text == "words"
    assert not {"tools", "functions", "tool_choice"} & server.requests[0].body.keys()


@SHAPES
def test_what_was_asked_is_not_asked_again(serve: Serve, provider: str, tmp_path: Path) -> None:
    server = serve(in_turn(Said("one", tokens=(5, 1)), Said("two", tokens=(5, 1))))
    name, account = model(provider, server), Account()
    assert line(tmp_path, account=account).ask("review", name, MESSAGES).text == "one"
    assert line(tmp_path, account=account).ask("review", name, MESSAGES) == Reply("one", "end", (5, 1))
    assert line(tmp_path).ask("review", name, [*MESSAGES, {"role": "user", "content": "Again."}]).text == "two"
    used = account.used["review", name.label]
    assert (used.calls, used.kept, used.input_tokens) == (1, 1, 5)


def test_a_damaged_answer_is_asked_for_again(serve: Serve, tmp_path: Path) -> None:
    server = serve(in_turn(Said("one"), Said("two"), Said("three")))
    name = model("openai", server)
    line(tmp_path).ask("review", name, MESSAGES)
    (kept,) = tmp_path.rglob("*.json")
    for damage, answer in ((kept.read_bytes()[:-40], "two"), (b'{"request": {}, "reply": {"text": "lie"}}', "three")):
        kept.write_bytes(damage)
        assert line(tmp_path).ask("review", name, MESSAGES).text == answer


def test_a_key_that_a_server_sends_back_is_kept_nowhere(serve: Serve, tmp_path: Path) -> None:
    server = serve(in_turn(Said(f"your key is {KEY}")))
    assert line(tmp_path).ask("review", model("openai", server), MESSAGES).text == "your key is [key]"
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert all(KEY.encode() not in p.read_bytes() for p in tmp_path.rglob("*.json"))


@SHAPES
def test_a_providers_key_is_not_sent_to_another_server(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    monkeypatch.setenv("EVIDENTIA_API_KEY", "")
    server = serve(in_turn(Said("hello")))
    line().ask("review", model(provider, server), MESSAGES)
    assert KEY not in str(server.requests[0].headers)


def test_a_key_may_lie_in_the_keyring(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring", reason="the keyring is an optional extra")
    asked: list[tuple[str, str]] = []

    def get(service: str, name: str) -> str:
        asked.append((service, name))
        return "from-the-keyring"

    monkeypatch.setenv("EVIDENTIA_API_KEY", "")
    monkeypatch.setattr(keyring, "get_password", get)
    server = serve(in_turn(Said("hello")))
    line().ask("review", model("openai", server), MESSAGES)
    assert server.requests[0].headers["authorization"] == "Bearer from-the-keyring"
    assert set(asked) == {("evidentia", "127.0.0.1")}


def test_nothing_is_traced_to_anyone_else(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    spy: list[Any] = []
    tracer = serve(lambda request: spy.append(request) or Said(""))  # type: ignore[func-returns-value]
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", tracer.host)
    monkeypatch.setenv("LANGSMITH_API_KEY", "none")
    line().ask("review", model("openai", serve(in_turn(Said("hello")))), MESSAGES)
    from langsmith import run_trees

    if run_trees._CLIENT is not None:
        run_trees._CLIENT.flush()
    assert spy == []


def test_requests_are_spread_over_the_minute(serve: Serve) -> None:
    server = serve(in_turn(Said("ok")))
    spread, name = line(requests_per_minute=300.0), model("openai", server)
    began = time.monotonic()
    for number in range(3):
        spread.ask("review", name, [{"role": "user", "content": str(number)}])
    assert time.monotonic() - began >= 0.35


def test_tokens_and_money_are_counted_by_role(serve: Serve) -> None:
    server = serve(in_turn(Said("a", tokens=(1000, 100)), Said("b", tokens=(2000, 50)), Said("c", tokens=None)))
    name = model("openai", server)
    account = Account(Prices(own={name.label: Price(2.0, 10.0)}))
    asked = line(account=account)
    for number, role in enumerate(("ideation", "review", "review")):
        asked.ask(role, name, [{"role": "user", "content": str(number)}])
    assert account.used["ideation", name.label].usd == pytest.approx((1000 * 2 + 100 * 10) / 1e6)
    assert account.used["review", name.label].usd is None  # one request told no usage: the sum is not known
    assert account.used["review", name.label].unmetered == 1
    spending = account.spending()
    assert (spending.calls, spending.input_tokens, spending.output_tokens) == (3, 3000, 150)
    assert any("cost unknown" in told and "review" in told for told in account.lines())


def stopped_while(asking: Line, name: ModelName, begun: Callable[[], bool]) -> float:
    """Seconds from `stop` to the end of a request that had begun; it must end as interrupted."""
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(asking.ask, "review", name, MESSAGES)
        while not begun() and not sent.done():
            time.sleep(0.01)
        began = time.monotonic()
        asking.stop()
        with pytest.raises(RunInterruptedError):
            sent.result(30)
    return time.monotonic() - began


@SHAPES
def test_a_request_in_flight_is_given_up_when_the_run_stops(serve: Serve, provider: str) -> None:
    server = serve(in_turn(Bad(slow=60.0)))
    asking = line(request_seconds=60.0)
    assert stopped_while(asking, model(provider, server), lambda: bool(server.requests)) < 2
    with pytest.raises(RunInterruptedError):
        asking.ask("review", model(provider, server), MESSAGES)
    assert len(server.requests) == 1


def test_no_wait_outlives_the_run(serve: Serve) -> None:
    busy = serve(in_turn(Bad(429, {"retry-after": "60"})))
    assert stopped_while(line(longest_wait=100.0), model("openai", busy), lambda: bool(busy.requests)) < 2
    rated = line(requests_per_minute=1)
    server = serve(in_turn(Said("hello")))
    while rated._limiter is not None and rated._limiter.acquire(blocking=False):
        pass
    assert stopped_while(rated, model("openai", server), lambda: True) < 2
    assert not server.requests
