"""Scripts are read in several threads at once."""

from __future__ import annotations

import ast
import gc
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from evidentia.agents.parsing import parse

SCRIPT = "\n".join(f"def f{i}(x):\n    return [(x + {i}) * (y - {i}) for y in range(x) if y > {i}]" for i in range(60))


class Slow:
    """Garbage in a cycle that gives way to another thread as it is collected."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        time.sleep(0.0005)


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that give way all the time, and a collector that runs while trees are built."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(5)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)


def _read(script: str) -> str:
    for _ in range(5):
        Slow()
    return ast.dump(parse(script))


@pytest.mark.usefixtures("restless")
def test_many_threads_read_the_same_tree() -> None:
    expected = ast.dump(ast.parse(SCRIPT))
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(_read, [SCRIPT] * 100)) == {expected}


def test_what_is_no_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        parse("def (")
