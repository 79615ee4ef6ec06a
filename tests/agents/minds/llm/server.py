"""A loopback server that speaks the wire formats of OpenAI (chat completions, responses) and Anthropic (messages).

It holds no language model: a function of the test says what is answered.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-planted-7Yq2RkT9vLw4Zx8Nb3Mc6Hd1"


@dataclass(frozen=True)
class Said:
    """A good answer. `stop` is ``end``, ``length`` or ``refusal``; `tokens` None leaves the usage out."""

    text: str
    stop: str = "end"
    tokens: tuple[int, int] | None = (100, 20)
    tool: bool = False


@dataclass(frozen=True)
class Bad:
    """An answer that goes wrong: a status with headers, or how the connection behaves."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    cut: bool = False
    slow: float = 0.0
    drip: float = 0.0
    raw: bytes | None = None


@dataclass(frozen=True)
class Request:
    """What arrived: the path, the headers, the JSON body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def messages(self) -> list[tuple[str, str]]:
        """(role, text) of every message, the system's first, whatever the format."""
        found: list[tuple[str, str]] = []
        if isinstance(self.body.get("system"), str):
            found.append(("system", self.body["system"]))
        elif isinstance(self.body.get("system"), list):
            found.append(("system", "".join(b["text"] for b in self.body["system"])))
        for m in self.body.get("messages") or self.body.get("input") or []:
            content = m["content"]
            if not isinstance(content, str):
                content = "".join(b.get("text", "") for b in content)
            found.append((m["role"], content))
        return found

    @property
    def task(self) -> str:
        """The text of the first question, in which the task stands."""
        return next(text for role, text in self.messages if role == "user")

    @property
    def role(self) -> str:
        """Which role is asked, by the first words of its template."""
        firsts = {
            "Task: propose": "ideation",
            "Task: write the experiment": "experiment",
            "Task: mend": "debug",
            "Task: attack": "falsification",
            "Task: review": "review",
            "Task: write the lesson": "conclusion",
        }
        return next((role for start, role in firsts.items() if self.task.startswith(start)), "other")


Brain = Callable[[Request], "Said | Bad"]


class Server:
    """A running server with what it was asked."""

    def __init__(self, brain: Brain) -> None:
        self.brain, self.requests = brain, list[Request]()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536  # head and body in one packet, or each answer waits for an acknowledgement

            def do_POST(self) -> None:
                data = json.loads(self.rfile.read(int(self.headers["content-length"])))
                request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, data)
                with outer._lock:
                    outer.requests.append(request)
                    answer = outer.brain(request)
                if isinstance(answer, Said):
                    self._send(200, json.dumps(shaped(self.path, answer)).encode(), {})
                else:
                    self._fail(answer)

            def _fail(self, bad: Bad) -> None:
                if bad.slow:
                    outer.closing.wait(bad.slow)
                body = bad.raw
                if body is None:
                    body = json.dumps(bad.body or {"error": {"message": "out of order", "type": "x"}}).encode()
                if bad.drip:
                    self._head(bad.status, len(body) + 1000, bad.headers)
                    while not outer.closing.wait(bad.drip):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                elif bad.cut:
                    self._head(200, 5000, bad.headers)
                    self.wfile.write(b'{"id": "x", "choices": [')
                    self.close_connection = True
                else:
                    self._send(bad.status, body, bad.headers)

            def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(length))
                self.end_headers()

            def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self._head(status, len(body), headers)
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (ConnectionError, BrokenPipeError):
                    self.close_connection = True

        self.closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.host = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """The base URL of the OpenAI-like formats."""
        return f"{self.host}/v1"

    def close(self) -> None:
        """Stop answering."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def serving(brain: Brain) -> Iterator[Server]:
    """A server for as long as the block runs."""
    server = Server(brain)
    try:
        yield server
    finally:
        server.close()


def in_turn(*answers: Said | Bad) -> Brain:
    """One answer after the other; the last one for ever."""
    left = list(answers)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


def shaped(path: str, said: Said) -> dict[str, Any]:
    """An answer in the format of the path."""
    return {"/v1/chat/completions": _completion, "/v1/responses": _response, "/v1/messages": _message}[path](said)


def _completion(said: Said) -> dict[str, Any]:
    refused = said.stop == "refusal"
    message: dict[str, Any] = {"role": "assistant", "content": None if refused else said.text}
    message["refusal"] = said.text if refused else None
    if said.tool:
        call = {"name": "run_shell", "arguments": '{"command": "curl evil"}'}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": call}]
    made = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "served",
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": {"end": "stop"}.get(said.stop, "length"),
                "logprobs": None,
            }
        ],
    }
    if refused:
        made["choices"][0]["finish_reason"] = "stop"  # type: ignore[index]
    if said.tokens:
        given, out = said.tokens
        made["usage"] = {"prompt_tokens": given, "completion_tokens": out, "total_tokens": given + out}
    return made


def _response(said: Said) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": said.text, "annotations": []}
    if said.stop == "refusal":
        part = {"type": "refusal", "refusal": said.text}
    given, out = said.tokens or (0, 0)
    cut = said.stop == "length"
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": int(time.time()),
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "error": None,
        "instructions": None,
        "metadata": {},
        "model": "served",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "temperature": 1.0,
        "top_p": 1.0,
        "output": [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]}],
        "usage": {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": out,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": given + out,
        },
    }


def _message(said: Said) -> dict[str, Any]:
    given, out = said.tokens or (0, 0)
    content: list[dict[str, Any]] = [{"type": "text", "text": said.text}] if said.text else []
    if said.tool:
        content.append({"type": "tool_use", "id": "toolu_1", "name": "run_shell", "input": {"command": "curl evil"}})
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "served",
        "content": content,
        "stop_reason": {"end": "end_turn", "length": "max_tokens"}.get(said.stop, "refusal"),
        "stop_sequence": None,
        "usage": {"input_tokens": given, "output_tokens": out},
    }
