"""The hub as a process of its own, and Debian's Chromium, for tests that need real ones."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from evidentia.workspace.home import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


@dataclass(frozen=True)
class Hub:
    """A server that runs: where one reads, where one signs in, its workspace, the run that tests look at."""

    address: str
    signing_in: str
    home: Workspace
    run: str
    process: subprocess.Popen[str]


@contextmanager
def served(home: Workspace, run: str = "") -> Iterator[Hub]:
    """`evidentia hub` over a workspace, at a free port, until the end of the block."""
    command = [sys.executable, "-P", "-m", "evidentia", "hub", "--no-open", "--port", "0"]
    process = subprocess.Popen([*command, "--workspace", str(home.root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = process.stdout.readline() + process.stdout.readline()
        found = re.findall(r"http://127\.0\.0\.1:\d+/\S*", said)
        assert len(found) == 2, said
        yield Hub(found[0].rstrip("/"), found[1], home, run, process)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[Hub]]:
    """Serves a workspace as a process of its own."""
    return served


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium without a window; the tests are skipped, saying so, where there is none. It ends with its module: while
    it is there, its event loop counts as running in this thread, and nothing else could start one."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip("the pages are not tried in a browser: there is no Chromium here (apt-get install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="the pages are not tried in a browser: no playwright here")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
