"""End without waiting for a dozen dead children."""

import os
import time

for _ in range(12):
    if os.fork() == 0:
        os._exit(0)
time.sleep(0.1)
print("blocked: unless the dead are still there", flush=True)
