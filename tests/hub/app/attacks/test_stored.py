"""Stored attacks: what agents, papers and people wrote is text on every page, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from evidentia.hub.app.sanitising import markdown

PAYLOADS: list[str] = json.loads(Path(__file__).with_name("payloads.json").read_text())
ALIVE = {"iframe", "object", "embed", "base", "frame", "applet", "style", "math", "video", "audio", "foreignobject"}
ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "hx-get", "hx-post", "poster", "data", "ping"}


class Reader(HTMLParser):
    """Notes everything in a page that could act and is not ours."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that acts, an attribute that runs, an address that leads out or runs."""
        told = dict(attrs)
        self.inside = tag
        if tag in ALIVE:
            self.found.append(f"<{tag}>")
        if tag == "script" and not re.fullmatch(r"/static/[\w.-]+\.js", told.get("src") or ""):
            self.found.append("a script that is not ours")
        if tag == "link" and not (told.get("href") or "").startswith("/static/"):
            self.found.append("a style that is not ours")
        if tag == "meta" and "http-equiv" in told:
            self.found.append("a meta that acts")
        for name, value in attrs:
            if name.startswith(("on", "hx-on")) or name in ("style", "srcdoc"):
                self.found.append(f"{tag} {name}")
            if not re.fullmatch(r"[a-z][a-z0-9:_-]*", name, re.I):
                self.found.append(f"{tag} with an attribute {name!r}")
            if name in ADDRESSES:
                self._address(tag, name, value or "")

    def _address(self, tag: str, name: str, value: str) -> None:
        plain = re.sub(r"[\x00-\x20]", "", value).lower()
        scheme = re.match(r"([a-z][a-z0-9+.-]*):", plain)
        leads = tag == "a" and name == "href"
        if plain.startswith(("//", "/\\")) or (scheme and not (leads and scheme[1] in ("http", "https", "mailto"))):
            self.found.append(f"{tag} {name}={value[:40]!r}")

    def handle_data(self, data: str) -> None:
        """What stands inside a script."""
        if self.inside == "script" and data.strip():
            self.found.append("a script in the page")

    def handle_endtag(self, tag: str) -> None:
        """Leave the element."""
        self.inside = ""


