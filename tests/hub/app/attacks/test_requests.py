"""Requests that attack: paths that climb, foreign names and sites, forged writes, huge and odd parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

CANARY = "canary-4f1c"
CLIMBS = [
    *("..", "..%2fkeys", "..%2f..%2fkeys%2fhub.token", "%2e%2e%2f%2e%2e%2foutside", "..%252f..%252fkeys%252fhub.token"),
    *("%2fetc%2fpasswd", "%00", "hostile%00", "PAPER.md%00.png", "..%5c..%5coutside", "....%2f%2f....%2f%2foutside"),
    *("%c0%ae%c0%ae%c0%af", "%ff%fe", "%ef%bc%8e%ef%bc%8e%ef%bc%8foutside", "hostile%2f..%2fhostile", "hostile@v-1"),
    *("hostile@v99999999999999999999", ".hidden", "--help", "x" * 300, "%0d%0aset-cookie:a=b"),
]
ODD_VALUES = [
    *("", "x" * 3000, "-1", "1e308", "NaN", "9" * 25, "9" * 4400, "٣", "1_000", "\x00", "\u202e", "' OR 1=1 --", '"'),
    *("NEAR(", "a AND", "(", "-a", "../../x", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")),
]


def test_every_name_in_a_path_stays_in_its_place(target: Any, owner: TestClient) -> None:
    """Each climb in each part of each path: a refusal or something of ours, never a file from elsewhere."""
    root: Path = target.home.root
    (root / "keys").mkdir(exist_ok=True)
    (root / "keys" / "hub.token").write_text(CANARY * 3)
    outside = root.parent / "outside"
    outside.mkdir(exist_ok=True)
    for name in ("events.jsonl", "manifest.json", "PAPER.md"):
        (outside / name).write_text(CANARY)
    tried, faults = 0, []
    for route in target.routes("GET"):
        if route.path.endswith("/stream"):
            continue  # a stream that is let in does not end
        for parameter in dict.fromkeys(
            p for p in target.filled if "{" + p in route.path or "{" + p.split(".")[-1] in route.path
        ):
            name = parameter.split(".")[-1]
            for climb in CLIMBS:
                answer = owner.get(target.address(route, **{name: climb}), follow_redirects=False)
                tried += 1
                leaked = CANARY.encode() in answer.content or b"root:" in answer.content
                if answer.status_code >= 500 or leaked or "set-cookie" in answer.headers:
                    faults.append((route.path, climb, answer.status_code))
    assert faults == []
    assert tried > 1000


@pytest.mark.parametrize(
    "host", ["xq7.invalid", "xq7.invalid:8127", "127.0.0.1.xq7.invalid:8127", "127.0.0.1:8127@xq7.invalid"]
)
def test_no_route_answers_to_a_foreign_name(target: Any, owner: TestClient, host: str) -> None:
    """DNS rebinding: a foreign name that resolves to this machine reads nothing and writes nothing."""
    for route in target.routes("GET", "POST"):
        for method in route.methods:
            answer = owner.request(method, target.address(route), headers={"host": host})
            assert answer.status_code == 421, route.path


def files(root: Path) -> dict[str, tuple[int, int]]:
    """Every file of a workspace with its size and time."""
    skipped = ("cache", "index.", "keys")
    found = (p for p in root.rglob("*") if p.is_file() and not p.relative_to(root).as_posix().startswith(skipped))
    return {p.as_posix(): (p.stat().st_size, p.stat().st_mtime_ns) for p in found}


FORGED: dict[str, tuple[dict[str, str], set[int]]] = {
    "no word": ({}, {403}),
    "a wrong word": ({"x-csrf-token": "0" * 64}, {403}),
    "an empty word": ({"x-csrf-token": ""}, {403}),
    "a foreign origin": ({"origin": "http://xq7.invalid"}, {403}),
    "no origin": ({"origin": "null"}, {403}),
    "another port": ({"origin": "http://127.0.0.1:9"}, {403}),
    "a foreign site": ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, {403}),
    "a neighbour site": ({"sec-fetch-site": "same-site"}, {403}),
    "a guessed token": ({"authorization": "Bearer guess", "cookie": ""}, {401, 403}),
    "an empty token": ({"authorization": "Bearer ", "cookie": ""}, {401, 403}),
}


@pytest.mark.parametrize("how", FORGED)
def test_no_write_is_done_for_another_site(target: Any, owner: TestClient, how: str) -> None:
    """Every route that writes, with the signed-in person's cookie and without our pages' word, changes nothing."""
    headers, wanted = FORGED[how]
    writes = target.routes("POST", "PUT", "PATCH", "DELETE")
    assert len(writes) >= 18
    before = files(target.home.root)
    for route in writes:
        for method in route.methods - {"GET", "HEAD"}:
            for body in (
                {"data": {"node": "N001", "at": "1", "csrf": "guess"}},
                {"content": b"a=b", "headers": {"content-type": "text/plain"}},
                {"json": {"rung": 3}},
            ):
                sent: dict[str, Any] = {**body, "headers": {**body.get("headers", {}), **headers}}  # type: ignore[dict-item]
                answer = owner.request(method, target.address(route), follow_redirects=False, **sent)
                assert answer.status_code in wanted, (route.path, how, answer.status_code, answer.text[:100])
    assert files(target.home.root) == before


def test_no_write_is_done_for_a_stranger(target: Any, stranger: TestClient) -> None:
    before = files(target.home.root)
    for route in target.routes("POST", "PUT", "PATCH", "DELETE"):
        for method in route.methods - {"GET", "HEAD"}:
            answer = stranger.request(method, target.address(route), data={"node": "N001"}, follow_redirects=False)
            assert answer.status_code == 401, route.path
    assert files(target.home.root) == before


def test_reading_writes_nothing(target: Any, owner: TestClient) -> None:
    """No GET changes packages, runs, the ledger, jobs or drafts: a link cannot do anything."""
    before = files(target.home.root)
    for route in target.routes("GET"):
        if not route.path.endswith("/stream"):
            owner.get(target.address(route))
    assert files(target.home.root) == before


def test_huge_and_odd_parameters_are_refused_in_a_sentence(target: Any, owner: TestClient) -> None:
    """Each value for each parameter of each route: an answer or a refusal, never a fault of the server."""
    tried, faults = 0, []
    for route in target.routes("GET"):
        names = [] if route.path.endswith("/stream") else target.queries(route)
        for name in names:
            for value in ODD_VALUES:
                answer = owner.get(f"{target.address(route)}?{quote(name)}={quote(value, safe='')}")
                tried += 1
                if answer.status_code >= 500:
                    faults.append((route.path, name, value[:40]))
        if names:
            repeated = "&".join(f"{quote(name)}={i}" for name in names for i in range(100))
            assert owner.get(f"{target.address(route)}?{repeated}").status_code < 500, route.path
            strange = "&".join((f"{names[0]}[]=1", "=", "%00=%00", "__proto__=1", "a" * 500))
            assert owner.get(f"{target.address(route)}?{strange}").status_code < 500, route.path
    assert faults == []
    assert tried > 1000


TORN = [
    *(b"", b"{", b"[" * 100_000, b'{"a":' * 50_000, b'{"reviewer":"\\ud800","\\ud800":1}', b"\xff\xfe", b"null"),
    *(b'{"rung":1e999}', b'{"rung":NaN}', b'{"rung":' + b"9" * 5000 + b"}", b'{"rung":true,"rung":9}'),
]
KINDS = [
    *("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
    *("multipart/form-data", "text/plain; charset=utf-16", "x"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_torn_bodies_are_refused_in_a_sentence(kind: str, writable: Callable[..., Any]) -> None:
    target, _, client = writable()
    faults = []
    for route in target.routes("POST"):
        if route.path.endswith(("/verify", "/explain", "/resume", "/pause", "/stop", "/draft")):
            continue  # these need no body
        for body in TORN:
            headers = {"content-type": kind}
            answer = client.post(target.address(route), content=body, headers=headers, follow_redirects=False)
            if not 400 <= answer.status_code < 500:
                faults.append((route.path, body[:20], answer.status_code))
    assert faults == []


CHARSETS = ("utf-7", "raw_unicode_escape", "unicode_escape", "utf-16", "idna", "zlib_codec", "rot13", "nonsense")


def test_a_form_in_a_strange_script_does_not_break_its_page(writable: Callable[..., Any]) -> None:
    _, package, client = writable()
    name = package.parent.name
    body = b'--x\r\nContent-Disposition: form-data; name="summary"\r\n\r\n\\ud800+2AA-\r\n--x--\r\n'
    for charset in CHARSETS:
        headers = {"content-type": f"multipart/form-data; boundary=x; charset={charset}"}
        assert client.post(f"/review/{name}/draft", content=body, headers=headers).status_code < 500, charset
        assert client.get(f"/review/{name}").status_code == 200, charset
