"""Use 150 MB in a child that is gone at once."""

import os

if os.fork() == 0:
    hoard = b"x" * 150_000_000
    os._exit(0)
os.wait()
print("blocked: unless the host missed it", flush=True)
