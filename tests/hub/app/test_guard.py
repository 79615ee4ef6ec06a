"""Who gets in: hosts, origins, tokens, the word against forgery, sizes, and the headers of every answer."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from evidentia.errors import BadInputError
from evidentia.hub.app.guard import LARGEST, LONGEST
from evidentia.hub.app.session import token_of
from evidentia.workspace.home import Workspace

TOKEN = "a token for these tests alone"  # noqa: S105


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:8127.evil.example",
        "localhost",
        "0.0.0.0:8127",
        "",
        "[::1]:1",
    ],
)
def test_a_name_that_is_not_ours_is_not_answered(reader: TestClient, host: str) -> None:
    """A foreign name that resolves to this machine is how DNS rebinding reads a local server."""
    assert reader.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8127", "localhost:8127", "[::1]:8127", "LOCALHOST:8127"])
def test_our_own_names_are(reader: TestClient, host: str) -> None:
    assert reader.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:8127", "http://127.0.0.1:9999"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_of_other_sites_are_refused(writer: TestClient, origin: str, method: str) -> None:
    assert writer.request(method, "/arena", headers={"origin": origin}).status_code == 403


def test_other_sites_are_refused_by_what_the_browser_says_of_them(writer: TestClient) -> None:
    for site in ("cross-site", "same-site"):
        assert writer.get("/", headers={"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}).status_code == 403
        assert writer.post("/arena", headers={"sec-fetch-site": site, "sec-fetch-mode": "navigate"}).status_code == 403
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert writer.get("/", headers=followed).status_code == 200


def test_the_token_is_taken_out_of_the_address_and_kept_in_a_cookie(reader: TestClient) -> None:
    answer = reader.get(f"/?token={TOKEN}&search=x", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?search=x"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "///evil.example"])
def test_signing_in_never_leads_elsewhere(reader: TestClient, path: str) -> None:
    answer = reader.get(f"http://127.0.0.1:8127{path}?token={TOKEN}", follow_redirects=False)
    location = answer.headers.get("location", "/")
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x"])
def test_a_wrong_token_lets_nobody_write(reader: TestClient, token: str) -> None:
    reader.get("/", params={"token": token})
    assert reader.post("/arena").status_code == 401
    assert reader.post("/arena", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_a_cookie_without_the_word_of_our_pages_does_not_write(writer: TestClient) -> None:
    del writer.headers["x-csrf-token"]
    for data in ({}, {"csrf": "guess"}, {"csrf": ""}):
        assert writer.post("/arena", data=data).status_code == 403
    assert writer.post("/arena", headers={"x-csrf-token": "guess"}).status_code == 403


def test_a_program_writes_with_the_token_alone(reader: TestClient) -> None:
    answer = reader.post("/arena", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 422


def test_what_is_too_long_or_too_large_is_refused_before_it_is_read(writer: TestClient) -> None:
    assert writer.get("/", params={"search": "x" * LONGEST}).status_code == 414
    assert writer.post("/arena", content=b"x" * (LARGEST + 1)).status_code == 413
    assert writer.post("/arena", headers={"content-length": "99999999999999999999"}).status_code == 413
    assert writer.post("/arena", headers={"content-length": "many"}).status_code == 413


def test_a_body_that_lies_about_its_length_is_cut_off(writer: TestClient) -> None:
    pieces = (b"x" * 100_000 for _ in range(LARGEST // 100_000 + 2))
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert writer.post("/arena", content=pieces, headers=headers).status_code == 413


@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/app.css", "/review", "/packages/nope", "/arena/ranks"])
def test_every_answer_has_the_headers(reader: TestClient, path: str) -> None:
    headers = reader.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


def test_readers_see_no_word_and_no_token(reader: TestClient, writer: TestClient) -> None:
    for page in (reader.get("/").text, reader.get("/arena").text, writer.get("/arena").text):
        assert TOKEN not in page
    assert writer.headers["x-csrf-token"] not in reader.get("/arena").text


def test_the_token_is_made_once_and_is_the_owners_alone(home: Workspace) -> None:
    token = token_of(home)
    assert token_of(home) == token
    path = home.root / "keys" / "hub.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("short")
    with pytest.raises(BadInputError, match="does not hold a token"):
        token_of(home)


def test_no_page_asks_anything_of_the_network() -> None:
    """Works offline: no address of another host in any template, style or script of ours."""
    app = Path(__file__).parents[3] / "hub" / "app"
    ours = [p for p in app.rglob("*") if p.suffix in (".html", ".css", ".js") and ".min." not in p.name]
    assert ours
    for path in ours:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "").replace("http://127.0.0.1", "")
        assert "http://" not in text, path
        assert "https://" not in text, path
