"""Reading Python scripts as syntax trees, from any thread."""

from __future__ import annotations

import ast
import threading

_ONE_AT_A_TIME = threading.RLock()


def parse(script: str) -> ast.Module:
    """The syntax tree of a script. Raises SyntaxError, ValueError or RecursionError where there is none.

    One thread at a time: CPython 3.11 counts the depth of trees for the whole process, and two threads that build one
    at once end in a SystemError (python/cpython issue 106905).
    """
    with _ONE_AT_A_TIME:
        return ast.parse(script)
