"""The tree and the replay in a real browser: by mouse and by keys. Left out where there is no Chromium."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from evidentia.graph.replay import journal_of
from evidentia.hub.app import create_app
from evidentia.hub.app.runlog import run_log
from evidentia.workspace.home import Workspace
from tests.hub.app.conftest import TOKEN

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
Explored = tuple[Workspace, str]


@pytest.fixture(scope="module")
def address(explored: Explored) -> Iterator[str]:
    """The finished run's workspace, served."""
    import uvicorn

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(explored[0], TOKEN, port), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}/runs/{explored[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page on which every error of a script, and everything the policy forbids, fails the test."""
    found, errors = browser.new_page(viewport={"width": 1440, "height": 900}), []
    found.on("pageerror", lambda error: errors.append(str(error)))
    found.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield found
    found.close()
    assert errors == []


def chosen(page: Any) -> str:
    return str(page.evaluate("() => { const { data, view } = window.evidentiaTree; return data.id[view.selected] }"))


def drawn(page: Any) -> int:
    return int(page.evaluate("() => window.evidentiaTree.view.layout.columns.reduce((s, c) => s + c.node.length, 0)"))


def test_a_node_is_found_chosen_and_folded(page: Any, address: str, explored: Explored) -> None:
    home, run = explored
    journal = journal_of(home, run)
    branch = next(b for b in journal.branches.values() if b.claims and b.outcome)
    name = journal.tree.node_of[branch.id]
    page.goto(f"{address}/tree")
    page.wait_for_selector(".tree-wait", state="hidden")
    assert drawn(page) == len(journal.tree.graph)
    page.keyboard.press("f")
    page.keyboard.type(f"{name} {branch.outcome}")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#card[data-node={name}] .claims")
    assert chosen(page) == name
    assert page.url.endswith(f"?node={name}")
    assert page.get_attribute("#tree-list [aria-selected=true]", "data-number") == str(run_log(home, run).number[name])
    page.keyboard.press("Escape")
    page.focus("canvas.tree")
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    assert drawn(page) == 1
    page.keyboard.press(" ")
    assert drawn(page) == len(journal.tree.graph)
    place = """(name) => {
      const { view, data } = window.evidentiaTree, i = data.number.get(name), box = view.canvas.getBoundingClientRect();
      return [box.x + view.x(view.layout.depth[i]), box.y + view.y(view.layout.row[i])];
    }"""
    page.mouse.click(*page.evaluate(place, name))
    assert chosen(page) == name


def test_the_list_is_walked_by_keys(page: Any, address: str) -> None:
    page.goto(f"{address}/tree")
    page.wait_for_selector("#tree-list [role=treeitem]")
    count = "() => document.querySelectorAll('#tree-list [role=treeitem]').length"
    page.focus("#tree-list [tabindex='0']")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(count) == 1
    page.keyboard.press("ArrowRight")
    assert page.evaluate(count) > 1
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("#card .card-head")
    focused = page.evaluate("() => document.activeElement.dataset.number")
    assert focused == page.get_attribute("#tree-list [aria-selected=true]", "data-number")


def test_replay_goes_to_decisions_and_failures_and_dims_what_is_to_come(
    page: Any, address: str, explored: Explored
) -> None:
    log = run_log(*explored)
    page.goto(f"{address}/replay")
    page.wait_for_function("() => window.evidentiaReplay")
    at = "() => window.evidentiaReplay.at()"
    for seq in log.decisions[:3]:
        page.keyboard.press("d")
        assert page.evaluate(at) == seq
    after = [seq for seq in log.failures if seq > log.decisions[2]]
    page.keyboard.press("x")
    assert page.evaluate(at) == (after[0] if after else log.decisions[2])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("D")
    now = page.evaluate(at)
    page.wait_for_selector(f"#state :text('Event {now}')")
    dim = """() => {
      const { view } = window.evidentiaReplay;
      return view.data.born.filter((_, i) => view.look(i).alpha < 1);
    }"""
    assert sorted(page.evaluate(dim)) == sorted(born for born in log.born if born > now)
    page.keyboard.press("p")
    page.wait_for_function(f"() => window.evidentiaReplay.at() > {now}")
    page.keyboard.press("p")
    assert page.inner_text("#play-word") == "Play"
