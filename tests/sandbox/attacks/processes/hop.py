"""Outlive the run by never being the same process for longer than a millisecond (for six seconds at most)."""

import os
import time

end = time.monotonic() + 6
if os.fork() == 0:
    os.setsid()
    os.closerange(0, 256)
    while time.monotonic() < end:
        if os.fork():
            os._exit(0)
        time.sleep(0.001)
    os._exit(0)
time.sleep(0.1)
print("blocked: unless a descendant is found alive", flush=True)
