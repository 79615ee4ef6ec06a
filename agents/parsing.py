"""Reading Python scripts as syntax trees, from any thread."""

from __future__ import annotations

import ast
import threading
from contextlib import suppress

_ONE_AT_A_TIME = threading.RLock()
_TRIES = 5


def parse(script: str) -> ast.Module:
    """The syntax tree of a script. Raises SyntaxError, ValueError or RecursionError where there is none.

    One thread at a time: CPython 3.11 counts the depth of trees for the whole process, and two threads that build one
    at once may end in a SystemError (python/cpython issue 106905). A library may be building one too, so it is tried
    again.
    """
    with _ONE_AT_A_TIME:
        for _ in range(_TRIES - 1):
            with suppress(SystemError):
                return ast.parse(script)
        return ast.parse(script)
