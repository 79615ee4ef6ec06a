"""Compute for half a second in a child that nobody waits for."""

import os
import time

reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    end = time.process_time() + 0.5
    while time.process_time() < end:
        pass
    os._exit(0)
os.close(writing)
os.read(reading, 1)
print("blocked: unless the host missed it", flush=True)
