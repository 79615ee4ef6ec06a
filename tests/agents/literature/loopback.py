"""A loopback server that speaks as arXiv (Atom) and OpenAlex (JSON) do, or as badly as it is told to."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape, quoteattr

Entry = dict[str, Any]
CANNED: dict[str, Entry] = {e["id"]: e for e in json.loads(Path(__file__).with_name("abstracts.json").read_text())}


@dataclass(frozen=True)
class Answer:
    """One HTTP answer: after `wait` seconds, its body in pieces with `pause` seconds between them."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    pieces: int = 1
    pause: float = 0.0


def atom(entries: list[Entry], *, total: int | None = None) -> bytes:
    """A feed as arXiv's query interface gives it; the fields of an entry are escaped as it escapes them."""
    told = "".join(_entry(e) for e in entries)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom">'
        "<id>https://arxiv.org/api/loopback</id><title>arXiv Query</title><updated>2026-11-21T00:00:00Z</updated>"
        f"<opensearch:itemsPerPage>{len(entries)}</opensearch:itemsPerPage>"
        f"<opensearch:totalResults>{len(entries) if total is None else total}</opensearch:totalResults>"
        f"<opensearch:startIndex>0</opensearch:startIndex>{told}</feed>"
    ).encode()


def _entry(e: Entry) -> str:
    authors = "".join(f"<author><name>{escape(n)}</name></author>" for n in e["authors"])
    doi = f"<arxiv:doi>{escape(e['doi'])}</arxiv:doi>" if e.get("doi") else ""
    categories = "".join(f"<category term={quoteattr(c)}/>" for c in e.get("categories", ["cs.LG"]))
    return (
        f"<entry><id>{escape(e.get('url', 'http://arxiv.org/abs/' + e['id']))}</id>"
        f"<title>{escape(e['title'])}</title><published>{e.get('published', '2022-05-27T17:53:09Z')}</published>"
        f"<updated>2022-06-23T17:53:09Z</updated><summary>{escape(e['abstract'])}</summary>{authors}{doi}{categories}"
        "<arxiv:primary_category term='cs.LG'/></entry>"
    )


def works(entries: list[Entry]) -> bytes:
    """A page of works as OpenAlex gives it."""
    return json.dumps({"meta": {"count": len(entries)}, "results": [work(e) for e in entries]}).encode()


def work(e: Entry) -> dict[str, Any]:
    """One work, its abstract as an inverted index."""
    index: dict[str, list[int]] = {}
    for place, word in enumerate(e["abstract"].split()):
        index.setdefault(word, []).append(place)
    return {
        "id": e.get("openalex", "https://openalex.org/W4281758439"),
        "doi": e.get("doi"),
        "title": e["title"],
        "publication_year": e.get("year", 2022),
        "publication_date": "2022-05-27",
        "authorships": [{"author": {"display_name": name}} for name in e["authors"]],
        "abstract_inverted_index": index,
        "primary_location": {"license": "cc-by"},
    }


class Loopback:
    """The server: what it was asked, and what it answers at each path, one after the other, the last for ever."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.times: list[float] = []
        self.agents: list[str] = []
        self.script: dict[str, list[Answer]] = {}
        self._closed = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def arxiv(self, *answers: Answer) -> None:
        """What the query interface answers; by default what its papers are."""
        self.script["/api/query"] = list(answers)

    def openalex(self, *answers: Answer) -> None:
        """What the search of works answers; by default no works."""
        self.script["/works"] = list(answers)

    def queries(self, path: str) -> list[dict[str, str]]:
        """The queries asked at a path."""
        parts = [urlsplit(a) for a in self.asked]
        return [{k: v[0] for k, v in parse_qs(p.query).items()} for p in parts if p.path == path]

    def close(self) -> None:
        """Stop serving, and whatever is still waited for."""
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, query: dict[str, list[str]]) -> Answer:
        scripted = self.script.get(path)
        if scripted:
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        if path == "/works":
            return Answer(works([]))
        wanted = [i.split("v")[0] for i in ",".join(query.get("id_list", [])).split(",") if i]
        return Answer(atom([e for e in CANNED.values() if not wanted or e["id"].split("v")[0] in wanted]))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                loopback.times.append(time.monotonic())
                loopback.asked.append(self.path)
                loopback.agents.append(self.headers["User-Agent"])
                parts = urlsplit(self.path)
                answer = loopback._answer(parts.path, parse_qs(parts.query))
                loopback._closed.wait(answer.wait)
                try:
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    step = max(1, -(-len(answer.body) // answer.pieces))
                    for at in range(0, len(answer.body), step):
                        self.wfile.write(answer.body[at : at + step])
                        self.wfile.flush()
                        loopback._closed.wait(answer.pause)
                except OSError:
                    return  # the client has left, as it does when it has waited enough

            def log_message(self, format: str, *args: object) -> None:
                return

        return Handler
