"""Ctrl-C and its like: a run stops between two acknowledged steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from evidentia.graph.steps import Steps


@contextmanager
def stopping_on_signals(steps: Steps) -> Iterator[None]:
    """SIGINT and SIGTERM stop the run between acknowledged steps; a second one ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        steps.stopping.set()
        if stop_thinking := getattr(steps.mind, "stop", None):
            stop_thinking()
        steps.laboratory.executor.close()
        signal.signal(number, signal.SIG_DFL)

    before = {n: signal.signal(n, ask) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
