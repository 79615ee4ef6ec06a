"""Make the host wait: end at once, but leave a child that holds the output streams."""

import os
import time

if os.fork() == 0:
    os.setsid()
    time.sleep(30)
    os._exit(0)
print("blocked: unless the host waited", flush=True)
