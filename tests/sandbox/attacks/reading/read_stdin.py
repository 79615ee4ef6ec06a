"""Read what the host's user types."""

import os

data = os.read(0, 1)
print("succeeded: read a byte" if data else "blocked: standard input is empty", flush=True)