def dangers(page: str) -> list[str]:
    """What in a page could act."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader.found


ACTING = [p for p in PAYLOADS if "{{" not in p and "[xq7]" not in p and "CDATA" not in p]


@pytest.mark.parametrize("payload", ACTING)
def test_the_check_of_these_tests_sees_each_attack(payload: str) -> None:
    """Written into a page as it is, in a text or in an attribute of either quote, every payload is found."""
    frames = ("<p>{}</p>", '<p title="{}">x</p>', "<p title='{}'>x</p>", "<textarea>{}</textarea>", "<!--{}-->")
    assert any(dangers(frame.format(payload)) for frame in frames)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markdown_of_an_attack_does_nothing(payload: str) -> None:
    for text in (
        payload,
        f"# {payload}",
        f"|a|\n|-|\n|{payload}|",
        f"`{payload}`",
        f"> - {payload}",
        f"[a]({payload})",
    ):
        assert dangers(markdown(text)) == []


def test_no_page_lets_what_is_stored_act(target: Any, owner: TestClient) -> None:
    """Every route that gives a page, over a workspace whose every field is an attack, for someone who may write."""
    with_words, seen = set(), 0
    for route in target.routes("GET"):
        if route.path.endswith("/stream"):
            continue
        answer = owner.get(target.address(route))
        assert answer.status_code < 500, (route.path, answer.text[:300])
        kind = answer.headers.get("content-type", "")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "'unsafe-inline'" not in answer.headers["content-security-policy"] or kind.startswith("image/")
        if not kind.startswith("text/html"):
            assert kind.split(";")[0] in (
                *("application/json", "text/plain", "application/octet-stream", "image/png", "image/svg+xml"),
                *("text/markdown", "application/xml"),
            ), route.path
            continue
        seen += 1
        assert dangers(answer.text) == [], route.path
        assert "xq749" not in answer.text, f"{route.path} computed a template in what was stored"
        if "xq7" in answer.text:
            with_words.add(route.path)
    assert seen >= 35
    missing = {"/", "/packages/{name}", "/packages/{name}/claims/{claim}", "/packages/{name}/evidence", "/runs/{run}",
               "/packages/{name}/code", "/packages/{name}/exploration", "/packages/{name}/paper", "/ledger", "/jobs",
               "/packages/{name}/reviews", "/packages/{name}/ledger", "/review/{name}", "/review", "/runs", "/arena",
               "/runs/{run}/nodes/{node}", "/runs/{run}/replay/state", "/jobs/{name}", "/lessons"}  # fmt: skip
    missing -= with_words
    assert not missing, f"no attack reached {missing}: the test tests nothing there"


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_nothing_stored_acts_in_a_browser_without_the_policy(target: Any, serve: Any, chromium: Any) -> None:
    """The same pages in Chromium with the Content-Security-Policy switched off: escaping alone must hold."""
    acted: list[str] = []
    asked: list[str] = []

    def told(dialog: Any) -> None:
        acted.append(dialog.message)
        dialog.dismiss()

    with serve(target.home) as hub:
        context = chromium.new_context(bypass_csp=True)
        page = context.new_page()
        page.set_content(PAYLOADS[1])  # what must not happen below does happen here
        page.wait_for_function("window.xq7 === 1")
        page.on("dialog", told)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(hub.signing_in)
        for route in target.routes("GET"):
            if route.path.startswith(("/api/", "/llms")) or route.path.endswith(("/stream", ".json")):
                continue
            if "/export/" in route.path or "/files/" in route.path or "/figures/" in route.path:
                continue
            page.goto(f"{hub.address}{target.address(route)}")
            page.wait_for_timeout(500 if page.locator("canvas.tree").count() else 30)
            if page.evaluate("window.xq7"):
                acted.append(page.url)
        context.close()
        assert acted == []
        assert [url for url in asked if not url.startswith((hub.address, "data:"))] == []


@pytest.mark.parametrize("path", ["/compare?left=packages/hostile&right=packages/hostile-refuted", "/compare?left={0}",
                                  "/?search={0}", "/lessons?search={0}", "/ledger?package={0}", "/ledger?kind={0}",
                                  "/?tag={0}", "/tensions?state={0}", "/packages/{0}", "/runs/{0}", "/jobs/{0}",
                                  "/review/{0}", "/packages/hostile/claims/{0}", "/packages/hostile/figures/{0}",
                                  "/compare?left=runs/run-hostile/N001&right=runs/run-hostile/N002", "/{0}",
                                  "/runs/run-hostile?did={0}&job={0}", "/runs/run-hostile/replay?node={0}",
                                  "/runs/run-hostile/tree?node={0}", "/runs/run-hostile/nodes/{0}"])  # fmt: skip
def test_no_address_is_reflected(owner: TestClient, path: str) -> None:
    for payload in (PAYLOADS[0], PAYLOADS[3], PAYLOADS[4], PAYLOADS[6], PAYLOADS[16], " ".join(PAYLOADS)[:290]):
        answer = owner.get(path.format(quote(payload, safe="")))
        assert answer.status_code < 500
        if answer.headers["content-type"].startswith("text/html"):
            assert dangers(answer.text) == []
            assert "xq749" not in answer.text


XMLNS = 'xmlns="http://www.w3.org/2000/svg"'
EVIL = {
    "a script": "<svg XMLNS><script>parent.xq7=1</script></svg>",
    "a handler": '<svg XMLNS onload="xq7=1"><path d="M0 0"/></svg>',
    "a page inside": '<svg XMLNS><foreignObject><iframe src="//xq7.invalid"/></foreignObject></svg>',
    "an outside picture": '<svg XMLNS><image href="http://xq7.invalid/a.png"/></svg>',
    "an outside use": '<svg XMLNS><use href="http://xq7.invalid/a.svg#b"/></svg>',
    "a link that runs": '<svg XMLNS><a href="javascript:xq7=1"><path d="M0 0"/></a></svg>',
    "an outside style": "<svg XMLNS><style>@import url(//xq7.invalid)</style></svg>",
    "an outside fill": '<svg XMLNS><path fill="url(http://xq7.invalid#a)" d="M0 0"/></svg>',
    "an animation": '<svg XMLNS><a><set attributeName="href" to="javascript:xq7=1"/></a></svg>',
    "an entity": '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg XMLNS>&x;</svg>',
    "many entities": '<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg XMLNS>&b;</svg>',
    "depth": "<svg XMLNS>" + "<g>" * 5000 + "</g>" * 5000 + "</svg>",
    "no drawing": "<html><script>xq7=1</script></html>",
    "nothing": "",
}


@pytest.mark.parametrize("what", EVIL)
def test_a_drawing_that_could_act_is_not_drawn(
    what: str, writable: Callable[..., tuple[Any, Path, TestClient]]
) -> None:
    _, package, client = writable()
    figures = package / "evidence" / "figures"
    assert client.get(f"/packages/{package.parent.name}/figures/F01").headers["content-type"] == "image/svg+xml"
    (figures / "F01.svg").write_text(EVIL[what].replace("XMLNS", XMLNS))
    answer = client.get(f"/packages/{package.parent.name}/figures/F01")
    assert answer.headers["content-type"] == "image/png"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert b"xq7" not in answer.content
    file = client.get(f"/packages/{package.parent.name}/files/evidence/figures/F01.svg")
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("words", ["odd", "big", "alone"])
def test_odd_and_huge_words_are_shown_all_the_same(
    words: str, writable: Callable[..., tuple[Any, Path, TestClient]]
) -> None:
    """Control characters, marks that turn text around, half characters, and a megabyte where a sentence belongs."""
    odd = "xq7\u202edesrever\u202c\u2066\u200b\ufeff\u0301\U0001f9ea\x1b[31m\x07\x7f\u2028\u2029 \x01 \x00"
    target, package, client = writable("xq7" if words == "alone" else odd, odd[:40])
    if words == "big":
        data = json.loads((package / "manifest.json").read_bytes())
        data["title"] = data["question"] = data["branch"]["hypothesis"]["statement"] = "xq7<b>" * 170_000
        (package / "manifest.json").write_bytes(json.dumps(data).encode())
    if words == "alone":  # half a character, in what is not checked as text
        rows = package / "evidence" / "rows" / "E01.jsonl"
        rows.write_text('{"system": "\\ud800xq7", "seed": 0, "\\udfff": "\\ud800", "hit_rate": 1}\n')
    faults = []
    for route in target.routes("GET"):
        if route.path.startswith("/packages/{name}") or route.path.startswith(("/api/packages/{package}", "/review/")):
            if "export" in route.path:
                continue
            answer = client.get(target.address(route))
            if answer.status_code >= 500 or len(answer.content) > 20_000_000:
                faults.append((route.path, answer.status_code))
    assert faults == []
